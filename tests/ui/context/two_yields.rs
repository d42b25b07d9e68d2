use withal::context::asynccontextmanager;

fn main() {
    let _manager = asynccontextmanager(async |y| {
        y.yield_(1).await;
        y.yield_(2).await;
        Ok::<(), std::io::Error>(())
    });
}

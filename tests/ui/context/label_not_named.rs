use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    'outer: loop {
        loop {
            async_with!(loop; n = &mutex => {
                *n += 1;
                break 'outer;
            });
        }
    }
}

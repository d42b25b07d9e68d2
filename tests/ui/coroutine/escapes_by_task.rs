use withal::coroutine::{Yielder, coroutine};

#[tokio::main]
async fn main() {
    let mut body = coroutine(async |mut y: Yielder<'_, u32>| {
        tokio::spawn(async move { y.yield_(1).await });
        Ok(())
    });
    body.resume().unwrap();
}

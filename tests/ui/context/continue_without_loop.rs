use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    for _ in 0..3 {
        async_with!(n = &mutex => {
            *n += 1;
            if *n > 2 {
                continue;
            }
        });
    }
}

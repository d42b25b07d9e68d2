use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    loop {
        async_with!(n = &mutex => {
            *n += 1;
            break;
        });
    }
}

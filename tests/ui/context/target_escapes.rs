use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    let escaped = async_with!(n = &mutex => { n });
    *escaped += 1;
}

use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    let escaped = async_with(&mutex, async |n| Ok::<_, String>(n)).await;
    *escaped.unwrap() += 1;
}

use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    async_with!(&mutex => { println!("locked") });
    async_with!(mutex.lock().await => {});
}

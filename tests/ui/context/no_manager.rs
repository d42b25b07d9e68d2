use tokio::sync::RwLock;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let lock = RwLock::new(1);
    async_with!(n = &lock => { *n += 1 });
}

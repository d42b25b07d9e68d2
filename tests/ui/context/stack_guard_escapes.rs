use std::sync::Arc;
use tokio::sync::Mutex;
use withal::context::{AsyncExitStack, async_with};

#[tokio::main]
async fn main() {
    let mutex = Arc::new(Mutex::new(1));
    let lent = async_with(AsyncExitStack::new(), async |stack| stack.enter_async_context(mutex).await).await;
    *lent.unwrap().unwrap().target() += 1;
}

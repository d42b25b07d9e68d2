//! Three tasks and a lock: `async with lock`, in one line, by hand, and cancelled in the middle.
//!
//! ```sh
//! cargo run --example async_with_lock
//! ```
//!
//! The lock is tokio's, and a guard of it would do here as well. What the scope adds is that all that is inside is over
//! before the lock is given back, whichever way the block is left; for an owned lock, also when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, async_with};

type Count = Arc<Mutex<u32>>;

/// `async with lock: ..`
async fn by_the_macro(count: Count) {
    println!("macro: waits for the lock");
    async_with!(count = &count => {
        println!("macro: has the lock");
        yield_now().await; // whatever takes time
        *count += 1;
    });
    println!("macro: gave it back");
}

/// `await lock.__aenter__()`, `try`, `finally`, `await lock.__aexit__()`: the same, where nothing goes wrong.
async fn by_hand(count: Count) {
    println!("by hand: waits for the lock");
    let Ok(mut locked) = AsyncContextManager::aenter(&count).await;
    println!("by hand: has the lock");
    yield_now().await;
    *locked.target() += 1;
    let Ok(()) = locked.aexit(ExitReason::Ok).await;
    drop(locked);
    println!("by hand: gave it back");
}

/// Nobody waits for this one as long as it takes.
async fn cancelled(count: Count) {
    let forever = async {
        async_with!(count = &count => {
            println!("cancelled: has the lock, and {} to add", *count);
            sleep(Duration::from_secs(3600)).await;
            *count += 1000;
        });
    };
    if timeout(Duration::from_millis(20), forever).await.is_err() {
        println!("cancelled: gave it back all the same");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = Count::default();
    tokio::join!(by_the_macro(count.clone()), by_hand(count.clone()), cancelled(count.clone()));
    println!("count: {}", async_with!(count = &count => { *count }));
}

//! A lock shared by three futures: one uses `async_with!`, one calls the methods by hand, and one is cancelled in its
//! block.
//!
//! ```sh
//! cargo run --example async_with_lock
//! ```
//!
//! The lock is tokio's. Its guard alone would suffice here. The scope adds an order: on every exit path, everything
//! that is nested in the block has ended before the lock is released. For an owned lock, this includes the drop of the
//! future.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, async_with};

type Count = Arc<Mutex<u32>>;

/// `async with lock: ..`
async fn by_the_macro(count: Count) {
    println!("macro: waiting for the lock");
    async_with!(count = &count => {
        println!("macro: has the lock");
        yield_now().await; // some work
        *count += 1;
    });
    println!("macro: released the lock");
}

/// `await lock.__aenter__()`, `try`, `finally`, `await lock.__aexit__()`: the same calls, without the handling of
/// errors.
async fn by_hand(count: Count) {
    println!("by hand: waiting for the lock");
    let Ok(mut locked) = AsyncContextManager::aenter(&count).await;
    println!("by hand: has the lock");
    yield_now().await;
    *locked.target() += 1;
    let Ok(()) = locked.aexit(ExitReason::Ok).await;
    drop(locked);
    println!("by hand: released the lock");
}

/// Enters the lock for a block that takes longer than the timeout around it.
async fn cancelled(count: Count) {
    let forever = async {
        async_with!(count = &count => {
            println!("cancelled: has the lock, count is {}", *count);
            sleep(Duration::from_secs(3600)).await;
            *count += 1000;
        });
    };
    if timeout(Duration::from_millis(20), forever).await.is_err() {
        println!("cancelled: released the lock");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = Count::default();
    tokio::join!(by_the_macro(count.clone()), by_hand(count.clone()), cancelled(count.clone()));
    println!("count: {}", async_with!(count = &count => { *count }));
}

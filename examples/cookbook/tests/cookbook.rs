//! The recipes on real servers, which these tests start. Each recipe is cancelled at every await, and then the server
//! itself reports what is left.

mod files;
mod nats;
mod postgres;
mod rabbit;
mod redis;
mod servers;
mod sockets;
mod telemetry;

use std::time::Duration;

use withal::cleanup;
use withal_test_support::poll_then_drop::drop_at_every_await;

/// Runs `program` once for each await, drops it there, waits for its cleanups, and calls `check`.
async fn cancel_at_every_await<P: Future>(program: impl FnMut() -> P, mut check: impl AsyncFnMut()) -> usize {
    let dropped = drop_at_every_await(program, async |_| {
        cleanup::drain(Duration::from_secs(20)).await.unwrap();
        check().await;
    });
    let dropped = dropped.await;
    assert!(dropped > 0, "the program awaits");
    dropped
}

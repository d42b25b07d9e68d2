//! The event loop: what `test_base_events.py` and `test_events.py` pin of it, on a paused clock.

mod calls;
mod close;
mod exceptions;
mod runs;
mod tasks;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Builder;
use withal::tasks::EventLoop;

use crate::Log;

const SECOND: Duration = Duration::from_secs(1);

fn new() -> EventLoop {
    EventLoop::with_runtime(Builder::new_current_thread().enable_time().start_paused(true).build().unwrap())
}

/// A callback that logs.
fn logs(log: &Log, what: &'static str) -> impl FnOnce() + use<> {
    let log = log.clone();
    move || log.push(what)
}

/// Stops the loop, as a callback.
fn stops(event_loop: &EventLoop) -> impl FnOnce() + use<> {
    let event_loop = event_loop.clone();
    move || event_loop.stop()
}

/// asyncio's `sleep(0)`: woken at once, at the end of the queue.
async fn yield_once() {
    let mut is_woken = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

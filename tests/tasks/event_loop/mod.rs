//! The event loop on a paused clock: `CPython`'s `test_base_events.py` and `test_events.py`, and more.

mod callbacks;
mod close;
mod exception_handler;
mod run;
mod tasks;

use std::time::Duration;

use tokio::runtime::Builder;
use withal::tasks::EventLoop;

use crate::Log;
use crate::support::yield_once;

const SECOND: Duration = Duration::from_secs(1);

fn new() -> EventLoop {
    EventLoop::with_runtime(Builder::new_current_thread().enable_time().start_paused(true).build().unwrap())
}

/// A callback that logs `what`.
fn logs(log: &Log, what: &'static str) -> impl FnOnce() + use<> {
    let log = log.clone();
    move || log.push(what)
}

/// A callback that stops the loop.
fn stops(event_loop: &EventLoop) -> impl FnOnce() + use<> {
    let event_loop = event_loop.clone();
    move || event_loop.stop()
}

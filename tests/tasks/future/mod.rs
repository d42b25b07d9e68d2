//! Futures and what completes them: `test_future.py`, and what Rust adds.

mod callbacks;
mod results;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::tasks::{Promise, TaskHandle, TaskResult};

use crate::Failed;

/// Far away: what waits so long hangs.
const LONG: Duration = Duration::from_secs(3600);

fn new() -> (Promise<u32, Failed>, TaskHandle<u32, Failed>) {
    Promise::new()
}

fn with_result(value: u32) -> TaskHandle<u32, Failed> {
    let (promise, future) = new();
    promise.set_result(value).unwrap();
    future
}

fn with_exception() -> TaskHandle<u32, Failed> {
    let (promise, future) = new();
    promise.set_exception(Failed("test")).unwrap();
    future
}

/// What its callback saw.
fn callback_of(future: &TaskHandle<u32, Failed>) -> Arc<Mutex<Vec<TaskResult<u32, Failed>>>> {
    let seen = Arc::default();
    let to: Arc<Mutex<Vec<_>>> = Arc::clone(&seen);
    future.add_done_callback(move |outcome| to.lock().unwrap().push(outcome.clone()));
    seen
}

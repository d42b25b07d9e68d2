//! `Promise` and its handle: `test_future.py`, and what Rust adds.

mod callbacks;
mod results;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::tasks::{Promise, TaskHandle, TaskResult};

use crate::Failed;

/// A timeout that a passing test never reaches.
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
    withal_test_support::expect_reports("created at tests/tasks/future/mod.rs");
    let (promise, future) = new();
    promise.set_exception(Failed("test")).unwrap();
    future
}

/// Adds a callback, and returns the results that it is called with.
fn callback_of(future: &TaskHandle<u32, Failed>) -> Arc<Mutex<Vec<TaskResult<u32, Failed>>>> {
    let seen = Arc::default();
    let results: Arc<Mutex<Vec<_>>> = Arc::clone(&seen);
    future.add_done_callback(move |result| results.lock().unwrap().push(result.clone()));
    seen
}

//! The executor: `CPython`'s `executor.py`, `test_thread_pool.py` and `test_shutdown.py`, and more.
//!
//! Jobs wait at gates, not for a time; only the end of a thread is delayed by a sleep.

mod map;
mod shutdown;
mod submit;
mod threads;

use std::convert::Infallible;
use std::sync::mpsc;
use std::time::Duration;

use withal::tasks::{TaskHandle, ThreadPoolExecutor};

const LONG: Duration = Duration::from_secs(3600);

fn executor(max_workers: usize) -> ThreadPoolExecutor {
    ThreadPoolExecutor::new(max_workers).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "jobs return a `Result`")]
fn fine<T>(value: T) -> Result<T, Infallible> {
    Ok(value)
}

/// A job that reports when it runs, and that waits until its gate is opened.
struct Gate {
    opens: mpsc::Sender<()>,
    runs: mpsc::Receiver<()>,
    job: TaskHandle<(), Infallible>,
}

fn gate(executor: &ThreadPoolExecutor) -> Gate {
    let (opens, opened) = mpsc::channel::<()>();
    let (running, runs) = mpsc::channel();
    let job = executor
        .submit(move || {
            running.send(()).ok();
            opened.recv().ok();
            fine(())
        })
        .unwrap();
    Gate { opens, runs, job }
}

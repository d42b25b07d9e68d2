//! `TaskGroup`: `test_taskgroups.py`, and what only Rust needs.

mod cancel;
mod completion;
mod cpython;
mod entered;
mod handle_notification;
mod in_place;
mod panics;
mod reports;
mod spans;

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;
use withal::tasks::{ErrorGroup, TaskGroup};

use super::{Failed, LogOnDrop};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);
const CRASH: Failed = Failed("division by zero");

type Group = TaskGroup<Failed>;

async fn after<T>(seconds: u32, result: Result<T, Failed>) -> Result<T, Failed> {
    sleep(seconds * SECOND).await;
    result
}

/// Waits for ever, and logs its drop.
async fn waits(noted: LogOnDrop) -> Result<(), Failed> {
    let _noted = noted;
    pending().await
}

fn errors<T: std::fmt::Debug>(result: Result<T, ErrorGroup<Failed>>) -> Vec<Failed> {
    result.unwrap_err().into_errors()
}

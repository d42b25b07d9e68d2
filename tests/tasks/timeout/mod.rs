//! Timeouts of blocks: `CPython`'s `test_timeouts.py`, and more.

mod completion;
mod cpython;
mod spent_budget;

use std::time::Duration;

use tokio::time::sleep;
use withal::context::async_with;
use withal::tasks::{Timeout, TimeoutError};

const SECOND: Duration = Duration::from_secs(1);

/// A block that takes as long as `duration`.
async fn takes(limit: &Timeout, duration: Duration) -> Result<(), TimeoutError> {
    async_with!(_limit = limit.clone() => { sleep(duration).await })
}

//! Timeouts around a block: `test_timeouts.py`.

mod cpython;
mod ends;

use std::time::Duration;

use tokio::time::sleep;
use withal::context::async_with;
use withal::tasks::{Timeout, TimeoutError};

const SECOND: Duration = Duration::from_secs(1);

/// A block that takes so long.
async fn takes(limit: &Timeout, most: Duration) -> Result<(), TimeoutError> {
    async_with!(_limit = limit.clone() => { sleep(most).await })
}

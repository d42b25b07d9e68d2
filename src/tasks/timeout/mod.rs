//! Time limits for blocks: Python's `asyncio.timeout`.

mod deadline;
mod error;
mod timeout;

pub use self::error::TimeoutError;
pub use self::timeout::{Timeout, timeout, timeout_at};

//! Timeouts around a block: `asyncio.timeout`.

mod deadline;
mod error;
mod manager;

pub use self::error::TimeoutError;
pub use self::manager::{Timeout, timeout, timeout_at};

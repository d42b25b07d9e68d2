//! PEP 3148's executor: threads, the queue before them, and what comes out.

mod error;
mod manager;
mod map;
mod pool;
mod queue;
mod shutdown;
mod threads;

pub use self::error::ExecutorError;
pub use self::map::{Map, MapStream};
pub use self::pool::ThreadPoolExecutor;
pub use self::shutdown::Shutdown;

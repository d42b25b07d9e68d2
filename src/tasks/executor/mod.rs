//! PEP 3148's executor: threads, the queue before them, and what comes out.

mod error;
mod map;
mod queue;
mod shutdown;
mod thread_pool_executor;
mod threads;

pub use self::error::ExecutorError;
pub use self::map::{Map, MapStream};
pub use self::shutdown::Shutdown;
pub use self::thread_pool_executor::ThreadPoolExecutor;

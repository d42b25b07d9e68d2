//! PEP 3148's thread pool: the executor, its queue of jobs, its threads, and the results of its `map`.

mod error;
mod job_queue;
mod map;
mod shutdown;
mod thread_pool_executor;
mod threads;

pub use self::error::ExecutorError;
pub use self::map::{Map, MapStream};
pub use self::shutdown::Shutdown;
pub use self::thread_pool_executor::ThreadPoolExecutor;

//! The event loop: `CPython`'s, turn by turn, over a current-thread runtime of tokio.

mod calls;
mod error;
mod exception;
mod handle;
mod inner;
mod methods;
mod ready;
mod run;
mod tasks;
mod threadsafe;

pub use self::error::LoopError;
pub use self::exception::{Exception, Returned};
pub use self::handle::Handle;
pub use self::methods::EventLoop;
pub use self::threadsafe::Threadsafe;

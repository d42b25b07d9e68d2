//! An event loop that runs callbacks and tasks in the order of `CPython`'s event loop, on a tokio runtime.

mod callback_error;
mod callback_handle;
mod callbacks;
mod error;
mod event_loop;
mod inner;
mod loop_handle;
mod ready_queue;
mod run;
mod tasks;

pub use self::callback_error::{CallbackError, CallbackOutput};
pub use self::callback_handle::CallbackHandle;
pub use self::error::LoopError;
pub use self::event_loop::EventLoop;
pub use self::loop_handle::LoopHandle;

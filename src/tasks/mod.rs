//! Tasks, and what waits for them: asyncio's and PEP 3148's, over tokio.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use futures::StreamExt;
//! use withal::tasks::{ThreadPoolExecutor, as_completed};
//!
//! let names = ["Cargo.toml", "Cargo.lock"];
//! let executor = ThreadPoolExecutor::new(5)?;
//! let load = |name| executor.submit(move || std::fs::read(name));
//! let mut loaded = as_completed(names.into_iter().map(load).collect::<Result<Vec<_>, _>>()?);
//! while let Some((place, content)) = loaded.next().await {
//!     match content {
//!         Ok(content) => println!("{} is {} bytes", names[place], content.len()),
//!         Err(error) => println!("{} generated an exception: {error}", names[place]),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # From Python
//!
//! Work is fallible here: it returns a `Result`, whose error is what Python would raise. Line by line, and where tokio's own
//! is the better answer: [From Python](crate::from_python).
//!
//! # Where withal differs from asyncio
//!
//! Found by 3,000 random programs that were run on both, and compared event by event for each task. The first six rows are
//! what keeps some from being compared; of the others [few differ](crate::from_python#where-withal-differs-from-python), by
//! the last one.
//!
//! | what | asyncio | here |
//! |---|---|---|
//! | a task is cancelled | `CancelledError` is raised in it: it may catch that, and go on | its future is dropped; only the exits of its scopes are awaited |
//! | its `finally`, or `except CancelledError` | runs, and may await | a destructor, which cannot; or a manager's [exit](crate::context) |
//! | it awaits a `gather`, or a group | what it awaits is cancelled with it, in the same call | in its next turn, when its future is dropped |
//! | its group has failed | the errors are raised in place of the cancellation | they are told to the [observers](crate::cleanup::observe) |
//! | it waits for a notification | it goes on when it has the lock of the condition again | at once |
//! | what is shielded is left alone | goes on | goes on, and the scopes around wait for it |
//! | `cancelling()`, `uncancel()` | how often it was asked to end | nobody knows |
//! | the block of a group fails | its error is one of the group's | it leaves the block as any other |
//! | a timeout ends in the moment in which its block would go on | the timer that was set first counts | the block is in time |
//! | two timeouts around each other end at once | the outer one raises | the inner one raises; the outer one at the next await |
//! | an `Event` is set | who waits is woken in the order in which they came | by a [`watch`](tokio::sync::watch) in none; by a [`Notify`](tokio::sync::Notify) in that order |
//! | `wait_for` without any time | does not begin | tokio's polls once |
//! | `call_later` at one time | as the heap has them | in the order of the calls |
//! | two tasks at one instant | each callback takes a turn | fewer turns: a task may be ahead by one or two |
//!
//! # What is promised
//!
//! - **Errors and panics come through the handle.** A thread of an executor, and a loop, outlive what their work panics
//!   with. A future that nobody can complete any more is cancelled.
//! - **Order.** Jobs begin in the order in which they were submitted; callbacks are called in the order in which they were
//!   added; a loop does what is ready in the order in which it became so, and timers by their time.
//! - **A task that was cancelled is gone when it says so**: its future is dropped first, and the exits of the
//!   [scopes](crate::context) in it are awaited; then callbacks and whoever waits are told.
//! - **A group that has ended has no task left**, whichever way it has ended, and also when it was dropped. The scopes around
//!   a group, or a [`gather`](gather()), that was dropped go on when its tasks are over.
//! - **Nothing here needs a runtime but what says so**: [`create_task`](create_task()), and whatever has a deadline.
//!
//! # What is not
//!
//! - A thread cannot be interrupted: a job that runs is waited for.
//! - A task that fails, and whose handle was dropped, fails in silence; asyncio logs it. A
//!   [`shield`](shield()) that is left alone is told to the [observers](crate::cleanup::observe).

mod abort_handle;
mod as_completed;
mod box_error;
mod error;
mod event_loop;
mod executor;
mod future_state;
mod gather;
mod group;
mod instant;
mod panic;
mod promise;
mod shield;
mod task;
mod task_handle;
mod timeout;
mod wait;

pub use self::abort_handle::AbortHandle;
pub use self::as_completed::{AsCompleted, AsCompletedTimeout, Elapsed, as_completed};
pub use self::box_error::BoxError;
pub use self::error::{Error, TaskResult};
pub use self::event_loop::{CallbackError, CallbackHandle, CallbackOutput, EventLoop, LoopError, LoopHandle};
pub use self::executor::{ExecutorError, Map, MapStream, Shutdown, ThreadPoolExecutor};
pub use self::gather::{Gather, GatherAll, gather};
pub use self::group::{ErrorGroup, FailedInGroup, Spawner, TaskGroup, TaskGroupError};
pub use self::panic::Panic;
pub use self::promise::{InvalidState, Promise};
pub use self::shield::{Shield, shield};
pub use self::task::create_task;
pub use self::task_handle::TaskHandle;
pub use self::timeout::{Timeout, TimeoutError, timeout, timeout_at};
pub use self::wait::{Wait, WaitResult, wait};

//! Task groups, timeouts, executors, and ways to wait for tasks: asyncio and PEP 3148, on tokio.
//!
//! A [`TaskGroup`] runs tasks that end with its block. When one fails, the others are cancelled, and the block fails with
//! all errors:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use withal::context::async_with;
//! use withal::tasks::{BoxError, TaskGroup};
//!
//! async fn parse(text: &'static str) -> Result<u32, BoxError> {
//!     Ok(text.parse()?)
//! }
//!
//! let result = async_with!(group = TaskGroup::new() => {
//!     group.create_task(parse("1"));
//!     group.create_task(parse("x"));
//! });
//! let errors = result.unwrap_err();
//! assert_eq!(errors.errors()[0].to_string(), "invalid digit found in string");
//! # }
//! ```
//!
//! | | |
//! |---|---|
//! | **Start work** | |
//! | tasks that end with a block | [`TaskGroup`], and its [`Spawner`] inside tasks |
//! | a task that outlives the block | [`create_task`](create_task()) |
//! | blocking work on a bounded number of threads | [`ThreadPoolExecutor`] |
//! | callbacks and tasks on one thread, in asyncio's order | [`EventLoop`] |
//! | **Wait for work** | |
//! | one task or job | [`TaskHandle`]: `.await`, [`blocking_result`](TaskHandle::blocking_result), [`add_done_callback`](TaskHandle::add_done_callback) |
//! | all values, or the first error | [`gather`](gather()) |
//! | outputs as they complete | [`as_completed`](as_completed()) |
//! | the first of several, or what is ready in time | [`wait`](wait()) |
//! | a value from a callback or a thread | [`Promise`] |
//! | **Limit and protect** | |
//! | the time of a block | [`timeout`](timeout()), [`timeout_at`] |
//! | work that must finish although its caller is dropped | [`shield`](shield()) |
//! | cancellation from elsewhere | [`AbortHandle`] |
//! | **Errors** | |
//! | of a task or job | [`Error`], in a [`TaskResult`] |
//! | of a group | [`ErrorGroup`] |
//! | of any type | [`BoxError`] |
//!
//! Work returns a `Result`; its error is what Python would raise. The corresponding lines of Python:
//! [From Python](crate::from_python).
//!
//! # Guarantees
//!
//! - **Errors and panics reach the handle.** The threads of an executor and an event loop survive the panics of their work.
//!   A handle whose promise was dropped is cancelled.
//! - **Order.** Jobs start in the order of submission. Callbacks are called in the order in which they were added. An event
//!   loop runs what is ready in the order in which it became ready, and timers in the order of their deadlines.
//! - **A cancelled task is gone when it is [`done`](TaskHandle::done).** Its future is dropped first, then the exits of the
//!   [scopes](crate::context) in it are awaited, and only then callbacks are called and waiting tasks are woken.
//! - **A group that has ended has no running tasks**, however it ended, also when it was dropped. The scopes around a group
//!   or a [`gather`](gather()) that was dropped wait until its tasks have ended.
//! - **A runtime is needed only where documented**: by [`create_task`](create_task()), and by everything with a timeout.
//!
//! # Choosing
//!
//! tokio and the `futures` crate have smaller tools. Prefer them where they suffice:
//!
//! | if you do not need | use |
//! |---|---|
//! | callbacks, or a result that can be borrowed | [`tokio::spawn`] instead of [`create_task`](create_task()) |
//! | the block interrupted, the errors grouped | [`JoinSet`](tokio::task::JoinSet) instead of [`TaskGroup`] |
//! | the exits of scopes awaited, the deadline moved | [`tokio::time::timeout`] instead of [`timeout`](timeout()) |
//! | a bound on the threads, jobs that can be cancelled | [`spawn_blocking`](tokio::task::spawn_blocking) instead of [`ThreadPoolExecutor`] |
//! | indices, a timeout | [`FuturesUnordered`](futures_util::stream::FuturesUnordered) instead of [`as_completed`](as_completed()) |
//! | callbacks, errors, threads that wait | [`oneshot`](tokio::sync::oneshot) instead of [`Promise`] |
//! | asyncio's order of callbacks and tasks | `#[tokio::main]` instead of [`EventLoop`] |
//!
//! # Limitations
//!
//! - A thread cannot be interrupted: a running job is waited for.
//! - The failure of a task whose handle was dropped is not reported. asyncio logs it. A [`shield`](shield()) that fails after
//!   it was dropped is reported to the [observers](crate::cleanup::observe).
//!
//! # Comparison
//!
//! 3,000 random programs were run on asyncio and on this crate, and the events of each task compared. The first six rows
//! were excluded from that comparison; of the other programs, [few differ](crate::from_python#differences),
//! as the last row describes.
//!
//! | | asyncio | withal |
//! |---|---|---|
//! | a task is cancelled | `CancelledError` is raised in it, and may be caught | its future is dropped; only the exits of its scopes are awaited |
//! | the `finally` or `except CancelledError` of a cancelled task | runs, and may await | a destructor, which cannot await, or the [exit](crate::context) of a context manager |
//! | a task that awaits a `gather` or a group is cancelled | the awaited tasks are cancelled in the same call | they are cancelled at its next step, when its future is dropped |
//! | a group has failed in a task that is cancelled | the errors replace the cancellation | the errors are reported to the [observers](crate::cleanup::observe) |
//! | a task that waits for a notification is cancelled | it ends after it has reacquired the lock of the condition | it ends at once |
//! | a shielded task is left alone | it continues | it continues, and the scopes around wait for it |
//! | `cancelling()`, `uncancel()` | count the requests to cancel | do not exist |
//! | the block of a group fails | its error is one of the group's errors | its error leaves the block with its own type |
//! | a timeout expires in the moment in which its block could continue | the timer that was set first wins | the block is in time |
//! | two nested timeouts expire at once | the outer one raises | the inner one raises; the outer one at the next await |
//! | an `Event` is set | waiting tasks are woken in order of arrival | by a [`watch`](tokio::sync::watch) in no order; by a [`Notify`](tokio::sync::Notify) in order of arrival |
//! | `wait_for` with a timeout of zero | does not start the work | tokio's polls it once |
//! | several `call_later` for one time | called in the order of the heap | called in the order of the calls |
//! | two tasks at one instant | each callback takes an iteration of the loop | fewer iterations: one task may be ahead by one or two steps |

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

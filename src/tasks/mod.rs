//! Task groups, timeouts, executors, and ways to wait for tasks: asyncio and PEP 3148, on tokio.
//!
//! A [`TaskGroup`] runs tasks in a block, which ends only when all its tasks have ended. When one task fails, the
//! others are cancelled, and the block returns all errors:
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
//! | tasks that end with a block | [`TaskGroup`]; its [`Spawner`] lets the tasks start more tasks |
//! | a group that is cancelled without an error | [`cancel`](TaskGroup::cancel); [`cancellable`](TaskGroup::cancellable), if that also ends the block |
//! | futures that borrow, and that end with a block | [`in_place`], which polls them in place |
//! | a task that outlives the block | [`create_task`](create_task()) |
//! | blocking work on a bounded number of threads | [`ThreadPoolExecutor`] |
//! | callbacks and tasks on one thread, in the order of asyncio | [`EventLoop`] |
//! | **Wait for work** | |
//! | one task or job | [`TaskHandle`]: `.await`, [`blocking_result`](TaskHandle::blocking_result), [`add_done_callback`](TaskHandle::add_done_callback) |
//! | all values, or the first error | [`gather`](gather()) |
//! | outputs as they complete | [`as_completed`](as_completed()) |
//! | the first output, the first error, or all outputs that are ready in time | [`wait`](wait()) |
//! | a value from a callback or another thread | [`Promise`] |
//! | **Limit and protect** | |
//! | the time of a block | [`timeout`](timeout()), [`timeout_at`]: context managers, unlike tokio's functions |
//! | work that continues when its caller is dropped | [`shield`](shield()) |
//! | cancelling work without owning its handle | [`AbortHandle`] |
//! | **Errors** | |
//! | the error of a task or job | [`Error`], in a [`TaskResult`] |
//! | the errors of a group | [`ErrorGroup`] |
//! | an error of any type | [`BoxError`] |
//!
//! A *job* is work that was submitted to an executor. Tasks and jobs return a `Result`, whose error is the exception
//! that Python would raise. [From Python](crate::from_python) lists the equivalents of Python's functions and methods.
//!
//! # Guarantees
//!
//! - **Errors and panics are returned by the handle.** A panic of a task or job ends neither the thread of its executor
//!   nor its event loop. If a promise is dropped before it is completed, its handle is cancelled.
//! - **An error that is not retrieved is reported.** If a handle is dropped, and its task, job or promise has failed or
//!   panicked, or does so later, the [observers](crate::cleanup::observe) are notified. Without an observer, the error
//!   is reported in [one line](crate::cleanup#reports), as asyncio logs an "exception that was never retrieved". The
//!   same holds for the future of a [`shield`](shield()) that was dropped.
//! - **Errors show their causes.** The text of an [`ErrorGroup`] names each error with its causes, as in "2 of 5 tasks
//!   failed: ..; ..", and its [`source`](std::error::Error::source) is the first error. If the errors implement `Display`,
//!   it converts by `?` into a `Box<dyn Error + Send + Sync>`, a [`BoxError`] and an `anyhow::Error`.
//! - **Order.** Jobs start in the order of submission. Callbacks are called in the order in which they were added. An
//!   event loop runs callbacks and tasks in the order in which they became ready, and timers in the order of their
//!   deadlines.
//! - **A cancelled task that is [`done`](TaskHandle::done) has been cleaned up.** First its future is dropped, then the
//!   exits of the [scopes](crate::context) in it are awaited. Only then are callbacks called and waiting tasks woken.
//! - **Time limits apply to busy work.** [`timeout`](timeout()), and the timeouts of [`as_completed`](as_completed())
//!   and [`wait`](wait()), end work that has spent tokio's cooperative budget, or that has blocked its thread, at its
//!   next await. Work that is ready at the deadline is in time.
//! - **When a group has ended, its tasks have ended.** If a group or a [`gather`](gather()) is dropped, its tasks
//!   are cancelled, and the scopes around it wait until the tasks have ended.
//! - **A tokio runtime is needed for two purposes only**: to start tasks, and for timeouts that are awaited.
//!
//! # Choosing
//!
//! tokio and the `futures` crate have smaller tools. Prefer them where they suffice:
//!
//! | prefer | to | unless you need |
//! |---|---|---|
//! | [`tokio::spawn`] | [`create_task`](create_task()) | callbacks, or a result that can be borrowed |
//! | [`JoinSet`](tokio::task::JoinSet) | [`TaskGroup`] | a block that a failing task interrupts, or all errors together |
//! | [`tokio::time::timeout`] | [`timeout`](timeout()) | the exits of scopes to be awaited, or a deadline that can be moved |
//! | [`spawn_blocking`](tokio::task::spawn_blocking) | [`ThreadPoolExecutor`] | a separate limit of threads, or jobs that can be cancelled |
//! | [`FuturesUnordered`](futures_util::stream::FuturesUnordered) | [`as_completed`](as_completed()) | indices, or a timeout |
//! | [`oneshot`](tokio::sync::oneshot) | [`Promise`] | callbacks, errors, or threads that wait |
//! | `#[tokio::main]` | [`EventLoop`] | callbacks and tasks in the order of asyncio |
//!
//! # Limitations
//!
//! - A thread cannot be interrupted, so a job that has started cannot be cancelled.
//!
//! # Comparison
//!
//! The tests of this crate run 3,000 random programs on asyncio and on this crate, and compare the events of each task.
//! Programs to which one of the first six rows applies are excluded. Of the other programs,
//! [few differ](crate::from_python#differential-tests), in the way that the last row describes.
//!
//! | | asyncio | withal |
//! |---|---|---|
//! | a task is cancelled | `CancelledError` is raised in it, and may be caught | its future is dropped; only the exits of its scopes are awaited |
//! | a cancelled task cleans up | in a `finally` or `except CancelledError`, which may await | in a destructor, which cannot await, or in the [exit](crate::context) of a context manager |
//! | a task that awaits a `gather` or a group is cancelled | the awaited tasks are cancelled in the same call | they are cancelled at its next step, when its future is dropped |
//! | a task is cancelled in a group that has failed | the errors replace the cancellation | the errors are reported to the [observers](crate::cleanup::observe) |
//! | a task that waits for a condition is cancelled | it ends after it has reacquired the lock of the condition | it ends at once |
//! | a `shield` is dropped | its work continues | its work continues, and the scopes around the `shield` wait for it |
//! | `cancelling()`, `uncancel()` | count the requests to cancel | do not exist |
//! | the block of a group fails | its error is one of the group's errors | its error is returned with its own type, separate from the group's errors |
//! | a timeout expires at the moment at which its block could continue | the timer that was set first wins | the block is in time |
//! | two nested timeouts expire at once | the outer one raises | the inner one fails; the outer one fails at the next await |
//! | an `Event` is set | waiting tasks are woken in order of arrival | by a [`watch`](tokio::sync::watch) in no order; by a [`Notify`](tokio::sync::Notify) in order of arrival |
//! | `wait_for` with a timeout of zero | does not start the work | tokio's `timeout` polls the work once |
//! | several `call_later` are due at the same time | they are called in the order of the heap | they are called in the order in which they were scheduled |
//! | two tasks are ready at the same time | each callback between them takes a loop iteration | fewer loop iterations are needed, so one task may be one or two steps ahead |

mod abort_handle;
mod as_completed;
mod cancellation;
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
mod timer;
mod unretrieved;
mod wait;

pub use self::abort_handle::AbortHandle;
pub use self::as_completed::{AsCompleted, AsCompletedTimeout, Elapsed, as_completed};
pub use self::error::{Error, TaskResult};
pub use self::event_loop::{CallbackError, CallbackHandle, CallbackOutput, EventLoop, LoopError, LoopHandle};
pub use self::executor::{ExecutorError, Map, MapStream, Shutdown, ThreadPoolExecutor};
pub use self::gather::{Gather, GatherAll, gather};
pub use self::group::{
    CancellableTaskGroup, ErrorGroup, FailedInGroup, InPlace, InPlaceGroup, Spawner, TaskGroup,
    TaskGroupError, in_place,
};
pub use self::panic::Panic;
pub use self::promise::{InvalidState, Promise};
pub use self::shield::{Shield, shield};
pub use self::task::create_task;
pub use self::task_handle::TaskHandle;
pub use self::timeout::{Timeout, TimeoutError, timeout, timeout_at};
pub use self::wait::{Wait, WaitResult, wait};
pub use crate::box_error::BoxError;

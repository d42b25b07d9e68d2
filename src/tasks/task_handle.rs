use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::abort_handle::AbortHandle;
use super::error::{Error, TaskResult};
use super::future_state::{FutureState, Stage, run_callback};
use super::unretrieved::Unretrieved;

/// The handle of a task, of a job of an executor, or of a [`Promise`](super::Promise): `asyncio.Task`, `asyncio.Future`
/// and `concurrent.futures.Future` in one type.
///
/// It is returned by [`create_task`](super::create_task()), [`TaskGroup::create_task`](super::TaskGroup::create_task),
/// [`submit`](super::ThreadPoolExecutor::submit) and [`Promise::new`](super::Promise::new). There are three ways to get
/// the result:
///
/// | method | where | the result is |
/// |---|---|---|
/// | `.await` | on any executor | moved out |
/// | [`result`](Self::result) | anywhere, once it is [`done`](Self::done) | borrowed, any number of times |
/// | [`blocking_result`](Self::blocking_result) | on a thread that runs no tasks | borrowed |
///
/// Dropping the handle does not cancel the work: it continues, and its result is dropped. If the work has failed or
/// panicked, or does so later, and the error was not retrieved by one of these ways, it is reported to the
/// [observers](crate::cleanup::observe) as [`TaskFailed`](crate::cleanup::CleanupEvent::TaskFailed) or
/// [`TaskPanicked`](crate::cleanup::CleanupEvent::TaskPanicked). Without observers, it is reported on [`tracing` or
/// stderr](crate::cleanup#reports), as asyncio logs it. A [`TaskGroup`](super::TaskGroup) returns the errors of its
/// tasks itself.
///
/// When a task is cancelled, its future is dropped at its next step. (Python raises `CancelledError` at that point,
/// which the task may catch.) The exits of the [scopes](crate::context) in the task are awaited before the task is
/// done.
///
/// # Cancel safety
///
/// Awaiting `&mut handle` is cancel safe: the result is moved out only when the await returns it.
///
/// # Panics
///
/// Panics if it is polled after its result was moved out.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::tasks::Error<std::num::ParseIntError>> {
/// use withal::tasks::create_task;
///
/// let task = create_task(async { "7".parse::<u32>() });
/// task.add_done_callback(|result| println!("done: {result:?}"));
/// assert!(!task.done());
/// assert_eq!(task.await?, 7);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "Future")]
#[doc(alias = "Task")]
#[doc(alias = "JoinHandle")]
pub struct TaskHandle<T, E> {
    state: Arc<FutureState<T, E>>,
    /// The result, once a method has borrowed it.
    peeked: OnceLock<TaskResult<T, E>>,
    /// Set if an error is to be reported unless it is retrieved, until the result was moved out.
    reports_errors: bool,
    /// Set once a method has returned the borrowed result. It is atomic only so that the handle is `Sync`: it is read
    /// by the owner of the handle, after the last borrow has ended, so Relaxed suffices.
    is_retrieved: AtomicBool,
    /// Set once a callback or an abort handle can observe the end of the work after this handle was dropped. Atomic and
    /// Relaxed for the same reason.
    is_observed: AtomicBool,
}

impl<T, E> TaskHandle<T, E> {
    pub(super) fn new(state: Arc<FutureState<T, E>>, reports_errors: bool) -> Self {
        Self {
            state,
            peeked: OnceLock::new(),
            reports_errors,
            is_retrieved: AtomicBool::new(false),
            is_observed: AtomicBool::new(false),
        }
    }

    /// Returns `true` if the work has finished: with a value, with an error, or cancelled.
    #[doc(alias = "is_finished")]
    #[must_use]
    pub fn done(&self) -> bool {
        self.state.stage() > Stage::Completing
    }

    /// Returns `true` if the work is running and cannot be cancelled any more.
    ///
    /// A task is never `running`: it can be cancelled at every await.
    #[must_use]
    pub fn running(&self) -> bool {
        self.state.stage() == Stage::Running
    }

    /// Returns `true` if the work was cancelled and has finished.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.state.stage() == Stage::Cancelled
    }

    /// Cancels the work if possible. Returns `true` if the work was cancelled or will be: then the handle has no value.
    ///
    /// | the work | effect | returns |
    /// |---|---|---|
    /// | has finished | none | `false` |
    /// | is a task | Its future is dropped at its next await. If it returns a value before that, the value is dropped. If it fails before that, it has failed. | `true` |
    /// | is a job that waits for a thread | It is done, and never starts. | `true` |
    /// | is a job that is running | none, because a thread cannot be interrupted | `false` |
    /// | belongs to a [`Promise`](super::Promise) | It is done. `set_result` and `set_exception` return their argument in an error. | `true` |
    /// | belongs to a promise that was [set running](super::Promise::set_running) | none | `false` |
    ///
    /// As in asyncio, `cancel` returns `false` if the work has finished because it was cancelled before; PEP 3148
    /// returns true.
    #[doc(alias = "abort")]
    pub fn cancel(&self) -> bool {
        self.state.cancel()
    }

    /// Returns `true` if this is a task that has not finished. In that case, `waker` replaces the waker of the task
    /// that awaits this handle, and is woken when this task has finished.
    pub(super) fn register_if_unfinished(&self, waker: &Waker) -> bool {
        self.state.register_if_unfinished(waker)
    }

    /// Returns a handle that only cancels, and that can be cloned and sent to other threads.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.is_observed.store(true, Ordering::Relaxed);
        self.unobserving_abort_handle()
    }

    /// Returns an abort handle for a caller that only cancels, and does not observe the end of the work.
    #[inline]
    pub(super) fn unobserving_abort_handle(&self) -> AbortHandle
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        AbortHandle::new(Arc::clone(&self.state) as _)
    }

    /// Borrows the value.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NotReady`] if the work has not finished, [`Error::AlreadyAwaited`] if the result was moved out,
    /// and otherwise the reason why there is no value.
    pub fn result(&self) -> Result<&T, Error<&E>> {
        match self.state.peek(&self.peeked) {
            Ok(result) => {
                self.is_retrieved.store(true, Ordering::Relaxed);
                result.as_ref().map_err(Error::as_ref)
            }
            Err(Error::AlreadyAwaited) => Err(Error::AlreadyAwaited),
            Err(_) => Err(Error::NotReady),
        }
    }

    /// Moves the result out, without awaiting it.
    ///
    /// # Errors
    ///
    /// As for [`result`](Self::result).
    pub fn into_result(mut self) -> TaskResult<T, E> {
        self.state.peek(&self.peeked)?;
        self.reports_errors = false;
        self.peeked.take().unwrap_or(Err(Error::AlreadyAwaited))
    }

    /// Borrows the error. Returns `None` if there is a value.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NotReady`] if the work has not finished, [`Error::AlreadyAwaited`] if the result was moved out,
    /// and [`Error::Cancelled`] if the work was cancelled, as Python raises a `CancelledError`.
    pub fn exception(&self) -> Result<Option<Error<&E>>, Error<&E>> {
        match self.result() {
            Ok(_) => Ok(None),
            Err(error @ (Error::NotReady | Error::AlreadyAwaited | Error::Cancelled)) => Err(error),
            Err(error) => Ok(Some(error)),
        }
    }

    /// Blocks the thread until the work has finished, and borrows the value: PEP 3148's `result()`.
    ///
    /// Call it only on threads that run no tasks: a thread that blocks cannot run the task that it waits for.
    ///
    /// # Errors
    ///
    /// As for [`result`](Self::result). [`Error::NotReady`] is returned only in a callback of this handle.
    pub fn blocking_result(&self) -> Result<&T, Error<&E>> {
        self.state.wait_timeout(None);
        self.result()
    }

    /// Blocks the thread for at most `timeout`, by the wall clock, and borrows the value: PEP 3148's `result(timeout)`.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the work has not finished in time; otherwise as for
    /// [`blocking_result`](Self::blocking_result).
    pub fn blocking_result_timeout(&self, timeout: Duration) -> Result<&T, Error<&E>> {
        if self.state.wait_timeout(Some(timeout)) { self.result() } else { Err(Error::TimedOut) }
    }

    /// Returns the report of an error that is not retrieved, unless the error is reported elsewhere.
    pub(super) fn unretrieved(&self) -> Option<Unretrieved<E>> {
        if self.reports_errors { self.state.unretrieved() } else { None }
    }

    /// Blocks the thread for at most `timeout`, and moves the result out. Work that has not finished by then is
    /// cancelled.
    pub(super) fn into_result_timeout(self, timeout: Option<Duration>) -> TaskResult<T, E> {
        if self.state.wait_timeout(timeout) {
            return self.into_result();
        }
        self.cancel();
        Err(Error::TimedOut)
    }

    /// Calls `callback` with the result when the work has finished, or at once if it has finished already.
    ///
    /// Callbacks are called in the order in which they were added, on the thread that completes the work: a thread of
    /// an executor, the thread of a task, or the caller of [`cancel`](Self::cancel) or of a method of the
    /// [`Promise`](super::Promise). So a callback must not block. A panic in a callback is reported by the panic hook,
    /// and caught.
    ///
    /// The callbacks are called before the waiting tasks and threads are woken. [`done`](Self::done) returns `false`
    /// until all callbacks have returned, because an awaiting task could otherwise move out the result that they
    /// borrow. In Python, `done()` returns true in a callback.
    ///
    /// A callback must be `Send` even for a task of an [`EventLoop`](super::EventLoop), because the handle of that task
    /// has the same type as the handle of a job on another thread. Instead of a callback that is not `Send`, create a
    /// task that awaits this one.
    ///
    /// A callback that is added after the result was moved out is not called.
    ///
    /// As in asyncio, an error counts as retrieved only by an await or a method of the handle, so that a callback that
    /// ignores its argument does not lose the error. A callback that reports errors itself belongs to a handle that is
    /// kept and awaited.
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskResult<T, E>) + Send + 'static) {
        self.is_observed.store(true, Ordering::Relaxed);
        if let Some(callback) = self.state.add_callback(Box::new(callback)) {
            if let Ok(result) = self.state.peek(&self.peeked) {
                run_callback(callback, result);
            }
        }
    }
}

impl<T, E> Future for TaskHandle<T, E> {
    type Output = TaskResult<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TaskResult<T, E>> {
        let this = self.get_mut();
        let polled = match this.peeked.take() {
            Some(result) => Poll::Ready(result),
            None => this.state.poll(cx),
        };
        this.reports_errors &= polled.is_pending();
        polled
    }
}

impl<T, E> Drop for TaskHandle<T, E> {
    #[inline]
    fn drop(&mut self) {
        if !self.reports_errors || *self.is_retrieved.get_mut() {
            if !*self.is_observed.get_mut() {
                self.state.set_unobserved();
            }
            return;
        }
        match self.peeked.take() {
            None => self.state.drop_handle(),
            // Kept for a callback that was added after the end.
            Some(result) => self.state.drop_handle_with(result),
        }
    }
}

/// The handle pins none of its fields.
impl<T, E> Unpin for TaskHandle<T, E> {}

impl<T, E> fmt::Debug for TaskHandle<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state.stage() {
            Stage::Pending => "pending",
            Stage::Running => "running",
            Stage::Completing | Stage::Finished => "finished",
            Stage::Cancelled => "cancelled",
        };
        f.debug_struct("TaskHandle").field("state", &format_args!("{state}")).finish_non_exhaustive()
    }
}

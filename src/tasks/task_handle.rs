use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::future_state::{FutureState, Stage, call};
use super::{AbortHandle, Error, TaskResult};

/// The handle of a result that somebody else brings: Python's `concurrent.futures.Future` and `asyncio.Future` in one.
///
/// It is got from [`submit`](super::ThreadPoolExecutor::submit), from [`create_task`](super::create_task()), or beside a
/// [`Promise`](super::Promise). It can be awaited on any executor, which moves the result out; looked at by
/// [`result`](Self::result), as often as one likes; and waited for without an executor, by
/// [`blocking_result`](Self::blocking_result).
///
/// Dropping it cancels nothing: the work goes on, and its result is dropped.
///
/// # Cancel safety
///
/// Awaited as `&mut future`, it is cancel safe: the result is moved out when it is ready, and not before.
///
/// # Panics
///
/// When it is polled after it was ready.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::tasks::Error<std::num::ParseIntError>> {
/// use withal::tasks::create_task;
///
/// let task = create_task(async { "7".parse::<u32>() });
/// task.add_done_callback(|outcome| println!("done: {outcome:?}"));
/// assert!(!task.done());
/// assert_eq!(task.await?, 7);
/// # Ok(())
/// # }
/// ```
pub struct TaskHandle<T, E> {
    shared: Arc<FutureState<T, E>>,
    /// Where the outcome is lent from, once it was looked at.
    seen: OnceLock<TaskResult<T, E>>,
}

impl<T, E> TaskHandle<T, E> {
    pub(super) fn new(shared: Arc<FutureState<T, E>>) -> Self {
        Self { shared, seen: OnceLock::new() }
    }

    /// Whether it is over: with a value, with an error, or cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.shared.stage() > Stage::Ending
    }

    /// Whether the work has begun, and is not over: for what cannot be cancelled any more.
    ///
    /// A task is not said to be running: it can be cancelled at every await.
    #[must_use]
    pub fn running(&self) -> bool {
        self.shared.stage() == Stage::Running
    }

    /// Whether it was cancelled, and is over.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.shared.stage() == Stage::Cancelled
    }

    /// Cancels it, if that can be done; says whether it can.
    ///
    /// | it is | what happens |
    /// |---|---|
    /// | over | nothing; false |
    /// | a task | its future is dropped at its next step, where it awaits; if it returns a value first, that is dropped, and if it fails first, it has failed |
    /// | the job of an executor, and waits for a thread | it is over, and never begins |
    /// | the job of an executor, and runs | nothing; false: a thread cannot be interrupted |
    /// | of a [`Promise`](super::Promise) | it is over; what the promise brings comes back to it |
    ///
    /// So where it says true, no value will come of it. Unlike in PEP 3148, false stands also for what was cancelled before; there it is asyncio's.
    pub fn cancel(&self) -> bool {
        self.shared.cancel()
    }

    /// Whether it is a task that is not over; then `waker` is woken when it is, in place of whoever awaits it.
    pub(super) fn is_task_left(&self, waker: &Waker) -> bool {
        self.shared.is_task_left(waker)
    }

    /// What cancels it, and can be cloned and sent away.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        AbortHandle::new(Arc::clone(&self.shared) as _)
    }

    /// The value, lent.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] when it is not over, [`Error::AlreadyAwaited`] when the result was moved out; otherwise why
    /// there is no value.
    pub fn result(&self) -> Result<&T, Error<&E>> {
        match self.shared.lend(&self.seen) {
            Ok(outcome) => outcome.as_ref().map_err(Error::as_ref),
            Err(Error::AlreadyAwaited) => Err(Error::AlreadyAwaited),
            Err(_) => Err(Error::NotReady),
        }
    }

    /// What it comes to, moved out without an await.
    ///
    /// # Errors
    ///
    /// As [`result`](Self::result).
    pub fn into_result(mut self) -> TaskResult<T, E> {
        self.shared.lend(&self.seen)?;
        self.seen.take().unwrap_or(Err(Error::AlreadyAwaited))
    }

    /// Why there is no value, lent; `None` where there is one.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`] when it is not over, [`Error::AlreadyAwaited`] when the result was moved out, and
    /// [`Error::Cancelled`] when it was cancelled: Python raises that one, too.
    pub fn exception(&self) -> Result<Option<Error<&E>>, Error<&E>> {
        match self.result() {
            Ok(_) => Ok(None),
            Err(error @ (Error::NotReady | Error::AlreadyAwaited | Error::Cancelled)) => Err(error),
            Err(error) => Ok(Some(error)),
        }
    }

    /// Blocks the thread until it is over, and lends the value: PEP 3148's `result()`.
    ///
    /// For threads that run no tasks: where one does, it must not be the one that is to bring the result.
    ///
    /// # Errors
    ///
    /// As [`result`](Self::result), but [`Error::NotReady`] in a callback of its own alone.
    pub fn blocking_result(&self) -> Result<&T, Error<&E>> {
        self.shared.sleep(None);
        self.result()
    }

    /// The same, for as long as `most` at most: PEP 3148's `result(timeout)`. By the wall clock.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when it is not over by then; otherwise as [`blocking_result`](Self::blocking_result).
    pub fn blocking_result_timeout(&self, most: Duration) -> Result<&T, Error<&E>> {
        if self.shared.sleep(Some(most)) { self.result() } else { Err(Error::TimedOut) }
    }

    /// What it comes to within `most`; otherwise it is cancelled.
    pub(super) fn into_result_timeout(self, most: Option<Duration>) -> TaskResult<T, E> {
        if self.shared.sleep(most) {
            return self.into_result();
        }
        self.cancel();
        Err(Error::TimedOut)
    }

    /// Calls `callback` with what it comes to, when that is; at once, if it is over.
    ///
    /// They are called in the order in which they were added, where the work ends: on the thread of an executor, in a
    /// task, in whoever cancels it. So they must not block. They come first, then whoever waits: while they are called
    /// it is not [`done`](Self::done), since whoever awaits it may move out what they have lent; Python says that it is.
    /// A panic in one is told by the panic hook, and is caught.
    ///
    /// Also that of a task of an [`EventLoop`](super::EventLoop) has to be `Send`: the future may be one of a thread.
    /// What is not, goes into a task that awaits this one.
    ///
    /// It is not called if the result was moved out before it was added.
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskResult<T, E>) + Send + 'static) {
        if let Some(callback) = self.shared.add_callback(Box::new(callback)) {
            if let Ok(outcome) = self.shared.lend(&self.seen) {
                call(callback, outcome);
            }
        }
    }
}

impl<T, E> std::future::Future for TaskHandle<T, E> {
    type Output = TaskResult<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TaskResult<T, E>> {
        let this = self.get_mut();
        match this.seen.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => this.shared.poll(cx),
        }
    }
}

/// Nothing in it is pinned.
impl<T, E> Unpin for TaskHandle<T, E> {}

impl<T, E> fmt::Debug for TaskHandle<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.shared.stage() {
            Stage::Pending => "pending",
            Stage::Running => "running",
            Stage::Ending | Stage::Finished => "finished",
            Stage::Cancelled => "cancelled",
        };
        f.debug_struct("TaskHandle").field("state", &format_args!("{state}")).finish_non_exhaustive()
    }
}

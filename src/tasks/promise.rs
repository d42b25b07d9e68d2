use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::Context;

use super::error::{Error, TaskResult};
use super::future_state::{FutureState, Stage};
use super::panic::Panic;
use super::task_handle::TaskHandle;
use super::unretrieved::Unretrieved;
use crate::panic::Payload;

/// The sending half of a [`TaskHandle`]: it completes the handle with a value or an error, by Python's `set_result` or
/// `set_exception`.
///
/// Dropping a promise that was not completed cancels its handle. A promise cannot be completed twice, because both
/// methods consume it.
///
/// If you need neither callbacks nor errors nor threads that wait, tokio's [`oneshot`](tokio::sync::oneshot) costs
/// less.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use withal::tasks::{Error, Promise};
///
/// let (promise, future) = Promise::<_, std::io::Error>::new();
/// std::thread::spawn(move || promise.set_result("from a thread"));
/// assert_eq!(future.await.unwrap(), "from a thread");
///
/// let (promise, future) = Promise::<(), std::io::Error>::new();
/// drop(promise);
/// assert!(future.cancelled());
/// # }
/// ```
///
/// ```compile_fail,E0382
/// use withal::tasks::Promise;
///
/// let (promise, future) = Promise::<_, std::io::Error>::new();
/// promise.set_result(1);
/// promise.set_result(2); // asyncio: `InvalidStateError`
/// ```
#[doc(alias = "oneshot")]
#[doc(alias = "Future")]
#[must_use = "dropping a promise cancels its handle"]
pub struct Promise<T, E> {
    /// `None` once it was completed.
    state: Option<Arc<FutureState<T, E>>>,
}

/// The error of a [`Promise`] whose handle was cancelled: `InvalidStateError`. It contains the value or error that was
/// not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid state: the future was cancelled")]
pub struct InvalidState<T>(pub T);

impl<T, E: fmt::Debug + 'static> Promise<T, E> {
    /// Creates a promise and the handle that it completes.
    ///
    /// If the handle is dropped and the promise is completed with an error, the error is reported to the
    /// [observers](crate::cleanup::observe), with the location of this call.
    #[track_caller]
    pub fn new() -> (Self, TaskHandle<T, E>) {
        Self::for_job(Unretrieved::here())
    }

    /// Creates the promise of a task, at the location of the caller.
    #[track_caller]
    pub(super) fn for_task() -> (Self, TaskHandle<T, E>) {
        Self::with_state(FutureState::for_task(Some(Unretrieved::here())), true)
    }
}

impl<T, E> Promise<T, E> {
    pub(super) fn for_job(unretrieved: Unretrieved<E>) -> (Self, TaskHandle<T, E>) {
        Self::with_state(FutureState::new(unretrieved), true)
    }

    /// Creates the promise of a task whose group reports the errors.
    pub(super) fn for_group_task() -> (Self, TaskHandle<T, E>) {
        Self::with_state(FutureState::for_task(None), false)
    }

    fn with_state(state: FutureState<T, E>, reports_errors: bool) -> (Self, TaskHandle<T, E>) {
        let state = Arc::new(state);
        (Self { state: Some(Arc::clone(&state)) }, TaskHandle::new(state, reports_errors))
    }

    /// Completes the handle with a value.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] with the value, if the handle was cancelled.
    pub fn set_result(mut self, value: T) -> Result<(), InvalidState<T>> {
        match self.complete(Ok(value)) {
            Err(Ok(value)) => Err(InvalidState(value)),
            _ => Ok(()),
        }
    }

    /// Completes the handle with an error.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] with the error, if the handle was cancelled.
    pub fn set_exception(mut self, error: E) -> Result<(), InvalidState<E>> {
        match self.complete(Err(Error::Raised(error))) {
            Err(Err(Error::Raised(error))) => Err(InvalidState(error)),
            _ => Ok(()),
        }
    }

    /// Marks the work as running, so that it can no longer be cancelled: PEP 3148's `set_running_or_notify_cancel`.
    ///
    /// Returns `false` if the work must not start, because its handle was cancelled or it is running already. (Python
    /// raises a `RuntimeError` if it is running already.)
    #[must_use = "work whose handle was cancelled must not start"]
    pub fn set_running(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.set_running())
    }

    /// Returns `true` if the handle was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.stage() == Stage::Cancelled)
    }

    #[inline]
    pub(super) fn is_cancel_requested(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.is_cancel_requested())
    }

    #[inline]
    pub(super) fn register_cancel_waker(&self, cx: &Context<'_>) -> bool {
        self.state.as_ref().is_some_and(|state| state.register_cancel_waker(cx))
    }

    /// Completes the handle with what the work returned, or with its panic.
    pub(super) fn complete_with_output(&mut self, output: Result<Result<T, E>, Payload>) {
        let result = match output {
            Ok(result) => result.map_err(Error::Raised),
            Err(payload) => Err(Error::Panicked(Panic::new(payload))),
        };
        drop(self.complete(result));
    }

    /// Completes the handle, unless the promise was completed before. Returns the result if the handle was cancelled.
    #[inline]
    pub(super) fn complete(&mut self, result: TaskResult<T, E>) -> Result<(), TaskResult<T, E>> {
        // The state is taken, so that the drop of the promise has nothing to cancel.
        match self.state.take() {
            Some(state) => state.complete(result),
            None => Ok(()),
        }
    }

    /// Returns the state, for a caller that completes it and determines when it is dropped: if the handle was dropped,
    /// the result is dropped with the state. `None` if the promise was completed.
    #[inline]
    pub(super) fn into_state(mut self) -> Option<Arc<FutureState<T, E>>> {
        let state = self.state.take();
        // Its destructor would do nothing.
        mem::forget(self);
        state
    }
}

impl<T, E> Drop for Promise<T, E> {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            drop(state.complete(Err(Error::Cancelled)));
        }
    }
}

impl<T, E> fmt::Debug for Promise<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").field("cancelled", &self.cancelled()).finish_non_exhaustive()
    }
}

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::task::Context;

use super::future_state::{FutureState, Stage};
use super::{Error, Panic, TaskHandle, TaskResult};

/// The other end of a [`TaskHandle`]: what completes it, once. Python's `set_result` and `set_exception`.
///
/// Dropped without, it cancels the future. A second result is none: both methods take the promise.
///
/// Where neither callbacks nor errors, nor threads that wait are needed, tokio's
/// [`oneshot`](tokio::sync::oneshot) does the same for less.
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
#[must_use = "dropped, it cancels its future"]
pub struct Promise<T, E> {
    /// None when it was completed.
    shared: Option<Arc<FutureState<T, E>>>,
}

/// The future was over: `InvalidStateError`. What it was to come to comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid state: the future was cancelled")]
pub struct InvalidState<T>(pub T);

impl<T, E> Promise<T, E> {
    /// A future, and what completes it.
    pub fn new() -> (Self, TaskHandle<T, E>) {
        Self::over(FutureState::new())
    }

    pub(super) fn of_task() -> (Self, TaskHandle<T, E>) {
        Self::over(FutureState::of_task())
    }

    fn over(shared: FutureState<T, E>) -> (Self, TaskHandle<T, E>) {
        let shared = Arc::new(shared);
        (Self { shared: Some(Arc::clone(&shared)) }, TaskHandle::new(shared))
    }

    /// Completes the future with a value.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] when the future was cancelled, with the value.
    pub fn set_result(mut self, value: T) -> Result<(), InvalidState<T>> {
        match self.settle(Ok(value)) {
            Err(Ok(value)) => Err(InvalidState(value)),
            _ => Ok(()),
        }
    }

    /// Completes the future with an error.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] when the future was cancelled, with the error.
    pub fn set_exception(mut self, error: E) -> Result<(), InvalidState<E>> {
        match self.settle(Err(Error::Raised(error))) {
            Err(Err(Error::Raised(error))) => Err(InvalidState(error)),
            _ => Ok(()),
        }
    }

    /// The work begins, and the future can no more be cancelled: PEP 3148's `set_running_or_notify_cancel`. False where the
    /// work is not to begin: the future was cancelled, or whoever asked before has begun it (in Python, a `RuntimeError`).
    #[must_use = "work whose future was cancelled is not to begin"]
    pub fn set_running(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.run())
    }

    /// Whether the future was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.stage() == Stage::Cancelled)
    }

    pub(super) fn is_asked(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.is_asked())
    }

    pub(super) fn suspend(&self, cx: &Context<'_>) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.suspend(cx))
    }

    /// What work has returned, or panicked with.
    pub(super) fn complete(&mut self, ended: Result<Result<T, E>, Box<dyn Any + Send>>) {
        let outcome = match ended {
            Ok(result) => result.map_err(Error::Raised),
            Err(payload) => Err(Error::Panicked(Panic::new(payload))),
        };
        drop(self.settle(outcome));
    }

    /// Once; what comes too late comes back.
    #[inline]
    pub(super) fn settle(&mut self, outcome: TaskResult<T, E>) -> Result<(), TaskResult<T, E>> {
        match self.shared.take() {
            Some(shared) => shared.settle(outcome),
            None => Ok(()),
        }
    }

    /// The promise itself, unless it was completed.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Self> {
        self.shared.take().map(|shared| Self { shared: Some(shared) })
    }

    /// As [`settle`](Self::settle), but the outcome is not dropped here where nobody wants it: that is kept alive by what
    /// comes back, or by the promise where this panics.
    #[inline]
    pub(super) fn settle_and_keep(&mut self, outcome: TaskResult<T, E>) -> Option<Arc<FutureState<T, E>>> {
        if let Some(shared) = &self.shared {
            drop(shared.settle(outcome));
        }
        self.shared.take()
    }
}

impl<T, E> Drop for Promise<T, E> {
    #[inline]
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            drop(shared.settle(Err(Error::Cancelled)));
        }
    }
}

impl<T, E> fmt::Debug for Promise<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").field("cancelled", &self.cancelled()).finish_non_exhaustive()
    }
}

use std::fmt;
use std::sync::Arc;

use super::future_state::{FutureState, Stage};

/// A handle that cancels the work of a [`TaskHandle`](super::TaskHandle) without owning its result: tokio's
/// `AbortHandle`, also for jobs of an executor and for promises.
///
/// Clones cancel the same work. Dropping an `AbortHandle` cancels nothing.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::convert::Infallible;
/// use withal::tasks::create_task;
///
/// let task = create_task(std::future::pending::<Result<(), Infallible>>());
/// let abort_handle = task.abort_handle();
/// tokio::spawn(async move { abort_handle.cancel() });
/// assert!(task.await.unwrap_err().is_cancelled());
/// # }
/// ```
#[derive(Clone)]
pub struct AbortHandle(Arc<dyn Cancel + Send + Sync>);

impl AbortHandle {
    pub(super) fn new(state: Arc<dyn Cancel + Send + Sync>) -> Self {
        Self(state)
    }

    /// Cancels the work: see [`TaskHandle::cancel`](super::TaskHandle::cancel).
    #[doc(alias = "abort")]
    #[expect(clippy::must_use_candidate, reason = "most callers do not need the answer")]
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// Returns `true` if the work has finished: see [`TaskHandle::done`](super::TaskHandle::done).
    #[doc(alias = "is_finished")]
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.stage() > Stage::Completing
    }
}

/// A [`FutureState`] with the type of its result erased.
pub(super) trait Cancel {
    fn cancel(&self) -> bool;
    fn stage(&self) -> Stage;
}

impl<T, E> Cancel for FutureState<T, E> {
    fn cancel(&self) -> bool {
        FutureState::cancel(self)
    }

    fn stage(&self) -> Stage {
        FutureState::stage(self)
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("done", &self.done()).finish_non_exhaustive()
    }
}

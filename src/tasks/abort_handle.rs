use std::fmt;
use std::sync::Arc;

use super::future_state::{FutureState, Stage};

/// Cancels a [`TaskHandle`](super::TaskHandle) whose handle is elsewhere; tokio's `AbortHandle`, for every kind of it.
///
/// Dropping it cancels nothing.
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
    pub(super) fn new(shared: Arc<dyn Cancel + Send + Sync>) -> Self {
        Self(shared)
    }

    /// As [`TaskHandle::cancel`](super::TaskHandle::cancel).
    #[expect(clippy::must_use_candidate, reason = "mostly one does not need to know")]
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// As [`TaskHandle::done`](super::TaskHandle::done).
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.stage() > Stage::Ending
    }
}

/// A future of whatever result.
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
        f.debug_struct("AbortHandle").field("is_done", &self.done()).finish_non_exhaustive()
    }
}

use std::fmt;
use std::sync::Arc;

use super::shared::{Shared, Stage};

/// Cancels a [`Future`](super::Future) whose handle is elsewhere; tokio's `AbortHandle`, for every kind of it.
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
/// let canceller = task.canceller();
/// tokio::spawn(async move { canceller.cancel() });
/// assert!(task.await.unwrap_err().is_cancelled());
/// # }
/// ```
#[derive(Clone)]
pub struct Canceller(Arc<dyn Cancel + Send + Sync>);

impl Canceller {
    pub(super) fn new(shared: Arc<dyn Cancel + Send + Sync>) -> Self {
        Self(shared)
    }

    /// As [`Future::cancel`](super::Future::cancel).
    #[expect(clippy::must_use_candidate, reason = "mostly one does not need to know")]
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// As [`Future::done`](super::Future::done).
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

impl<T, E> Cancel for Shared<T, E> {
    fn cancel(&self) -> bool {
        Shared::cancel(self)
    }

    fn stage(&self) -> Stage {
        Shared::stage(self)
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("is_done", &self.done()).finish_non_exhaustive()
    }
}

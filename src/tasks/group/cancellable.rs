use std::fmt;
use std::time::Duration;

use super::errors::ErrorGroup;
use super::task_group::TaskGroup;
use crate::context::{AsyncContextManager, AsyncGuard, ExitReason, Restart};

/// A [`TaskGroup`] whose block is interrupted when the group is cancelled, returned by
/// [`TaskGroup::cancellable`].
///
/// The block uses it as a [`TaskGroup`]. When [`cancel`](TaskGroup::cancel) is called, the block is dropped where it
/// awaits, and the scope returns `Ok(None)` unless a task has failed. A group that was cancelled before it was entered
/// interrupts its block at the first await.
///
/// # Panics and cancel safety
///
/// The same as for [`TaskGroup`].
pub struct CancellableTaskGroup<E> {
    group: TaskGroup<E>,
}

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    /// Makes a group whose [`cancel`](Self::cancel) also interrupts the block. The scope then returns an `Option`, which
    /// is `None` if the block was interrupted without an error.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::tasks::ErrorGroup<std::io::Error>> {
    /// use std::future::pending;
    /// use withal::context::async_with;
    /// use withal::tasks::TaskGroup;
    ///
    /// let ended = async_with!(group = TaskGroup::<std::io::Error>::new().cancellable() => {
    ///     let spawner = group.spawner();
    ///     group.create_task(async move { Ok(spawner.cancel()) });
    ///     pending::<()>().await // until the task cancels the group
    /// })?;
    /// assert_eq!(ended, None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cancellable(self) -> CancellableTaskGroup<E> {
        self.group.make_cancellable();
        CancellableTaskGroup { group: self }
    }
}

impl<E: fmt::Debug + Send + 'static> AsyncContextManager for CancellableTaskGroup<E> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, ErrorGroup<E>> {
        Ok(Self { group: self.group.aenter().await? })
    }
}

impl<E: fmt::Debug + Send + 'static> AsyncGuard for CancellableTaskGroup<E> {
    type Target = TaskGroup<E>;
    type Error = ErrorGroup<E>;
    type Suppression = bool;
    type OnDrop = Restart;

    fn target(&mut self) -> &mut TaskGroup<E> {
        &mut self.group
    }

    fn grace_period(&self) -> Duration {
        self.group.grace_period()
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, ErrorGroup<E>> {
        let was_interrupted = matches!(exit, ExitReason::Cancelled);
        self.group.aexit(exit).await?;
        // An interrupt without an error is a cancellation of the group.
        Ok(was_interrupted)
    }
}

impl<E> fmt::Debug for CancellableTaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancellableTaskGroup").field(&self.group).finish()
    }
}

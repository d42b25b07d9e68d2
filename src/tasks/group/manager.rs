use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::state::{Group, create_task};
use super::{ErrorGroup, FailedInGroup, Spawner};
use crate::context::{AsyncContextManager, AsyncGuard, ExitReason, Restart};
use crate::tasks::TaskHandle;

/// Tasks that end together, at the end of a block: `asyncio.TaskGroup`.
///
/// The exit waits for all tasks. The first that fails has the block dropped, if it is still under way, and the others
/// cancelled; the exit waits for these, too, and fails with all errors. A block that is left with an error, that panics, or
/// that is dropped has all tasks cancelled, and waited for.
///
/// A task is over when the exits of the scopes in it are, also when it was cancelled; so all that is inside of the group has
/// ended when the group has.
///
/// | the block | the tasks | the exit |
/// |---|---|---|
/// | comes to its end | all are fine, or were cancelled by their handles | waits; the block's value |
/// | comes to its end, or is under way | one fails | the others are cancelled; [`ErrorGroup`] |
/// | fails | are cancelled | the block's error, and beside it what the tasks fail with then |
/// | panics | are cancelled | the panic |
/// | is dropped from outside | are cancelled | as a [cleanup](crate::cleanup), which the scopes around wait for |
/// | any | one panics | the others are cancelled; then that panic goes on, and the errors are dropped |
///
/// In asyncio the block's own error is one of the group; here it leaves the block as errors do, by its own type.
///
/// It may have tasks before it is entered, and one that fails then cancels the others, and has the block dropped at its
/// first await; dropped without having been entered, it cancels them and waits for none. Where neither
/// the block is to be interrupted nor errors are to be grouped, tokio's
/// [`JoinSet`](tokio::task::JoinSet) is the better answer.
///
/// # Cancel safety
///
/// Dropped in the block or in the exit: the tasks are cancelled, and what is left of the exit is a cleanup.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::tasks::ErrorGroup<std::num::ParseIntError>> {
/// use withal::context::async_with;
/// use withal::tasks::TaskGroup;
///
/// let sum = async_with!(group = TaskGroup::new() => {
///     let one = group.create_task(async { "1".parse::<u32>() });
///     let two = group.create_task(async { "2".parse::<u32>() });
///     one.await.unwrap_or(0) + two.await.unwrap_or(0)
/// })?;
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
pub struct TaskGroup<E> {
    group: Arc<Group<E>>,
    is_over: bool,
}

impl<E: Send + 'static> TaskGroup<E> {
    /// Without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self { group: Arc::new(Group::new()), is_over: false }
    }

    /// Makes a task, on the current runtime.
    ///
    /// Its value comes through the handle, and its error through the group: in place of that the handle has
    /// [`FailedInGroup`], when the block is over. Dropping the handle cancels nothing.
    ///
    /// A group that is about to cancel its tasks drops the work, and the task is cancelled.
    ///
    /// # Panics
    ///
    /// Where no runtime is.
    pub fn create_task<T, F>(&self, work: F) -> TaskHandle<T, FailedInGroup>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        create_task(&self.group, work).unwrap_or_else(|refused| {
            // Cancelled by that, and not before the block is gone.
            self.group.say_late(|| drop(refused.promise));
            refused.task
        })
    }

    /// What makes more tasks of this group, inside of the tasks.
    #[must_use]
    pub fn spawner(&self) -> Spawner<E> {
        Spawner::new(Arc::clone(&self.group))
    }

    /// How many of its tasks are not over.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.group.count()
    }
}

impl<E: Send + 'static> AsyncContextManager for TaskGroup<E> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, ErrorGroup<E>> {
        self.group.enter();
        Ok(self)
    }
}

impl<E: Send + 'static> AsyncGuard for TaskGroup<E> {
    type Target = Self;
    type Error = ErrorGroup<E>;
    type Suppression = ();
    /// Dropped while it waits, it is to cancel what it waits for.
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    fn target_and_interrupt(&mut self) -> (&mut Self, impl Future<Output = ()> + Send) {
        let failed = Failed { group: Arc::clone(&self.group), is_block_suspended: false };
        (self, failed)
    }

    /// Without end: what is inside of its tasks has a grace of its own.
    fn grace_period(&self) -> Duration {
        Duration::MAX
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), ErrorGroup<E>> {
        if !exit.is_ok() {
            self.group.abort();
        }
        let outcome = poll_fn(|cx| self.group.poll_over(cx)).await;
        self.is_over = true;
        outcome
    }
}

/// Interrupts the block when a task has failed; dropped when the block is gone.
struct Failed<E> {
    group: Arc<Group<E>>,
    /// A block that never was has seen nothing of its tasks.
    is_block_suspended: bool,
}

impl<E> Future for Failed<E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.is_block_suspended = true;
        self.group.poll_failed(cx)
    }
}

impl<E> Drop for Failed<E> {
    fn drop(&mut self) {
        if self.is_block_suspended {
            self.group.end_block();
        }
    }
}

impl<E: Send + 'static> Default for TaskGroup<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        if !self.is_over {
            self.group.abandon();
        }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("unfinished", &self.group.count()).finish_non_exhaustive()
    }
}

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::errors::{ErrorGroup, FailedInGroup};
use super::spawner::{Spawner, create_task};
use super::state::GroupState;
use crate::as_error::{AsError, ErrorView};
use crate::cleanup::short_type_name;
use crate::context::{
    AsyncContextManager, AsyncGuard, ExitReason, Interrupt, NotEntering, Restart, register_interrupt,
};
use crate::tasks::task::box_large;
use crate::tasks::task_handle::TaskHandle;

/// A group of tasks that ends with its block: `asyncio.TaskGroup`, or the nursery of trio.
///
/// The exit of the block waits for all tasks. When a task fails, the block is interrupted, the other tasks are
/// cancelled, and the exit fails with all errors. When the block fails, panics or is dropped, all tasks are cancelled
/// and waited for.
///
/// A task ends only after the exits of its scopes have completed, also if it is cancelled. So when the group has ended,
/// all work inside it has ended.
///
/// | the block | the tasks | the result |
/// |---|---|---|
/// | completes | succeed, or are cancelled through their handles | the block's value, once all tasks have ended |
/// | has completed, or is interrupted | one fails, and the others are cancelled | an [`ErrorGroup`] |
/// | fails | are cancelled | the block's error, together with the errors of the tasks |
/// | panics | are cancelled | the block's panic |
/// | is dropped | are cancelled | none: the exit continues as a [cleanup](crate::cleanup), for which the scopes around it wait |
/// | ends in any way | one panics, and the others are cancelled | the task's panic, or the block's if that was first; the errors and other panics are reported to the [observers](crate::cleanup::observe) |
/// | completes after a [`cancel`](Self::cancel) | are cancelled | the block's value |
///
/// In asyncio, the error of the block is one of the errors of the group. Here, it is returned separately, with its own
/// type.
///
/// Tasks may be added before the group is entered. If one of them fails, the others are cancelled, and the block is
/// interrupted at its first await. A group that is dropped without having been entered cancels its tasks and does not
/// wait for them; their errors and panics are reported to the [observers](crate::cleanup::observe).
///
/// With the feature `tracing`, the group has a [span](crate#tracing), in which its tasks run.
///
/// If no task needs to interrupt the block, and the errors need no grouping, use tokio's
/// [`JoinSet`](tokio::task::JoinSet).
///
/// # Panics
///
/// `aenter` panics with the message of [`NotEntering`] if no scope is being entered: if it is called by hand or in a
/// spawned task, or the group is entered on an [`AsyncExitStack`](crate::context::AsyncExitStack) that was not entered.
/// Such a group could not interrupt its block. It does not return an error, because an [`ErrorGroup`] holds the error of
/// at least one task. The tasks are cancelled.
///
/// # Cancel safety
///
/// If the block or the exit is dropped, the group cancels its tasks, and the rest of the exit runs as a cleanup.
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
#[doc(alias = "nursery")]
#[doc(alias = "JoinSet")]
#[doc(alias = "TaskTracker")]
#[doc(alias = "structured concurrency")]
#[doc(alias = "scope")]
pub struct TaskGroup<E> {
    pub(super) group: Arc<GroupState<E>>,
    /// `true` once the exit has waited for all tasks.
    is_joined: bool,
}

/// Without `Send`, so that the compiler suggests `TaskGroup::<E>::new()` where nothing determines the error type.
impl<E: 'static> TaskGroup<E> {
    /// Creates a group without tasks.
    ///
    /// The tasks determine `E`. For a group without tasks, name it: `TaskGroup::<Infallible>::new()`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_view(ErrorView::known())
    }

    /// Creates a group without tasks, whose [`ErrorGroup`] also reports the [sources](std::error::Error::source) of the
    /// application's own error type.
    ///
    /// The [`source`](std::error::Error::source) of its `ErrorGroup` is the first error itself. With [`new`](Self::new),
    /// this holds for the boxes of an error and for the common errors of the standard library; for other types, it is
    /// an error with the same text.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::error::Error;
    /// use withal::context::async_with;
    /// use withal::tasks::TaskGroup;
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("invalid port")]
    /// struct InvalidPort(#[from] std::num::ParseIntError);
    ///
    /// let result = async_with!(group = TaskGroup::<InvalidPort>::with_sources() => {
    ///     group.create_task(async { Ok("x".parse::<u16>()?) });
    /// });
    /// let errors = result.unwrap_err();
    /// assert_eq!(errors.to_string(), "1 of 1 tasks failed: invalid port: invalid digit found in string");
    /// assert!(errors.source().unwrap().is::<InvalidPort>());
    /// # }
    /// ```
    #[must_use]
    pub fn with_sources<K>() -> Self
    where
        E: AsError<K>,
    {
        Self::with_view(ErrorView::of())
    }

    fn with_view(view: ErrorView<E>) -> Self {
        Self { group: Arc::new(GroupState::new(view)), is_joined: false }
    }
}

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    /// Starts a task on the current runtime.
    ///
    /// The handle returns the value of the task. If the task fails, its error is in the [`ErrorGroup`], and the handle
    /// returns [`FailedInGroup`] once the block has ended. Dropping the handle does not cancel the task.
    ///
    /// If the group is cancelling its tasks, `work` is dropped, and the returned handle is that of a cancelled task.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a tokio runtime.
    #[doc(alias = "start_soon")]
    pub fn create_task<T, F>(&self, work: F) -> TaskHandle<T, FailedInGroup>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        box_large!(F, work => create_task(&self.group, work)).unwrap_or_else(|rejected| {
            // Dropping the promise cancels the handle, which must not happen before the block has ended.
            self.group.defer(|| drop(rejected.promise));
            rejected.task
        })
    }

    /// The same as [`create_task`](Self::create_task), by the name that it has in tokio.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a tokio runtime.
    pub fn spawn<T, F>(&self, work: F) -> TaskHandle<T, FailedInGroup>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        box_large!(F, work => self.create_task(work))
    }

    /// Cancels all tasks without an error: `TaskGroup.cancel` of `CPython` 3.15.
    ///
    /// The group starts no more tasks, and its exit waits until the cancelled ones have ended. It returns an error only
    /// if a task fails meanwhile. A second call has no effect, nor has a call after the end of the group. The tasks
    /// cancel their group by a [`Spawner`].
    ///
    /// The block itself continues, because the scope returns the block's value: it may await its cancelled tasks. To
    /// interrupt the block as well, as Python does, enter a [`cancellable`](Self::cancellable) group.
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
    /// let first = async_with!(group = TaskGroup::new() => {
    ///     let answer = group.create_task(async { Ok::<_, std::io::Error>(42) });
    ///     group.create_task(pending::<Result<(), _>>()); // in the background
    ///     let answer = answer.await;
    ///     group.cancel();
    ///     answer
    /// })?;
    /// assert_eq!(first, Ok(42));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("abort_all", "shutdown", "cancel_scope"))]
    pub fn cancel(&self) {
        self.group.cancel();
    }

    /// Returns a spawner, by which the tasks of this group start more tasks.
    #[must_use]
    pub fn spawner(&self) -> Spawner<E> {
        Spawner::new(Arc::clone(&self.group))
    }

    /// Returns the number of tasks that have not ended.
    #[doc(alias = "len")]
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.group.len()
    }
}

impl<E: fmt::Debug + Send + 'static> AsyncContextManager for TaskGroup<E> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, ErrorGroup<E>> {
        assert!(
            register_interrupt(self.group.clone()).is_ok(),
            "a `TaskGroup` interrupts its block, but {NotEntering}"
        );
        self.group.enter();
        Ok(self)
    }
}

impl<E: fmt::Debug + Send + 'static> AsyncGuard for TaskGroup<E> {
    type Target = Self;
    type Error = ErrorGroup<E>;
    type Suppression = ();
    /// If the exit is dropped while it waits, it is restarted, and then cancels the tasks.
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    /// Unlimited, because the cleanups inside the tasks have their own grace periods.
    fn grace_period(&self) -> Duration {
        Duration::MAX
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), ErrorGroup<E>> {
        if !exit.is_ok() {
            self.group.cancel();
        }
        poll_fn(|cx| self.group.poll_join(cx)).await;
        // Set only after the wait: a group that is dropped earlier cancels its tasks.
        self.is_joined = true;
        match self.group.take_failures() {
            None => Ok(()),
            Some(failures) => failures.finish(&exit, short_type_name::<Self>()),
        }
    }
}

/// Interrupts the block when a task has failed, or when a cancellable group is cancelled.
impl<E: fmt::Debug + Send + 'static> Interrupt for GroupState<E> {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_interrupted(cx)
    }

    fn refuse(&self) {
        panic!("a `TaskGroup` interrupts its block, but {NotEntering}");
    }

    fn leave_block(&self) {
        self.end_block();
    }
}

impl<E: fmt::Debug + Send + 'static> Default for TaskGroup<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        if !self.is_joined {
            self.group.abort_unjoined();
        }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("unfinished", &self.group.len()).finish_non_exhaustive()
    }
}

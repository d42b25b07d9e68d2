use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::child::{Child, Member};
use super::errors::{FailedInGroup, TaskGroupError};
use super::failures::Failures;
use super::state::GroupState;
use crate::tasks::promise::Promise;
use crate::tasks::task::{Harness, box_large};
use crate::tasks::task_handle::TaskHandle;

/// A handle that starts tasks of a [`TaskGroup`](super::TaskGroup), mostly from inside the tasks of the group.
///
/// A spawner does not keep the group from ending. If it outlives the group, it starts no more tasks.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::tasks::ErrorGroup<withal::tasks::TaskGroupError>> {
/// use withal::context::async_with;
/// use withal::tasks::{TaskGroup, TaskGroupError};
///
/// let spawner = async_with!(group = TaskGroup::<TaskGroupError>::new() => {
///     let spawner = group.spawner();
///     group.create_task(async move {
///         spawner.create_task(async { Ok(()) })?;
///         Ok(())
///     });
///     group.spawner()
/// })?;
/// assert_eq!(spawner.create_task(async { Ok(()) }).unwrap_err(), TaskGroupError::Finished);
/// # Ok(())
/// # }
/// ```
pub struct Spawner<E> {
    group: Arc<GroupState<E>>,
}

impl<E: fmt::Debug + Send + 'static> Spawner<E> {
    pub(super) fn new(group: Arc<GroupState<E>>) -> Self {
        Self { group }
    }

    /// Starts a task of the group: see [`TaskGroup::create_task`](super::TaskGroup::create_task).
    ///
    /// # Errors
    ///
    /// Returns a [`TaskGroupError`] if the group has ended or is cancelling its tasks. In that case, `work` is dropped.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a tokio runtime.
    pub fn create_task<T, F>(&self, work: F) -> Result<TaskHandle<T, FailedInGroup>, TaskGroupError>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        box_large!(F, work => create_task(&self.group, work)).map_err(|rejected| rejected.error)
    }

    /// The same as [`create_task`](Self::create_task), by the name that it has in tokio.
    ///
    /// # Errors
    ///
    /// The same as for [`create_task`](Self::create_task).
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a tokio runtime.
    pub fn spawn<T, F>(&self, work: F) -> Result<TaskHandle<T, FailedInGroup>, TaskGroupError>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        box_large!(F, work => self.create_task(work))
    }

    /// Cancels all tasks of the group without an error: see [`TaskGroup::cancel`](super::TaskGroup::cancel). The task
    /// that calls this is cancelled, too, at its next await.
    #[doc(alias("abort_all", "shutdown", "cancel_scope"))]
    pub fn cancel(&self) {
        self.group.cancel();
    }
}

/// A task that the group did not accept.
pub(super) struct SpawnRejected<T> {
    pub(super) error: TaskGroupError,
    pub(super) task: TaskHandle<T, FailedInGroup>,
    pub(super) promise: Promise<T, FailedInGroup>,
}

/// Starts a task of a group on the current runtime.
pub(super) fn create_task<T, E, F>(
    group: &Arc<GroupState<E>>,
    work: F,
) -> Result<TaskHandle<T, FailedInGroup>, SpawnRejected<T>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: fmt::Debug + Send + 'static,
{
    let (promise, task) = Promise::for_group_task();
    // Added before it is spawned: the task may run and leave the group before `spawn` returns. If `spawn` panics, the
    // drop of the child leaves the group.
    match group.add(task.unobserving_abort_handle(), Failures::report) {
        Ok((index, span)) => {
            let child = Child::new(Member { promise, group: Arc::clone(group), index });
            drop(tokio::spawn(span.wrap(Harness::new(work, child))));
            Ok(task)
        }
        Err(error) => Err(SpawnRejected { error, task, promise }),
    }
}

impl<E> Clone for Spawner<E> {
    fn clone(&self) -> Self {
        Self { group: Arc::clone(&self.group) }
    }
}

impl<E> fmt::Debug for Spawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").field("unfinished", &self.group.len()).finish_non_exhaustive()
    }
}

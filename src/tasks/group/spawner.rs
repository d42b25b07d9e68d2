use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::state::{Group, create_task};
use super::{FailedInGroup, TaskGroupError};
use crate::tasks::TaskHandle;

/// Makes tasks of a [`TaskGroup`](super::TaskGroup) from elsewhere: from its own tasks, mostly.
///
/// It may outlive the group, and makes none then. It keeps no group from ending.
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
    group: Arc<Group<E>>,
}

impl<E: Send + 'static> Spawner<E> {
    pub(super) fn new(group: Arc<Group<E>>) -> Self {
        Self { group }
    }

    /// As [`TaskGroup::create_task`](super::TaskGroup::create_task).
    ///
    /// # Errors
    ///
    /// [`TaskGroupError`] when the group has ended, or is about to. The work is dropped.
    ///
    /// # Panics
    ///
    /// Where no runtime is.
    pub fn create_task<T, F>(&self, work: F) -> Result<TaskHandle<T, FailedInGroup>, TaskGroupError>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        create_task(&self.group, work).map_err(|refused| refused.error)
    }
}

impl<E> Clone for Spawner<E> {
    fn clone(&self) -> Self {
        Self { group: Arc::clone(&self.group) }
    }
}

impl<E> fmt::Debug for Spawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").field("tasks", &self.group.count()).finish_non_exhaustive()
    }
}

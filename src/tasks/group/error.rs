/// Why a [`Spawner`](super::Spawner) makes no task: Python's `RuntimeError`s, in its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskGroupError {
    /// The group has ended.
    #[error("task group is finished")]
    Finished,
    /// The group cancels its tasks: one has failed, or its block was left with an error, or dropped.
    #[error("task group is shutting down")]
    ShuttingDown,
}

/// A task of a group has failed: what with, says the [group](super::ErrorGroup).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task has failed, and its group has the error")]
pub struct FailedInGroup;

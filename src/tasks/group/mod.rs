//! Groups of tasks that end with a block: `asyncio.TaskGroup`.

mod abort_state;
mod cancellable;
mod child;
mod errors;
mod failures;
mod group_span;
mod members;
mod spawner;
mod state;
mod task_group;

pub use self::cancellable::CancellableTaskGroup;
pub use self::errors::{ErrorGroup, FailedInGroup, TaskGroupError};
pub use self::spawner::Spawner;
pub use self::task_group::TaskGroup;

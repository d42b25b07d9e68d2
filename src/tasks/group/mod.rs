//! Groups of tasks that end with a block: `asyncio.TaskGroup`.

mod abort_state;
mod cancellable;
mod child;
mod errors;
mod failures;
mod group_span;
mod in_place;
mod in_place_children;
mod in_place_end;
mod in_place_group;
mod members;
mod spawner;
mod state;
mod task_group;

pub use self::cancellable::CancellableTaskGroup;
pub use self::errors::{ErrorGroup, FailedInGroup, TaskGroupError};
pub use self::in_place::{InPlace, in_place};
pub use self::in_place_group::InPlaceGroup;
pub use self::spawner::Spawner;
pub use self::task_group::TaskGroup;

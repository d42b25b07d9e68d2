//! Groups of tasks that end together: `asyncio.TaskGroup`.

mod aborting;
mod child;
mod error;
mod errors;
mod manager;
mod members;
mod spawner;
mod state;

pub use self::error::{FailedInGroup, TaskGroupError};
pub use self::errors::ErrorGroup;
pub use self::manager::TaskGroup;
pub use self::spawner::Spawner;

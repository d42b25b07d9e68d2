//! Groups of tasks that end together: `asyncio.TaskGroup`.

mod aborting;
mod any_error;
mod child;
mod error;
mod errors;
mod manager;
mod members;
mod spawner;
mod state;

pub use self::any_error::AnyError;
pub use self::error::{Grouped, TaskGroupError};
pub use self::errors::ErrorGroup;
pub use self::manager::TaskGroup;
pub use self::spawner::Spawner;

//! The policies for exits whose future is dropped. Each file holds a policy, and the exit that it implies.

pub(super) mod detach;
pub(super) mod drop_after_children;
pub(super) mod drop_now;
mod restart;

pub use self::detach::Detach;
pub use self::drop_after_children::DropAfterChildren;
pub use self::drop_now::DropNow;
pub use self::restart::Restart;

// `ExitPolicy` is implemented for each policy by hand. With a blanket implementation, the compiler would explain the sealed
// trait instead of the choice.

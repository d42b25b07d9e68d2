//! The policies for exits whose future is dropped. Each file holds a policy, and the exit that it implies.

pub(super) mod detach;
pub(super) mod drop_after_children;
pub(super) mod drop_now;
mod restart;

pub use self::detach::Detach;
pub use self::drop_after_children::DropAfterChildren;
pub use self::drop_now::DropNow;
pub use self::restart::Restart;

use super::guard::{AsyncGuard, ExitPolicy};

// One by one, and in one place: with a blanket implementation, the compiler would explain the sealed trait instead of
// listing the four policies.
impl<G: AsyncGuard> ExitPolicy<G> for DropNow {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for DropAfterChildren {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for Detach {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for Restart {}

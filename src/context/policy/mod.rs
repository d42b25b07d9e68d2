//! The drop policies, for exits whose future is dropped. Each file has one policy, and its way to run the exit.

pub(super) mod detach;
pub(super) mod drop_after_children;
pub(super) mod drop_now;
mod restart;

pub use self::detach::Detach;
pub use self::drop_after_children::DropAfterChildren;
pub use self::drop_now::DropNow;
pub use self::restart::Restart;

use super::guard::{AsyncGuard, ExitPolicy};

// The implementations are written one by one. With a blanket implementation, the compiler would explain the sealed
// trait instead of listing the four policies.
impl<G: AsyncGuard> ExitPolicy<G> for DropNow {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for DropAfterChildren {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for Detach {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for Restart {}

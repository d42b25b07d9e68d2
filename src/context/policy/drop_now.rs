use super::AsyncGuard;
use super::sealed::Policy;
use crate::cleanup::ChildCleanups;

/// Dropped with its block: the guard's destructor is all the exit that is needed. The guard may borrow.
///
/// `aexit` is not called then. What was detached inside of the block may still be under way when the guard is gone: it
/// cannot be made to wait for that, since what it borrows may be gone sooner. The scopes around it do wait.
///
/// # Examples
///
/// The guard of a lock: see [`LockGuard`](crate::context::LockGuard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DropNow;

impl<G: AsyncGuard> Policy<G> for DropNow {
    type Home = ();

    fn cancel(guard: G, inner: ChildCleanups, (): ()) {
        // First: the guard's destructor may panic.
        inner.reparent();
        drop(guard);
    }
}

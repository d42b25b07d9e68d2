use crate::cleanup::ChildCleanups;
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::Policy;
use crate::panic::drop_quietly;

/// A drop policy that drops the guard together with its block. The guard may borrow.
///
/// It is for guards whose destructor is a complete exit: if the block is dropped, `aexit` is not called.
///
/// Nested cleanups may still be running when the guard is dropped. The guard cannot wait for them, because the values
/// that it borrows may not live that long. The enclosing scopes wait for them.
///
/// The guard of a borrowed lock, [`LockGuard`](crate::context::LockGuard), has this policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DropNow;

impl<G: AsyncGuard> Policy<G> for DropNow {
    type Runtime = ();

    fn on_drop(guard: G, children: ChildCleanups, (): ()) {
        // First, because the guard's destructor may panic.
        children.reparent();
        drop_quietly(guard);
    }
}

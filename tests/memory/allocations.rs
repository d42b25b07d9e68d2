//! The allocations of a scope that is not dropped, as the docs of the managers and of the drop policies state them.

use std::convert::Infallible;
use std::future::Future;

use withal::context::{
    AsyncContextManager, AsyncGuard, ExitReason, Restart, async_with, asynccontextmanager, nullcontext,
    on_exit,
};
use withal::tasks::{ErrorGroup, TaskGroup};

use crate::cleanups::allocations;

/// Returns the allocations of a scope, after the lists of the thread have grown.
async fn count<F: Future<Output = ()>>(scope: impl Fn() -> F) -> usize {
    scope().await;
    let before = allocations();
    scope().await;
    allocations() - before
}

struct Restarting(());

impl AsyncContextManager for Restarting {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for Restarting {
    type Target = ();
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Restart;

    fn target(&mut self) -> &mut () {
        &mut self.0
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}

#[tokio::test]
async fn a_scope_allocates_as_often_as_documented() {
    assert_eq!(count(|| async { async_with!(_ = nullcontext(()) => {}) }).await, 0, "DropNow");
    assert_eq!(count(|| async { async_with!(_ = Restarting(()) => {}) }).await, 0, "Restart");
    let detach = || async { async_with!(_ = on_exit((), async |(), _| ()) => {}) };
    assert_eq!(count(detach).await, 1, "Detach: one for each exit");
    let manager = || {
        asynccontextmanager(async |y| {
            y.yield_(()).await;
            Ok::<_, Infallible>(())
        })
    };
    assert_eq!(count(|| async { drop(manager()) }).await, 2, "the creation of `asynccontextmanager`");
    assert_eq!(count(|| async { async_with!(_ = manager() => {}) }).await, 4, "`asynccontextmanager`");
    // The box of the interrupts is that of the scope before.
    let group = || async { assert!(async_with!(_ = TaskGroup::<Infallible>::new() => {}).is_ok()) };
    assert_eq!(count(group).await, 1, "`TaskGroup`: its state");
}

/// The exit of each group passes on a result, most of which hold no errors.
#[test]
fn the_error_of_a_group_is_a_pointer() {
    assert_eq!(size_of::<ErrorGroup<[u64; 8]>>(), size_of::<usize>());
}

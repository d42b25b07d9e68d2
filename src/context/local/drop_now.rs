use std::future::Future;

use super::guard::sealed::{LocalExitResult, LocalPolicy};
use super::guard::{LocalAsyncGuard, LocalExitPolicy};
use crate::cleanup::ChildCleanups;
use crate::context::policy::drop_now::DropNow;
use crate::context::scope::failure::BlockFailure;
use crate::panic::drop_quietly;

impl<G: LocalAsyncGuard> LocalExitPolicy<G> for DropNow {}

impl<G: LocalAsyncGuard> LocalPolicy<G> for DropNow {
    fn exit<'s, E: Send + 'static, N: Send + 'static>(
        guard: &'s mut Option<G>,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = LocalExitResult<G>> {
        let guard = guard.as_mut().expect("scope exited twice");
        guard.aexit(BlockFailure::exit_reason(failure))
    }

    fn on_drop(guard: G, children: ChildCleanups) {
        // First, because the guard's destructor may panic.
        children.reparent();
        drop_quietly(guard);
    }
}

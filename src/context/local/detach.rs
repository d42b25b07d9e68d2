//! [`Detach`] for local guards: the exits of dropped scopes run as cleanups that stay on their thread.

use std::any::Any;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::guard::sealed::{LocalExitResult, LocalPolicy};
use super::guard::{LocalAsyncGuard, LocalExitPolicy, grace_period};
use crate::cleanup::{ChildCleanups, CleanupOptions, CleanupOutput, Name, peel_box};
use crate::context::exit_reason::ExitReason;
use crate::context::policy::detach::{Detach, FailureSlot, LentFailure, discard_suppressed, resume};
use crate::context::scope::failure::BlockFailure;
use crate::panic::{Kept, catch_panic, ignore_panic};

impl<G: LocalAsyncGuard + 'static> LocalExitPolicy<G> for Detach {}

impl<G: LocalAsyncGuard + 'static> LocalPolicy<G> for Detach {
    fn exit<'s, E: Send + 'static, N: Send + 'static>(
        place: &'s mut Option<G>,
        block_failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = LocalExitResult<G>> {
        // From here on, the future of the exit applies the policy. The scope finds no guard.
        let guard = place.take().expect("scope exited twice");
        let (failure, slot) = LentFailure::new(block_failure.take());
        let (grace_period, name) = (grace_period(&guard), guard.report_name());
        let exit = Box::pin(exit_after(Kept::new(guard), failure));
        DetachOnDrop { exit: Some(exit), name, grace_period, place, block_failure, slot }
    }

    fn on_drop(guard: G, children: ChildCleanups) {
        let options = CleanupOptions::new(guard.report_name())
            .grace_period(grace_period(&guard))
            .wait_for_children(children)
            .in_place();
        let guard = Kept::new(guard);
        options.detach_local(exit_cancelled(guard));
    }
}

async fn exit_after<G: LocalAsyncGuard, E: Send + 'static, N: Send + 'static>(
    mut guard: Kept<G>,
    mut failure: LentFailure<E, N>,
) -> Exited<G, E, N> {
    // Pinned in place: in a debug build, `await` would copy the exit twice to the stack.
    let result = {
        let mut exit = pin!(guard.aexit(BlockFailure::exit_reason(&mut failure.failure)));
        poll_fn(|cx| exit.as_mut().poll(cx)).await
    };
    Exited { result, failure: failure.failure.take(), guard }
}

async fn exit_cancelled<G: LocalAsyncGuard>(mut guard: Kept<G>) -> Detached<G, Infallible, Infallible> {
    let result = {
        let mut exit = pin!(guard.aexit(ExitReason::Cancelled));
        poll_fn(|cx| exit.as_mut().poll(cx)).await
    };
    drop_guard(guard, &result);
    Detached { result, failure: None }
}

/// Drops the guard of a detached exit. If the exit has failed, its error is reported, and a panic of the guard is ignored.
fn drop_guard<G, V, X>(guard: Kept<G>, result: &Result<V, X>) {
    if result.is_err() {
        ignore_panic(|| drop(guard));
    }
}

/// The end of an exit.
struct Exited<G: LocalAsyncGuard, E: Send + 'static, N: Send + 'static> {
    result: LocalExitResult<G>,
    failure: Option<BlockFailure<E, N>>,
    guard: Kept<G>,
}

/// The end of a detached exit, whose guard was dropped.
struct Detached<G: LocalAsyncGuard, E: Send + 'static, N: Send + 'static> {
    result: LocalExitResult<G>,
    failure: Option<BlockFailure<E, N>>,
}

impl<G: LocalAsyncGuard, E: Send + 'static, N: Send + 'static> CleanupOutput for Detached<G, E, N> {
    /// The error of the block is reported when it is dropped: there is no scope left that could return it.
    fn result(&self) -> Result<(), (&(dyn Any + Send), &dyn Debug)> {
        self.result.as_ref().map(drop).map_err(|error| (peel_box(error), error as _))
    }

    fn dispose(mut self) {
        discard_suppressed(&self.result, &mut self.failure);
    }
}

/// An exit that continues as a cleanup, from its current await, when it is dropped.
struct DetachOnDrop<'s, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + 'static,
    G: LocalAsyncGuard + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    /// `None` after it has completed or panicked.
    exit: Option<Pin<Box<F>>>,
    name: Name,
    grace_period: Duration,
    /// The places to which the guard and the failure return after the exit.
    place: &'s mut Option<G>,
    block_failure: &'s mut Option<BlockFailure<E, N>>,
    /// Returns the failure of the block if the exit panics.
    slot: Option<Arc<FailureSlot<E, N>>>,
}

impl<F, G, E, N> Future for DetachOnDrop<'_, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + 'static,
    G: LocalAsyncGuard + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    type Output = LocalExitResult<G>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut exit = this.exit.take().expect("exit polled after completion or a panic");
        let exited = match catch_panic(|| exit.as_mut().poll(cx)) {
            Ok(Poll::Ready(exited)) => exited,
            Ok(Poll::Pending) => {
                this.exit = Some(exit);
                return Poll::Pending;
            }
            Err(payload) => resume(exit, payload, this.slot.take(), this.name),
        };
        *this.place = Some(exited.guard.into_inner());
        *this.block_failure = exited.failure;
        Poll::Ready(exited.result)
    }
}

impl<F, G, E, N> Drop for DetachOnDrop<'_, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + 'static,
    G: LocalAsyncGuard + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    fn drop(&mut self) {
        let Some(exit) = self.exit.take() else { return };
        let options = CleanupOptions::new(self.name).grace_period(self.grace_period).in_place();
        options.detach_local(async move {
            let Exited { result, failure, guard } = exit.await;
            drop_guard(guard, &result);
            Detached::<G, E, N> { result, failure }
        });
    }
}

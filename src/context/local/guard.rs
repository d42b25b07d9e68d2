use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use crate::cleanup::{DEFAULT_GRACE_PERIOD, Name};
use crate::context::exit_reason::ExitReason;
use crate::context::suppression::Suppression;
use crate::panic::{catch_panic, drop_payload};

/// The guard of an entered [`LocalAsyncContextManager`](super::LocalAsyncContextManager).
///
/// It has the same items as an [`AsyncGuard`](crate::context::AsyncGuard).
pub trait LocalAsyncGuard: Sized {
    /// The type that the block borrows as `&mut`.
    type Target: ?Sized;

    /// The error of entering and exiting; [`Infallible`](std::convert::Infallible) if neither can fail. Its `Debug` is
    /// for the [reports](crate::cleanup#reports) of exits whose errors cannot be returned.
    type Error: Debug + Send + 'static;

    /// The success value of the exit: `()`, or `bool` if the exit can suppress the block's error.
    type Suppression: Suppression;

    /// The drop policy: what happens to the exit when the block or the exit is dropped before it completes, or an outer
    /// scope interrupts the block. There is no default: [`DropNow`](crate::context::DropNow), the only policy for guards
    /// that borrow, drops the guard at once, and [`Detach`](crate::context::Detach) runs the exit on the same thread.
    type OnDrop: LocalExitPolicy<Self>;

    /// Returns the target for the block.
    fn target(&mut self) -> &mut Self::Target;

    /// Returns the name of the exit in reports: that of the guard's type, unless the guard has been given one.
    #[doc(hidden)]
    fn report_name(&self) -> Name {
        Name::of_type::<Self>()
    }

    /// Returns the grace period: the wall-clock time that the exit may take when it runs as a
    /// [cleanup](crate::cleanup). The default is 30 seconds.
    ///
    /// If this method panics, the default applies.
    fn grace_period(&self) -> Duration {
        DEFAULT_GRACE_PERIOD
    }

    /// Exits the guard. Called at most once, after the block was dropped and everything nested in it has ended.
    ///
    /// # Errors
    ///
    /// The manager's own error. If the block has failed or panicked, its error or panic takes precedence.
    ///
    /// # Cancel safety
    ///
    /// If the future of the scope is dropped during the exit, the [policy](Self::OnDrop) decides: the exit is dropped with
    /// the guard, or continues.
    fn aexit(&mut self, exit: ExitReason<'_>)
    -> impl Future<Output = Result<Self::Suppression, Self::Error>>;
}

/// A drop policy of a [`LocalAsyncGuard`]: [`DropNow`](crate::context::DropNow) or
/// [`Detach`](crate::context::Detach).
///
/// The trait is sealed: no other types implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a drop policy for the local guard `{G}`",
    label = "not a drop policy of a local guard",
    note = "choose what happens to the exit when the block is dropped:\n  \
            `type OnDrop = DropNow;` the destructor is the whole exit, and the guard may borrow\n  \
            `type OnDrop = Detach;` `aexit` awaits, and runs on this thread"
)]
pub trait LocalExitPolicy<G: LocalAsyncGuard>: sealed::LocalPolicy<G> {}

/// Returns the guard's grace period, or the default if the guard panics: most callers are destructors.
pub(super) fn grace_period<G: LocalAsyncGuard>(guard: &G) -> Duration {
    catch_panic(|| guard.grace_period()).unwrap_or_else(|payload| {
        drop_payload(payload);
        DEFAULT_GRACE_PERIOD
    })
}

pub(in crate::context) mod sealed {
    use std::future::Future;

    use super::LocalAsyncGuard;
    use crate::cleanup::ChildCleanups;
    use crate::context::scope::failure::BlockFailure;

    /// The result of a local exit.
    #[expect(unreachable_pub, reason = "the alias is not reachable, but the type is")]
    pub type LocalExitResult<G> = Result<<G as LocalAsyncGuard>::Suppression, <G as LocalAsyncGuard>::Error>;

    pub trait LocalPolicy<G: LocalAsyncGuard> {
        /// Returns the exit after the block. If the future is dropped before it completes, and the guard is still in its
        /// place, the scope calls [`on_drop`](Self::on_drop).
        fn exit<'s, E: Send + 'static, N: Send + 'static>(
            guard: &'s mut Option<G>,
            failure: &'s mut Option<BlockFailure<E, N>>,
        ) -> impl Future<Output = LocalExitResult<G>>;

        /// Handles a block, or an exit that left the guard in its place, that was dropped before it completed.
        fn on_drop(guard: G, children: ChildCleanups);
    }
}

use std::any::type_name;
use std::fmt::Debug;
use std::future::Future;
use std::ptr;
use std::time::Duration;

use super::exit_reason::ExitReason;
use super::suppression::Suppression;
use crate::cleanup::{DEFAULT_GRACE_PERIOD, Name};
use crate::panic::{catch_panic, drop_payload};

/// An entered context manager, with the target for the block and with the exit: Python's `__aexit__`.
///
/// # Examples
///
/// A guard that commits or rolls back. It is entered by an [`AsyncContextManager`](super::AsyncContextManager), which
/// is often the guard's own type:
///
/// ```
/// use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};
///
/// struct Transaction(Vec<&'static str>);
///
/// impl AsyncGuard for Transaction {
///     type Target = Vec<&'static str>;
///     type Error = std::io::Error;
///     type Suppression = ();
///     type OnDrop = Detach;
///     fn target(&mut self) -> &mut Vec<&'static str> {
///         &mut self.0
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), std::io::Error> {
///         self.0.push(if exit.is_ok() { "COMMIT" } else { "ROLLBACK" });
///         # assert_eq!(self.0, ["BEGIN", "INSERT", "COMMIT"]);
///         Ok(())
///     }
/// }
///
/// impl AsyncContextManager for Transaction {
///     type Guard = Self;
///     async fn aenter(mut self) -> Result<Self, std::io::Error> {
///         self.0.push("BEGIN");
///         Ok(self)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// async_with!(statements = Transaction(Vec::new()) => { statements.push("INSERT") })
/// # }
/// ```
#[doc(alias("aexit", "finally", "defer", "async drop", "scope guard"))]
pub trait AsyncGuard: Sized {
    /// The type that the block borrows as `&mut`: Python's `as target`.
    type Target: ?Sized;

    /// The error of entering and exiting; [`Infallible`](std::convert::Infallible) if neither can fail. Its `Debug` is
    /// for the [reports](crate::cleanup#reports) of exits whose errors cannot be returned.
    type Error: Debug + Send + 'static;

    /// The success value of the exit, which decides whether an exit can suppress the block's error:
    ///
    /// | type | exit | value of the scope |
    /// |---|---|---|
    /// | `()` | never suppresses the block's error | the block's value |
    /// | `bool` | suppresses the block's error if it returns `true` | an `Option`: `None` after an error was suppressed |
    type Suppression: Suppression;

    /// The drop policy: what happens to the exit when the block or the exit is dropped before it completes. There is no
    /// default: [`DropNow`](super::DropNow), [`DropAfterChildren`](super::DropAfterChildren), [`Detach`](super::Detach)
    /// or [`Restart`](super::Restart); see [Cancellation](super#cancellation).
    type OnDrop: ExitPolicy<Self>;

    /// Returns the target for the block.
    fn target(&mut self) -> &mut Self::Target;

    /// Returns the grace period: the wall-clock time that the exit may take when it runs as a
    /// [cleanup](crate::cleanup). The default is 30 seconds. An exit that takes longer is abandoned, and the
    /// [observers](crate::cleanup::observe) are notified.
    ///
    /// If this method panics, the default applies.
    fn grace_period(&self) -> Duration {
        DEFAULT_GRACE_PERIOD
    }

    /// Returns the name of the exit in reports and [events](crate::cleanup::CleanupEvent). The default is the path of the
    /// guard's type, which reports shorten.
    ///
    /// If this method panics, the default applies.
    #[inline]
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }

    /// Returns the name as a report needs it. This is called for each exit that may become a cleanup, so the name is
    /// shortened only when it is reported. A guard whose name is that of another type overrides this method.
    #[doc(hidden)]
    #[inline]
    fn report_name(&self) -> Name {
        let default = type_name::<Self>();
        match catch_panic(|| self.name()) {
            // The comparison of the addresses suffices nearly always.
            Ok(name) if !ptr::eq(name, default) && name != default => Name::chosen(name),
            Ok(_) => Name::of_type::<Self>(),
            Err(payload) => {
                drop_payload(payload);
                Name::of_type::<Self>()
            }
        }
    }

    /// Exits the guard. If the manager has [interrupted](super::interrupt_when) the block, the exit must return an
    /// error or suppress the interrupt; otherwise the scope panics.
    ///
    /// Called once, after the block was dropped and everything nested in it has ended.
    ///
    /// With [`Restart`](super::Restart), `aexit` is called a second time, with [`ExitReason::Cancelled`], if the future
    /// of the first call was dropped before it completed.
    ///
    /// # Errors
    ///
    /// The manager's own error. If the block has failed or panicked, its error or panic takes precedence.
    fn aexit(
        &mut self,
        exit: ExitReason<'_>,
    ) -> impl Future<Output = Result<Self::Suppression, Self::Error>> + Send;
}

/// A drop policy, for exits whose future is dropped: [`DropNow`](super::DropNow),
/// [`DropAfterChildren`](super::DropAfterChildren), [`Detach`](super::Detach) or [`Restart`](super::Restart).
///
/// The trait is sealed: no other types implement it. See [Cancellation](super#cancellation).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a drop policy for `{G}`",
    label = "not a drop policy",
    note = "choose what happens to the exit when the block is dropped:\n  \
            `type OnDrop = DropNow;` the destructor is the whole exit, and the guard may borrow (a lock)\n  \
            `type OnDrop = DropAfterChildren;` the same for an owned guard, dropped after nested cleanups\n  \
            `type OnDrop = Detach;` `aexit` awaits, and always runs to completion (a transaction)\n  \
            `type OnDrop = Restart;` the same without an allocation, but `aexit` may be called twice"
)]
pub trait ExitPolicy<G: AsyncGuard>: sealed::Policy<G> {}

/// Returns the guard's grace period, or the default if the guard panics: most callers are destructors.
pub(super) fn grace_period<G: AsyncGuard>(guard: &G) -> Duration {
    catch_panic(|| guard.grace_period()).unwrap_or_else(|payload| {
        drop_payload(payload);
        DEFAULT_GRACE_PERIOD
    })
}

pub(super) mod sealed {
    use std::future::Future;

    use super::AsyncGuard;
    use crate::cleanup::ChildCleanups;
    use crate::context::scope::failure::BlockFailure;
    use crate::context::scope::state::RuntimeSlot;

    /// The result of an exit.
    #[expect(unreachable_pub, reason = "the alias is not reachable, but the type is")]
    pub type ExitResult<G> = Result<<G as AsyncGuard>::Suppression, <G as AsyncGuard>::Error>;

    /// The runtime slot of a guard's drop policy.
    #[expect(unreachable_pub, reason = "the alias is not reachable, but the type is")]
    pub type RuntimeOf<G> = <<G as AsyncGuard>::OnDrop as Policy<G>>::Runtime;

    pub trait Policy<G: AsyncGuard> {
        /// The runtime on which the exit continues if its future is dropped outside of a runtime.
        type Runtime: RuntimeSlot;

        /// Returns the exit after the block, whose children have finished.
        ///
        /// If the future is dropped before it completes, and the guard is still in its place, the scope calls
        /// [`on_drop`](Self::on_drop).
        fn exit<'s, E: Send + 'static, N: Send + 'static>(
            guard: &'s mut Option<G>,
            _children: &'s mut ChildCleanups,
            _runtime: &'s mut Self::Runtime,
            failure: &'s mut Option<BlockFailure<E, N>>,
        ) -> impl Future<Output = ExitResult<G>> + Send {
            call_exit(guard, failure)
        }

        /// Handles a block, or an exit that left the guard in its place, that was dropped before it completed.
        fn on_drop(guard: G, children: ChildCleanups, runtime: Self::Runtime);
    }

    /// Calls the exit of a guard that stays in its place.
    #[inline]
    pub(in crate::context) fn call_exit<'s, G: AsyncGuard, E: Send + 'static, N: Send + 'static>(
        guard: &'s mut Option<G>,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = ExitResult<G>> + Send + use<'s, G, E, N> {
        let guard = guard.as_mut().expect("scope exited twice");
        guard.aexit(BlockFailure::exit_reason(failure))
    }
}

//! What becomes of an exit when nobody is left to await it.

mod detach;
mod drop_now;
mod hold;
mod restart;

use std::time::Duration;

pub use self::detach::Detach;
pub use self::drop_now::DropNow;
pub use self::hold::DropAfterChildren;
pub use self::restart::Restart;

use super::AsyncGuard;
use crate::panic::{catch_panic, drop_payload};

/// What becomes of an exit when the block is dropped before it came to its end: [`DropNow`], [`DropAfterChildren`], [`Detach`] or
/// [`Restart`].
///
/// No other types implement it; which one to choose says [the section](super#which-drop-policy).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what becomes of `{G}` when its block is dropped",
    label = "no drop policy",
    note = "choose one of four:\n  \
            `type OnDrop = DropNow;` the destructor does it all, and the guard may borrow (a lock)\n  \
            `type OnDrop = DropAfterChildren;` the same for an owned guard, kept until what was inside is over\n  \
            `type OnDrop = Detach;` `aexit` awaits, and is never broken off (a transaction)\n  \
            `type OnDrop = Restart;` the same without an allocation, and `aexit` may be called twice"
)]
pub trait ExitPolicy<G: AsyncGuard>: sealed::Policy<G> {}

// One by one, so that what the compiler says of any other type is the above.
impl<G: AsyncGuard> ExitPolicy<G> for DropNow {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for DropAfterChildren {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for Detach {}
impl<G: AsyncGuard + Send + 'static> ExitPolicy<G> for Restart {}

/// How long an exit may take where its guard does not say.
pub(super) const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(30);

/// The grace of a guard that is exited, mostly in a destructor: a panic of its own is as if it said nothing.
pub(super) fn grace_period<G: AsyncGuard>(guard: &G) -> Duration {
    catch_panic(|| guard.grace_period()).unwrap_or_else(|payload| {
        drop_payload(payload);
        DEFAULT_GRACE_PERIOD
    })
}

pub(super) mod sealed {
    use std::future::{Future, Ready};

    use tokio::runtime::Handle;

    use super::super::fault::Fault;
    use super::AsyncGuard;
    use crate::cleanup::ChildCleanups;

    /// What an exit gives, and the fault that it was lent.
    #[expect(unreachable_pub, reason = "an alias is not reached, but what it stands for is")]
    pub type Exited<G, E, N> =
        (Result<<G as AsyncGuard>::Suppression, <G as AsyncGuard>::Error>, Option<Fault<E, N>>);

    pub trait Policy<G: AsyncGuard> {
        /// Whether the exit runs in a future that owns the guard, from its start.
        const OWNED: bool = false;

        /// Whether an exit that is dropped in its middle begins anew.
        const RESTARTED: bool = false;

        /// The runtime to go on, where the future is dropped on none.
        type Home: Home;

        /// The exit as such a future.
        fn exit<E: Send + 'static, N: Send + 'static>(
            _guard: G,
            _fault: Option<Fault<E, N>>,
            _home: Self::Home,
        ) -> impl Future<Output = Exited<G, E, N>> + Send {
            let unused: fn() -> Ready<Exited<G, E, N>> = || unreachable!("the exit is not owned");
            unused()
        }

        /// The block was dropped, or a borrowed exit in its middle.
        fn cancel(guard: G, inner: ChildCleanups, home: Self::Home);
    }

    pub trait Home: Default + Send {
        /// The scope is suspended: from now on it may be dropped, perhaps on no runtime.
        fn remember(&mut self);
    }

    impl Home for () {
        #[inline]
        fn remember(&mut self) {}
    }

    /// Not before it is needed: what is never suspended pays nothing.
    impl Home for Option<Handle> {
        #[inline]
        fn remember(&mut self) {
            // It may have been moved to another one, and the first be gone.
            if let Ok(current) = Handle::try_current() {
                if self.as_ref().is_none_or(|home| home.id() != current.id()) {
                    *self = Some(current);
                }
            }
        }
    }
}

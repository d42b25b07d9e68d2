use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cleanup::{ChildCleanups, Cleanup, with_children};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::sealed::{ExitOutcome, Policy};
use crate::context::guard::{AsyncGuard, grace_period};
use crate::context::scope::failure::BlockFailure;
use crate::context::scope::state::RuntimeSlot as _;

/// A drop policy that runs every exit to completion: a dropped exit continues as a [cleanup](crate::cleanup). The guard
/// must be owned.
///
/// If the block is dropped, `aexit` is called with [`ExitReason::Cancelled`], as a cleanup. If the exit is dropped,
/// the same future continues as a cleanup. The exit is boxed when it begins, which takes one allocation.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};
///
/// struct Session;
///
/// impl AsyncGuard for Session {
///     type Target = Self;
///     type Error = Infallible;
///     type Suppression = ();
///     type OnDrop = Detach;
///     fn target(&mut self) -> &mut Self {
///         self
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Infallible> {
///         tokio::task::yield_now().await; // log out
///         # assert!(exit.is_cancelled());
///         println!("logged out: {exit:?}");
///         Ok(())
///     }
/// }
/// # impl AsyncContextManager for Session {
/// #     type Guard = Self;
/// #     async fn aenter(self) -> Result<Self, Infallible> { Ok(self) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let work = async { async_with!(_ = Session => { std::future::pending::<()>().await }) };
/// tokio::select! {
///     () = work => {}
///     () = tokio::task::yield_now() => {} // drops the block
/// }
/// withal::cleanup::drain(std::time::Duration::from_secs(1)).await.unwrap(); // "logged out: Cancelled"
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Detach;

impl<G: AsyncGuard + Send + 'static> Policy<G> for Detach {
    const OWNED: bool = true;

    type Runtime = Option<Handle>;

    fn exit<E: Send + 'static, N: Send + 'static>(
        mut guard: G,
        mut failure: Option<BlockFailure<E, N>>,
        runtime: Option<Handle>,
    ) -> impl Future<Output = ExitOutcome<G, E, N>> + Send {
        // Read now, because the future of the exit owns the guard from here on.
        let grace_period = grace_period(&guard);
        // Boxed before it is first polled: afterwards, it could not be moved into a cleanup.
        let exit = Box::pin(async move {
            let result = with_children(guard.aexit(BlockFailure::exit_reason(&mut failure))).await;
            (result, failure)
        });
        DetachOnDrop { exit: Some(exit), name: type_name::<G>(), grace_period, runtime }
    }

    fn on_drop(guard: G, children: ChildCleanups, runtime: Option<Handle>) {
        detach_exit(guard, children, runtime);
    }
}

/// Runs the exit of a dropped block as a cleanup, after the block's children.
pub(super) fn detach_exit<G: AsyncGuard + Send + 'static>(
    mut guard: G,
    children: ChildCleanups,
    runtime: Option<Handle>,
) {
    let grace_period = grace_period(&guard);
    let exit = async move { guard.aexit(ExitReason::Cancelled).await.map(drop) };
    Cleanup::new(exit)
        .name(type_name::<G>())
        .grace_period(grace_period)
        .fallback_runtime(runtime)
        .wait_for_children(children)
        .detach();
}

/// An exit that continues as a cleanup, from its current await, when it is dropped.
struct DetachOnDrop<F, V, X, T>
where
    F: Future<Output = (Result<V, X>, T)> + Send + 'static,
    X: Send + 'static,
{
    /// `None` during a poll, so that an exit that panicked is not polled again.
    exit: Option<Pin<Box<F>>>,
    name: &'static str,
    grace_period: Duration,
    runtime: Option<Handle>,
}

impl<F, V, X, T> Future for DetachOnDrop<F, V, X, T>
where
    F: Future<Output = (Result<V, X>, T)> + Send + 'static,
    X: Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut exit = self.exit.take().expect("exit polled after completion or a panic");
        let polled = exit.as_mut().poll(cx);
        if polled.is_pending() {
            self.exit = Some(exit);
            self.runtime.capture_current();
        }
        polled
    }
}

impl<F, V, X, T> Drop for DetachOnDrop<F, V, X, T>
where
    F: Future<Output = (Result<V, X>, T)> + Send + 'static,
    X: Send + 'static,
{
    fn drop(&mut self) {
        if let Some(exit) = self.exit.take() {
            // The failure of the block is dropped: there is no scope left that could return it.
            let rest = async move { exit.await.0.map(drop) };
            Cleanup::new(rest)
                .name(self.name)
                .grace_period(self.grace_period)
                .fallback_runtime(self.runtime.take())
                .detach();
        }
    }
}

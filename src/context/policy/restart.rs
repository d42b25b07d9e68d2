use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};
use tokio::runtime::Handle;

use super::detach::detach_exit;
use crate::cleanup::{ChildCleanups, TrackingScope, drop_tracked};
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::{ExitResult, Policy, call_exit};
use crate::context::scope::failure::BlockFailure;
use crate::context::scope::state::RuntimeSlot;

/// A drop policy that runs a dropped exit again, as a [cleanup](crate::cleanup): `aexit` may be called twice. The guard
/// must be owned.
///
/// It is for idempotent exits, such as releasing a lease by its number. The second call receives
/// [`ExitReason::Cancelled`](crate::context::ExitReason), and finds the guard in the state in which the first call
/// left it. An exit that panics is not called again. The policy allocates only if the exit is dropped.
///
/// The second call has the [surroundings](super::Detach#surroundings) of a cleanup.
///
/// # Examples
///
/// ```
/// use std::collections::HashSet;
/// use std::convert::Infallible;
/// use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, Restart, async_with};
///
/// struct Leases(HashSet<u32>);
///
/// impl AsyncGuard for Leases {
///     type Target = HashSet<u32>;
///     type Error = Infallible;
///     type Suppression = ();
///     type OnDrop = Restart;
///     fn target(&mut self) -> &mut HashSet<u32> {
///         &mut self.0
///     }
///     async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
///         while let Some(&lease) = self.0.iter().next() {
///             tokio::task::yield_now().await; // release it; releasing it twice does no harm
///             self.0.remove(&lease);
///         }
///         Ok(())
///     }
/// }
/// # impl AsyncContextManager for Leases {
/// #     type Guard = Self;
/// #     async fn aenter(self) -> Result<Self, Infallible> { Ok(self) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// async_with!(leases = Leases(HashSet::new()) => { leases.insert(7) });
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Restart;

impl<G: AsyncGuard + Send + 'static> Policy<G> for Restart {
    type Runtime = RestartSlot;

    fn exit<'s, E: Send + 'static, N: Send + 'static>(
        guard: &'s mut Option<G>,
        children: &'s mut ChildCleanups,
        runtime: &'s mut RestartSlot,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = ExitResult<G>> + Send {
        // An `aexit` that panics before it returns a future counts as called, too.
        runtime.is_over = true;
        RestartableExit::new(call_exit(guard, failure), children, runtime)
    }

    fn on_drop(guard: G, children: ChildCleanups, runtime: RestartSlot) {
        // Whether the block or the exit was dropped, `aexit` is called from its beginning.
        detach_exit(guard, children, runtime.runtime);
    }
}

/// The runtime of an exit that can be called again.
#[derive(Debug, Default)]
pub struct RestartSlot {
    runtime: Option<Handle>,
    /// Set while an exit is polled, and after it has completed. If the scope is dropped and finds it set, the exit has
    /// completed or panicked and is not called again.
    is_over: bool,
}

impl RuntimeSlot for RestartSlot {
    #[inline]
    fn capture_current(&mut self) {
        self.runtime.capture_current();
    }

    #[inline]
    fn is_restartable(&self) -> bool {
        !self.is_over
    }
}

/// An exit that borrows its guard and can be called again. Cleanups that are detached while the exit is polled or
/// dropped become children of the scope, and are waited for.
///
/// ```text
/// EXITING (exit) --exit ready, children left--> WAITING (result) --children finished--> ENDED
///       +-------------exit ready without children---------------------------------------^
/// ```
#[pin_project(PinnedDrop)]
struct RestartableExit<'s, F: Future> {
    /// `None` after the exit has completed.
    #[pin]
    exit: Option<F>,
    /// Of an exit that waits for its children.
    result: Option<F::Output>,
    children: &'s mut ChildCleanups,
    runtime: &'s mut RestartSlot,
}

impl<'s, F: Future> RestartableExit<'s, F> {
    #[inline]
    fn new(exit: F, children: &'s mut ChildCleanups, runtime: &'s mut RestartSlot) -> Self {
        Self { exit: Some(exit), result: None, children, runtime }
    }
}

impl<F: Future> Future for RestartableExit<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(exit) = this.exit.as_mut().as_pin_mut() {
            let tracking = TrackingScope::open(this.children);
            // Stays set if the exit panics.
            this.runtime.is_over = true;
            let Poll::Ready(result) = exit.poll(cx) else {
                this.runtime.capture_current();
                this.runtime.is_over = false;
                return Poll::Pending;
            };
            // If the destructor of the exit panics, the exit has panicked.
            drop_exit(this.exit.as_mut());
            // Closing the scope moves the cleanups into `children`.
            drop(tracking);
            if this.children.is_empty() {
                return Poll::Ready(result);
            }
            *this.result = Some(result);
        }
        // The exit has completed: wait for its children. The scope may be dropped meanwhile.
        this.runtime.capture_current();
        ready!(this.children.poll_wait(cx));
        Poll::Ready(this.result.take().expect("exit polled after completion"))
    }
}

/// Drops an exit. A separate function, because in a debug build, the new value takes space in the stack frame.
#[inline]
fn drop_exit<F>(mut exit: Pin<&mut Option<F>>) {
    exit.set(None);
}

#[pinned_drop]
impl<F: Future> PinnedDrop for RestartableExit<'_, F> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if this.exit.is_some() {
            drop_unfinished(this.exit, this.children);
        }
    }
}

/// A function out of line, so that the destructor of a function's future is small enough to be inlined where the future has
/// completed.
#[cold]
#[inline(never)]
fn drop_unfinished<F>(mut exit: Pin<&mut Option<F>>, children: &mut ChildCleanups) {
    drop_tracked(children, || exit.set(None));
}

use std::any::Any;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, poll_fn, ready};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cleanup::{ChildCleanups, CleanupOptions, CleanupOutput, Name, TrackingScope, peel_box};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::sealed::{ExitResult, Policy};
use crate::context::guard::{AsyncGuard, grace_period};
use crate::context::scope::failure::{BlockFailure, resume_after};
use crate::context::scope::state::RuntimeSlot as _;
use crate::context::suppression::Suppression;
use crate::panic::{Kept, Payload, catch_panic, ignore_panic};

/// A drop policy that runs every exit to completion: a dropped exit continues as a [cleanup](crate::cleanup). The guard
/// must be owned.
///
/// If the block is dropped, `aexit` is called with [`ExitReason::Cancelled`], as a cleanup. If the exit is dropped,
/// the same future continues as a cleanup. The exit is boxed when it begins, which takes one allocation.
///
/// # Surroundings
///
/// A cleanup is a task of its own, without the task-locals and the `LocalSet` of the task that was cancelled. An exit
/// that needs such values captures them when its manager is entered. If the block is interrupted instead, as by a
/// [timeout](crate::tasks::timeout()), the interrupting scope polls the exit in its own task.
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
    type Runtime = Option<Handle>;

    fn exit<'s, E: Send + 'static, N: Send + 'static>(
        place: &'s mut Option<G>,
        children: &'s mut ChildCleanups,
        runtime: &'s mut Option<Handle>,
        block_failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = ExitResult<G>> + Send {
        // From here on, the future of the exit applies the policy. The scope finds no guard.
        let guard = place.take().expect("scope exited twice");
        let (mut failure, slot) = LentFailure::new(block_failure.take());
        // Read now, because the future of the exit owns the guard from here on.
        let (grace_period, name) = (grace_period(&guard), guard.report_name());
        let mut guard = Kept::new(guard);
        // Boxed before it is first polled: afterwards, it could not be moved into a cleanup.
        let exit = Box::pin(async move {
            // Pinned in place: in a debug build, `await` would copy the exit twice to the stack.
            let result = {
                let mut exit = pin!(guard.aexit(BlockFailure::exit_reason(&mut failure.failure)));
                poll_fn(|cx| exit.as_mut().poll(cx)).await
            };
            Exited { result, failure: failure.failure.take(), guard }
        });
        DetachOnDrop {
            stage: Stage::Running(exit),
            children,
            name,
            grace_period,
            runtime,
            place,
            block_failure,
            slot,
        }
    }

    fn on_drop(guard: G, children: ChildCleanups, runtime: Option<Handle>) {
        detach_exit(guard, children, runtime);
    }
}

/// Runs the exit of a dropped block as a cleanup, after the block's children.
pub(super) fn detach_exit<G: AsyncGuard + Send + 'static>(
    guard: G,
    children: ChildCleanups,
    runtime: Option<Handle>,
) {
    let options = CleanupOptions::new(guard.report_name())
        .grace_period(grace_period(&guard))
        .fallback_runtime(runtime)
        .wait_for_children(children)
        .in_place();
    // One function for each case: in a debug build, the frame of a function has room for all its copies of the exit.
    if output_size(exit_cancelled::<G> as fn(_) -> _) > MAX_INLINE {
        detach_boxed(guard, options);
    } else {
        detach_inline(guard, options);
    }
}

/// The largest exit that is moved into a task, in bytes. A larger one is boxed first, before it is copied.
const MAX_INLINE: usize = 1024;

fn detach_boxed<G: AsyncGuard + Send + 'static>(guard: G, options: CleanupOptions) {
    options.detach(Box::pin(exit_cancelled(guard)));
}

fn detach_inline<G: AsyncGuard + Send + 'static>(guard: G, options: CleanupOptions) {
    options.detach(exit_cancelled(guard));
}

/// Returns the size of the function's output.
const fn output_size<A, R>(_: fn(A) -> R) -> usize {
    size_of::<R>()
}

fn exit_cancelled<G: AsyncGuard + Send + 'static>(
    guard: G,
) -> impl Future<Output = Exited<G, Infallible, Infallible>> + Send {
    let mut guard = Kept::new(guard);
    async move {
        let result = {
            let mut exit = pin!(guard.aexit(ExitReason::Cancelled));
            poll_fn(|cx| exit.as_mut().poll(cx)).await
        };
        Exited { result, failure: None, guard }
    }
}

/// The failure of a block, lent to the future of the exit. If the exit panics, the failure returns to the slot.
pub(in crate::context) struct LentFailure<E: Send + 'static, N: Send + 'static> {
    pub(in crate::context) failure: Option<BlockFailure<E, N>>,
    slot: Weak<FailureSlot<E, N>>,
}

/// The place to which a failure returns. No user code runs while it is locked.
pub(in crate::context) type FailureSlot<E, N> = Mutex<Option<BlockFailure<E, N>>>;

impl<E: Send + 'static, N: Send + 'static> LentFailure<E, N> {
    /// Creates a lent failure, and its slot if there is a failure.
    #[inline]
    pub(in crate::context) fn new(
        failure: Option<BlockFailure<E, N>>,
    ) -> (Self, Option<Arc<FailureSlot<E, N>>>) {
        let slot = failure.is_some().then(Arc::<FailureSlot<E, N>>::default);
        let weak = slot.as_ref().map_or_else(Weak::new, Arc::downgrade);
        (Self { failure, slot: weak }, slot)
    }
}

impl<E: Send + 'static, N: Send + 'static> Drop for LentFailure<E, N> {
    fn drop(&mut self) {
        if let (Some(failure), Some(slot)) = (self.failure.take(), self.slot.upgrade()) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        }
    }
}

/// The end of an exit. The guard is dropped after the children of the exit have finished.
struct Exited<G: AsyncGuard, E: Send + 'static, N: Send + 'static> {
    result: Result<G::Suppression, G::Error>,
    failure: Option<BlockFailure<E, N>>,
    guard: Kept<G>,
}

impl<G: AsyncGuard, E: Send + 'static, N: Send + 'static> CleanupOutput for Exited<G, E, N> {
    /// The error of the block is reported when it is dropped: there is no scope left that could return it.
    fn result(&self) -> Result<(), (&(dyn Any + Send), &dyn Debug)> {
        self.result.as_ref().map(drop).map_err(|error| (peel_box(error), error as _))
    }

    fn dispose(mut self) {
        discard_suppressed(&self.result, &mut self.failure);
    }
}

/// Drops the error of a block if the exit has suppressed it, so that it is not reported.
pub(in crate::context) fn discard_suppressed<V, X, E, N>(
    result: &Result<V, X>,
    failure: &mut Option<BlockFailure<E, N>>,
) where
    V: Suppression,
    E: Send + 'static,
    N: Send + 'static,
{
    let is_error = |failure: &mut BlockFailure<E, N>| !matches!(failure, BlockFailure::Panic(_));
    if matches!(result, Ok(suppression) if suppression.suppressed::<()>().is_some()) {
        if let Some(error) = failure.take_if(is_error) {
            error.discard();
        }
    }
}

/// An exit that continues as a cleanup, from its current await, when it is dropped.
struct DetachOnDrop<'s, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    stage: Stage<F, Exited<G, E, N>>,
    /// The cleanups that were detached inside of the exit. Those of the block have already finished.
    children: &'s mut ChildCleanups,
    name: Name,
    grace_period: Duration,
    runtime: &'s mut Option<Handle>,
    /// The places to which the guard and the failure return after the exit.
    place: &'s mut Option<G>,
    block_failure: &'s mut Option<BlockFailure<E, N>>,
    /// Returns the failure of the block if the exit panics.
    slot: Option<Arc<FailureSlot<E, N>>>,
}

/// ```text
/// Running --exit ready, children left--> Waiting --children finished--> Ended
///    +------exit ready without children, or panicked---------------------^
/// ```
enum Stage<F, O> {
    Running(Pin<Box<F>>),
    /// Boxed, since few exits reach this stage.
    Waiting(Box<O>),
    /// Also during a poll, so that an exit that panicked is not polled again.
    Ended,
}

impl<F, G, E, N> Future for DetachOnDrop<'_, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    type Output = ExitResult<G>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Poll the exit, and record the cleanups that it detaches.
        let exited = match mem::replace(&mut this.stage, Stage::Ended) {
            Stage::Running(mut exit) => {
                let scope = TrackingScope::open(this.children);
                let exited = match catch_panic(|| exit.as_mut().poll(cx)) {
                    Ok(Poll::Ready(exited)) => exited,
                    Ok(Poll::Pending) => {
                        this.stage = Stage::Running(exit);
                        this.runtime.capture_current();
                        return Poll::Pending;
                    }
                    Err(payload) => resume(exit, payload, this.slot.take(), this.name),
                };
                drop(exit);
                // Closing the scope moves the cleanups into `children`, which is checked below.
                drop(scope);
                if this.children.is_empty() {
                    return Poll::Ready(exited.finish(this.place, this.block_failure));
                }
                Box::new(exited)
            }
            Stage::Waiting(exited) => exited,
            Stage::Ended => panic!("exit polled after completion or a panic"),
        };
        // The exit is ready: wait for its children.
        if this.children.poll_wait(cx).is_pending() {
            this.stage = Stage::Waiting(exited);
            this.runtime.capture_current();
            return Poll::Pending;
        }
        Poll::Ready(exited.finish(this.place, this.block_failure))
    }
}

/// Resumes the panic of an exit, or that of the block before it.
#[cold]
pub(in crate::context) fn resume<F, E: Send + 'static, N: Send + 'static>(
    exit: Pin<Box<F>>,
    payload: Payload,
    slot: Option<Arc<FailureSlot<E, N>>>,
    name: Name,
) -> ! {
    // Returns the failure of the block, if the unwinding has not done so.
    ignore_panic(|| drop(exit));
    let failure = slot.and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take());
    resume_after(failure, payload, name.get())
}

impl<G: AsyncGuard, E: Send + 'static, N: Send + 'static> Exited<G, E, N> {
    fn finish(self, place: &mut Option<G>, block_failure: &mut Option<BlockFailure<E, N>>) -> ExitResult<G> {
        *place = Some(self.guard.into_inner());
        *block_failure = self.failure;
        self.result
    }
}

impl<F, G, E, N> Drop for DetachOnDrop<'_, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    #[inline]
    fn drop(&mut self) {
        // Most exits have completed by now.
        if !(matches!(self.stage, Stage::Ended) && self.children.is_empty()) {
            self.detach();
        }
    }
}

impl<F, G, E, N> DetachOnDrop<'_, F, G, E, N>
where
    F: Future<Output = Exited<G, E, N>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
    E: Send + 'static,
    N: Send + 'static,
{
    #[cold]
    #[inline(never)]
    fn detach(&mut self) {
        let children = mem::take(self.children);
        let options = CleanupOptions::new(self.name)
            .grace_period(self.grace_period)
            .fallback_runtime(self.runtime.take())
            .in_place();
        match mem::replace(&mut self.stage, Stage::Ended) {
            // The grace period is that of the exit alone: its children may take longer.
            Stage::Running(exit) => options.nested(children).detach(exit),
            Stage::Waiting(exited) => options.nested(children).detach(Box::pin(ready(*exited))),
            Stage::Ended => children.reparent(),
        }
    }
}

//! The state that the handles of a managed generator share.
//!
//! An operation checks the generator out of the shared state, and puts it back when the operation ends or is dropped.
//! So the second of two overlapping operations fails instead of waiting, and no lock is held while the body runs.
//!
//! ```text
//!             checkout()
//! new ──> idle ────────────────> checked out
//!         │ ^                         │
//!         │ └─────────────────────────┘
//!         │         drop(Checkout)
//!         │
//!         │ the last handle is dropped
//!         ├──> dropped               the body has not started, or has ended
//!         └──> finalizer hook        the body has started and not ended
//! ```

use std::any::Any;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::async_generator::{AsyncGenerator, BoxAsyncGenerator};
use super::error::Error;
use super::generator_body::GeneratorBody;
use super::hooks::Hooks;
use super::operation::into_close_result;
use super::pending_close::{CloseError, ErasedClose, PendingClose};
use super::weak_generator::{ErasedGenerator, WeakGenerator};
use crate::coroutine::{State, Throw};

/// The result of a step.
pub(super) type StepResult<Y, S, T> = Result<Option<Y>, Error<S, <T as Throw>::Error>>;

/// The state that the handles of a managed generator share.
pub(super) struct ManagedState<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    idle: Mutex<Idle<Y, S, T>>,
    hooks: Hooks,
    /// Set while an `erased_aclose` is in progress, so that `shutdown_asyncgens` does not start a second one.
    ///
    /// All accesses are `Relaxed`: the flag publishes nothing. The generator itself is passed on under the lock of
    /// `idle`. A reader that sees an old `false` starts a close that fails with `Error::Running`, which is harmless; a
    /// stronger ordering would not make it see a newer value.
    is_being_closed: AtomicBool,
}

struct Idle<Y: 'static, S: 'static, T: 'static> {
    /// `None` while an operation has checked it out.
    generator: Option<BoxAsyncGenerator<'static, Y, S, T>>,
    first_iteration: FirstIteration,
}

/// The state of the first iteration, at which the `firstiter` hook is called. A generator that was never iterated is
/// not finalized.
enum FirstIteration {
    Pending,
    /// Contains the runtime on which the generator was first iterated, if there was one.
    Done(Option<Handle>),
}

impl<Y, S, T> ManagedState<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    pub(super) fn new(generator: BoxAsyncGenerator<'static, Y, S, T>, hooks: Hooks) -> Arc<Self> {
        let idle = Idle { generator: Some(generator), first_iteration: FirstIteration::Pending };
        Arc::new(Self { idle: Mutex::new(idle), hooks, is_being_closed: AtomicBool::new(false) })
    }

    /// Never poisoned: no body runs and nothing panics while the lock is held.
    fn idle(&self) -> MutexGuard<'_, Idle<Y, S, T>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the state of the body, or `None` while an operation is in progress.
    pub(super) fn state(&self) -> Option<State> {
        self.idle().generator.as_ref().map(|generator| generator.state())
    }

    /// Takes the generator out for one operation. Returns `None` while another operation has it.
    pub(super) fn checkout(self: &Arc<Self>) -> Option<Checkout<Y, S, T>> {
        let mut idle = self.idle();
        let generator = idle.generator.take()?;
        let is_first = matches!(idle.first_iteration, FirstIteration::Pending);
        if is_first {
            // Recorded under the lock, so that the hook is called only once.
            idle.first_iteration = FirstIteration::Done(Handle::try_current().ok());
        }
        // The hook is user code, which may use a handle to this generator.
        drop(idle);
        // Before the hook, so that a hook that panics does not lose the generator.
        let checkout = Checkout { shared: Arc::clone(self), generator: Some(generator) };
        if is_first {
            self.hooks.call_firstiter(&WeakGenerator::new(self));
        }
        Some(checkout)
    }

    pub(super) async fn aclose(self: Arc<Self>) -> Result<(), Error<S, T::Error>> {
        let mut checkout = self.checkout().ok_or(Error::Running(None))?;
        let early = checkout.generator().close();
        into_close_result(checkout.step(early).await)
    }
}

/// Calls the finalizer hook. No operation is in progress, because each one holds a handle, so the generator is idle.
impl<Y, S, T> Drop for ManagedState<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        let Idle { generator, first_iteration } = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (Some(mut generator), FirstIteration::Done(runtime)) = (generator.take(), first_iteration) else {
            // The body never started, or a `DropBodyGuard` has dropped it: there is nothing to close.
            return;
        };
        // `Running`: the last operation was dropped in the middle of a step, which the close continues.
        if matches!(generator.state(), State::Suspended | State::Running) {
            let close = async move {
                let early = generator.as_mut().close();
                into_close_result(step(generator.as_mut(), early).await).map_err(erase)
            };
            self.hooks.call_finalizer(PendingClose::new(close, runtime.take()));
        }
    }
}

/// The generator while one operation uses it. Dropping the checkout puts the generator back.
pub(super) struct Checkout<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    shared: Arc<ManagedState<Y, S, T>>,
    /// `Some` until the checkout is dropped.
    generator: Option<BoxAsyncGenerator<'static, Y, S, T>>,
}

type PinnedGenerator<'a, Y, S, T> = Pin<&'a mut AsyncGenerator<dyn GeneratorBody<Y, S, T> + Send>>;

impl<Y, S, T> Checkout<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    pub(super) fn generator(&mut self) -> PinnedGenerator<'_, Y, S, T> {
        self.generator.as_mut().expect("generator was put back before its checkout was dropped").as_mut()
    }

    /// Runs the body to its next yield, unless the operation completed `early`.
    pub(super) async fn step(mut self, early: Option<StepResult<Y, S, T>>) -> StepResult<Y, S, T> {
        step(self.generator(), early).await
    }
}

impl<Y, S, T> Drop for Checkout<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        // The old value is `None`, so no body is dropped under the lock. The handle is dropped after this statement: if
        // it is the last one, the destructor of the shared state finds the generator in its place.
        self.shared.idle().generator = self.generator.take();
    }
}

async fn step<Y, S, T: Throw>(
    mut generator: PinnedGenerator<'_, Y, S, T>,
    early: Option<StepResult<Y, S, T>>,
) -> StepResult<Y, S, T> {
    match early {
        Some(result) => result,
        None => poll_fn(|cx| generator.as_mut().poll_step(None, cx)).await,
    }
}

impl<Y, S, T> ErasedGenerator for ManagedState<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    fn erased_aclose(self: Arc<Self>) -> ErasedClose {
        Box::pin(async move {
            self.is_being_closed.store(true, Ordering::Relaxed);
            let close = Arc::clone(&self).aclose();
            // Dropped after `close` and the handle in it, so that the guard may hold the last handle.
            let mut guard = DropBodyGuard(Some(self));
            let closed = close.await;
            // After any other result, the body has ended or another operation is using it: the guard has nothing to
            // drop.
            if !matches!(closed, Err(Error::IgnoredExit)) {
                if let Some(shared) = guard.0.take() {
                    shared.is_being_closed.store(false, Ordering::Relaxed);
                }
            }
            closed.map_err(erase)
        })
    }

    fn is_being_closed(&self) -> bool {
        self.is_being_closed.load(Ordering::Relaxed)
    }
}

/// Drops the body after a close that was dropped before it completed, or that the body ignored.
///
/// Such a close has had its grace period. Without the guard, the finalizer hook would start another close when the last
/// handle is dropped.
struct DropBodyGuard<Y, S, T>(Option<Arc<ManagedState<Y, S, T>>>)
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static;

impl<Y, S, T> Drop for DropBodyGuard<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Debug + Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        shared.is_being_closed.store(false, Ordering::Relaxed);
        // If there are other handles, they keep the generator.
        if let Ok(mut shared) = Arc::try_unwrap(shared) {
            drop(shared.idle.get_mut().unwrap_or_else(PoisonError::into_inner).generator.take());
        }
    }
}

fn erase(error: impl Any + Debug + Send) -> Box<dyn CloseError> {
    Box::new(error)
}

use std::fmt::Debug;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::sealed::Sealed as _;
use super::errors::{BoxExitError, GuardInUse};
use super::stack_guard::GuardCell;
use super::stack_interrupts::EntryInterrupt;
use crate::cleanup::{DEFAULT_GRACE_PERIOD, Name};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::{AsyncGuard, grace_period};
use crate::context::send_async_fn::SendAsyncFnOnce;
use crate::context::suppression::Suppression;
use crate::panic::{KeptPayload, catch_each, drop_each};

/// The output of a callback of an [`AsyncExitStack`](super::AsyncExitStack): `()` or `Result<(), E>`.
///
/// The trait is sealed: no other types implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a callback's output",
    label = "expected `()` or `Result<(), E>`",
    note = "a callback of an `AsyncExitStack` returns `()` or `Result<(), E>`"
)]
pub trait ExitOutput: sealed::Sealed {}

impl ExitOutput for () {}
impl<E: Debug + Send + 'static> ExitOutput for Result<(), E> {}

mod sealed {
    use super::{BoxExitError, Debug};

    pub trait Sealed {
        fn into_result(self) -> Result<(), BoxExitError>;
    }

    impl Sealed for () {
        fn into_result(self) -> Result<(), BoxExitError> {
            Ok(())
        }
    }

    impl<E: Debug + Send + 'static> Sealed for Result<(), E> {
        fn into_result(self) -> Result<(), BoxExitError> {
            self.map_err(|error| Box::new(error) as BoxExitError)
        }
    }
}

/// The exits of a stack, each with the interrupt of its manager.
#[derive(Default)]
pub(super) struct Entries(pub(super) Vec<(StackExit, Option<Arc<EntryInterrupt>>)>);

impl Entries {
    pub(super) fn interrupts(&self) -> impl Iterator<Item = &Arc<EntryInterrupt>> {
        self.0.iter().filter_map(|(_, interrupt)| interrupt.as_ref())
    }

    /// Takes the interrupts away from the blocks that they have ended so far.
    pub(super) fn renew_interrupts(&mut self) -> Vec<Arc<EntryInterrupt>> {
        for (_, interrupt) in &mut self.0 {
            *interrupt = interrupt.take().and_then(|interrupt| interrupt.renew());
        }
        self.interrupts().cloned().collect()
    }

    /// Notifies each manager that its block has ended, also if the destructor of an interrupt panics. Returns the first
    /// panic.
    pub(super) fn leave_block(&self) -> Option<KeptPayload> {
        catch_each(self.interrupts(), |interrupt| interrupt.leave_block())
    }
}

/// Drops the last exit first, the order in which the exits run.
impl Drop for Entries {
    fn drop(&mut self) {
        drop(self.leave_block());
        drop_each(self.0.drain(..).rev());
    }
}

/// The exit of a manager or a closure.
pub(super) enum StackExit {
    Closure(Box<dyn Entry>),
    Guard(Arc<dyn LentGuard>),
}

impl StackExit {
    pub(super) fn exit(self, exit: ExitReason<'_>) -> ExitFuture<'_> {
        match self {
            Self::Closure(entry) => entry.exit(exit),
            Self::Guard(guard) => guard.exit(exit),
        }
    }

    pub(super) fn grace_period(&self) -> Duration {
        match self {
            Self::Closure(_) => DEFAULT_GRACE_PERIOD,
            Self::Guard(guard) => guard.grace_period(),
        }
    }

    /// Returns the name for the observers of cleanups.
    pub(super) fn name(&self) -> Name {
        match self {
            Self::Closure(entry) => entry.name(),
            Self::Guard(guard) => guard.name(),
        }
    }
}

/// The future of an exit. Its value is `true` if the exit suppresses the error.
pub(super) type ExitFuture<'a> = Pin<Box<dyn Future<Output = Result<bool, BoxExitError>> + Send + 'a>>;

/// A closure on the stack.
pub(super) trait Entry: Send {
    fn exit(self: Box<Self>, exit: ExitReason<'_>) -> ExitFuture<'_>;

    fn name(&self) -> Name {
        Name::of_type::<Self>()
    }
}

/// The guard of a manager on the stack. It is in the cell unless the block is borrowing it.
pub(super) trait LentGuard: Send + Sync {
    fn exit(self: Arc<Self>, exit: ExitReason<'_>) -> ExitFuture<'_>;

    fn grace_period(&self) -> Duration;

    fn name(&self) -> Name;
}

fn lock<G>(cell: &Mutex<GuardCell<G>>) -> MutexGuard<'_, GuardCell<G>> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<G: AsyncGuard + Send + 'static> LentGuard for Mutex<GuardCell<G>> {
    fn exit(self: Arc<Self>, exit: ExitReason<'_>) -> ExitFuture<'_> {
        Box::pin(async move {
            // Taken even if the block still has the guard: `StackGuard` then applies the drop policy.
            let cell = mem::replace(&mut *lock(&self), GuardCell::Taken);
            let GuardCell::Returned(mut guard) = cell else {
                return Err(Box::new(GuardInUse) as BoxExitError);
            };
            match guard.aexit(exit).await {
                Ok(suppression) => Ok(suppresses(&suppression)),
                Err(error) => Err(Box::new(error) as BoxExitError),
            }
        })
    }

    fn grace_period(&self) -> Duration {
        match &*lock(self) {
            // User code under the lock. It cannot lock this cell again, because the `StackGuard` no longer exists.
            GuardCell::Returned(guard) => grace_period(guard),
            _ => DEFAULT_GRACE_PERIOD,
        }
    }

    fn name(&self) -> Name {
        match &*lock(self) {
            GuardCell::Returned(guard) => guard.report_name(),
            _ => Name::of_type::<G>(),
        }
    }
}

/// A closure that receives the exit reason.
pub(super) struct ExitEntry<F, V, X>(F, PhantomData<fn() -> (V, X)>);

impl<F, V, X> ExitEntry<F, V, X> {
    pub(super) fn new(exit: F) -> Self {
        Self(exit, PhantomData)
    }
}

impl<F, V, X> Entry for ExitEntry<F, V, X>
where
    F: for<'x> SendAsyncFnOnce<ExitReason<'x>, Result<V, X>> + Send + 'static,
    V: Suppression + 'static,
    X: Debug + Send + 'static,
{
    fn exit(self: Box<Self>, exit: ExitReason<'_>) -> ExitFuture<'_> {
        Box::pin(async move {
            match self.0(exit).await {
                Ok(suppression) => Ok(suppresses(&suppression)),
                Err(error) => Err(Box::new(error) as BoxExitError),
            }
        })
    }
}

/// A closure without a parameter.
pub(super) struct CallbackEntry<F>(pub(super) F);

impl<F, R> Entry for CallbackEntry<F>
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output: ExitOutput> + Send + 'static,
{
    fn exit(self: Box<Self>, _exit: ExitReason<'_>) -> ExitFuture<'_> {
        Box::pin(async move { self.0().await.into_result().map(|()| false) })
    }
}

fn suppresses<V: Suppression>(suppression: &V) -> bool {
    suppression.suppressed::<()>().is_some()
}

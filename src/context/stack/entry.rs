use std::fmt::Debug;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
        // A stack is usually empty when it is entered.
        if self.0.is_empty() {
            return Vec::new();
        }
        for (_, interrupt) in &mut self.0 {
            *interrupt = interrupt.take().and_then(|interrupt| interrupt.renew());
        }
        self.interrupts().cloned().collect()
    }

    /// Notifies each manager that its block has ended, also if the destructor of an interrupt panics. Returns the first
    /// panic.
    #[inline]
    pub(super) fn leave_block(&self) -> Option<KeptPayload> {
        if self.interrupts().next().is_some() { self.leave_interrupted() } else { None }
    }

    #[cold]
    fn leave_interrupted(&self) -> Option<KeptPayload> {
        catch_each(self.interrupts(), |interrupt| interrupt.leave_block())
    }

    #[cold]
    fn drop_all(&mut self) {
        drop(self.leave_block());
        drop_each(self.0.drain(..).rev());
    }
}

/// Drops the last exit first, the order in which the exits run.
impl Drop for Entries {
    #[inline]
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.drop_all();
        }
    }
}

/// The exit of a manager or a closure.
pub(super) enum StackExit {
    Closure(Box<dyn Entry>),
    Guard(Arc<dyn LentGuard>),
}

impl StackExit {
    #[inline]
    pub(super) fn begin(self, exit: ExitReason<'_>) -> BegunExit<'_> {
        match self {
            Self::Closure(entry) => {
                BegunExit { name: entry.name(), grace_period: DEFAULT_GRACE_PERIOD, future: entry.exit(exit) }
            }
            Self::Guard(guard) => guard.begin(exit),
        }
    }
}

/// An exit that was called, and is not polled yet.
pub(super) struct BegunExit<'a> {
    /// The name for the observers of cleanups.
    pub(super) name: Name,
    pub(super) grace_period: Duration,
    pub(super) future: ExitFuture<'a>,
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
    fn begin(self: Arc<Self>, exit: ExitReason<'_>) -> BegunExit<'_>;
}

impl<G: AsyncGuard + Send + 'static> LentGuard for Mutex<GuardCell<G>> {
    fn begin(self: Arc<Self>, exit: ExitReason<'_>) -> BegunExit<'_> {
        // Taken even if the block still has the guard: `StackGuard` then applies the drop policy.
        let cell = mem::replace(&mut *self.lock().unwrap_or_else(PoisonError::into_inner), GuardCell::Taken);
        let GuardCell::Returned(mut guard) = cell else {
            return in_use(Name::of_type::<G>());
        };
        // Read now, because the future owns the guard.
        let (name, grace_period) = (guard.report_name(), grace_period(&guard));
        let future = Box::pin(async move {
            match crate::__await_in_place!(guard.aexit(exit)) {
                Ok(suppression) => Ok(suppresses(&suppression)),
                Err(error) => Err(Box::new(error) as BoxExitError),
            }
        });
        BegunExit { name, grace_period, future }
    }
}

#[cold]
fn in_use(name: Name) -> BegunExit<'static> {
    let error: BoxExitError = Box::new(GuardInUse);
    BegunExit { name, grace_period: DEFAULT_GRACE_PERIOD, future: Box::pin(ready(Err(error))) }
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
            match crate::__await_in_place!(self.0(exit)) {
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
        Box::pin(async move { crate::__await_in_place!(self.0()).into_result().map(|()| false) })
    }
}

fn suppresses<V: Suppression>(suppression: &V) -> bool {
    suppression.suppressed::<()>().is_some()
}

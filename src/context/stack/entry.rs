use std::any::{Any, type_name};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::callback::sealed::Sealed as _;
use super::lent::Place;
use super::{ExitFn, ExitOutput, GuardInUse};
use crate::context::policy::{DEFAULT_GRACE_PERIOD, grace_period};
use crate::context::{AsyncGuard, ExitReason, Suppression};

/// An error of whatever type.
pub(super) type AnyError = Box<dyn Any + Send>;

/// Whether it suppresses the error.
pub(super) type Exiting<'a> = Pin<Box<dyn Future<Output = Result<bool, AnyError>> + Send + 'a>>;

/// An exit, of whatever kind.
pub(super) trait Entry: Send {
    fn exit(self: Box<Self>, exit: ExitReason<'_>) -> Exiting<'_>;

    fn grace_period(&self) -> Duration {
        DEFAULT_GRACE_PERIOD
    }

    /// What the observers are told it is.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }
}

/// A guard, when it is not lent.
pub(super) struct Slot<G>(pub(super) Arc<Mutex<Place<G>>>);

impl<G> Slot<G> {
    fn place(&self) -> MutexGuard<'_, Place<G>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<G: AsyncGuard + Send + 'static> Entry for Slot<G> {
    fn exit(self: Box<Self>, exit: ExitReason<'_>) -> Exiting<'_> {
        Box::pin(async move {
            let place = mem::replace(&mut *self.place(), Place::Closed);
            let Place::Back(mut guard) = place else { return Err(Box::new(GuardInUse) as AnyError) };
            match guard.aexit(exit).await {
                Ok(verdict) => Ok(suppresses(&verdict)),
                Err(error) => Err(Box::new(error) as AnyError),
            }
        })
    }

    fn grace_period(&self) -> Duration {
        match &*self.place() {
            Place::Back(guard) => grace_period(guard),
            _ => DEFAULT_GRACE_PERIOD,
        }
    }

    fn name(&self) -> &'static str {
        type_name::<G>()
    }
}

/// A function that is told how the block was left.
pub(super) struct Pushed<F>(pub(super) F);

impl<F, V, X> Entry for (Pushed<F>, std::marker::PhantomData<fn() -> (V, X)>)
where
    F: for<'x> ExitFn<'x, Result<V, X>> + Send + 'static,
    V: Suppression + 'static,
    X: Send + 'static,
{
    fn exit(self: Box<Self>, exit: ExitReason<'_>) -> Exiting<'_> {
        Box::pin(async move {
            match self.0.0(exit).await {
                Ok(verdict) => Ok(suppresses(&verdict)),
                Err(error) => Err(Box::new(error) as AnyError),
            }
        })
    }
}

/// A function that is not.
pub(super) struct Called<F>(pub(super) F);

impl<F, R> Entry for Called<F>
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output: ExitOutput> + Send + 'static,
{
    fn exit(self: Box<Self>, _exit: ExitReason<'_>) -> Exiting<'_> {
        Box::pin(async move { self.0().await.into_result().map(|()| false) })
    }
}

fn suppresses<V: Suppression>(verdict: &V) -> bool {
    verdict.suppressed::<()>().is_some()
}

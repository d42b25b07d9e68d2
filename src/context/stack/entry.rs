use std::any::{Any, type_name};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::callback::sealed::Outcome as _;
use super::lent::Place;
use super::{Callback, ExitFn, StillLent};
use crate::context::policy::{GRACE, grace};
use crate::context::{AsyncExit, Exit, Verdict};

/// An error of whatever type.
pub(super) type AnyError = Box<dyn Any + Send>;

/// Whether it swallows the error.
pub(super) type Exiting<'a> = Pin<Box<dyn Future<Output = Result<bool, AnyError>> + Send + 'a>>;

/// An exit, of whatever kind.
pub(super) trait Entry: Send {
    fn exit(self: Box<Self>, exit: Exit<'_>) -> Exiting<'_>;

    fn grace(&self) -> Duration {
        GRACE
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

impl<G: AsyncExit + Send + 'static> Entry for Slot<G> {
    fn exit(self: Box<Self>, exit: Exit<'_>) -> Exiting<'_> {
        Box::pin(async move {
            let place = mem::replace(&mut *self.place(), Place::Closed);
            let Place::Back(mut guard) = place else { return Err(Box::new(StillLent) as AnyError) };
            match guard.aexit(exit).await {
                Ok(verdict) => Ok(swallows(&verdict)),
                Err(error) => Err(Box::new(error) as AnyError),
            }
        })
    }

    fn grace(&self) -> Duration {
        match &*self.place() {
            Place::Back(guard) => grace(guard),
            _ => GRACE,
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
    V: Verdict + 'static,
    X: Send + 'static,
{
    fn exit(self: Box<Self>, exit: Exit<'_>) -> Exiting<'_> {
        Box::pin(async move {
            match self.0.0(exit).await {
                Ok(verdict) => Ok(swallows(&verdict)),
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
    R: Future<Output: Callback> + Send + 'static,
{
    fn exit(self: Box<Self>, _exit: Exit<'_>) -> Exiting<'_> {
        Box::pin(async move { self.0().await.outcome().map(|()| false) })
    }
}

fn swallows<V: Verdict>(verdict: &V) -> bool {
    verdict.swallowed::<()>().is_some()
}

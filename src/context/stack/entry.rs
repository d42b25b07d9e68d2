use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::callback::sealed::Outcome as _;
use super::{Callback, ExitFn, StillLent};
use crate::context::{AsyncExit, Exit, Verdict};

/// An error of whatever type.
pub(super) type AnyError = Box<dyn Any + Send>;

/// Whether it swallows the error.
pub(super) type Exiting<'a> = Pin<Box<dyn Future<Output = Result<bool, AnyError>> + Send + 'a>>;

/// Where nothing else says how long an exit may take.
const GRACE: Duration = Duration::from_secs(30);

/// An exit, of whatever kind.
pub(super) trait Entry: Send {
    fn exit(self: Box<Self>, exit: Exit<'_>) -> Exiting<'_>;

    fn grace(&self) -> Duration {
        GRACE
    }
}

/// A guard, when it is not lent.
pub(super) struct Slot<G>(pub(super) Arc<Mutex<Option<G>>>);

impl<G: AsyncExit + Send + 'static> Entry for Slot<G> {
    fn exit(self: Box<Self>, exit: Exit<'_>) -> Exiting<'_> {
        Box::pin(async move {
            let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(mut guard) = guard else { return Err(Box::new(StillLent) as AnyError) };
            match guard.aexit(exit).await {
                Ok(verdict) => Ok(swallows(&verdict)),
                Err(error) => Err(Box::new(error) as AnyError),
            }
        })
    }

    fn grace(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(GRACE, AsyncExit::grace)
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

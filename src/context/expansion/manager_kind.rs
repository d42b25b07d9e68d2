//! Autoref specialization over the type of a manager: see the [parent module](super).

use std::future::Future;
use std::marker::PhantomData;

use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::Policy;
use crate::context::local::manager::{self, LocalAsyncContextManager, LocalAsyncGuard};
use crate::context::local::scope::LocalScope;
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::context::scope::scope::Scope;
use crate::context::scope::state::RuntimeSlot;

/// The type of a manager, as the receiver of `kind`.
pub struct Manager<M>(PhantomData<fn(M)>);

impl<M> Manager<M> {
    #[inline]
    pub fn of(_manager: &M) -> Self {
        Self(PhantomData)
    }
}

/// A manager in [`local`](crate::context::local).
pub struct Local;

/// Any other manager.
pub struct Ordinary;

pub trait LocalKind {
    #[inline]
    fn kind(&self) -> Local {
        Local
    }
}

pub trait OrdinaryKind {
    #[inline]
    fn kind(&self) -> Ordinary {
        Ordinary
    }
}

impl<M> LocalKind for &Manager<manager::Local<M>> {}
impl<M> OrdinaryKind for Manager<M> {}

impl Local {
    #[inline]
    pub fn enter<M: LocalAsyncContextManager>(
        self,
        manager: manager::Local<M>,
        scope: &mut LocalScope<M::Guard>,
    ) -> impl Future<Output = Result<M::Guard, <M::Guard as LocalAsyncGuard>::Error>> {
        scope.enter(manager.0)
    }
}

impl Ordinary {
    #[inline]
    pub fn enter<M, G, R>(
        self,
        manager: M,
        scope: &mut Scope<G, R>,
    ) -> impl Future<Output = Result<G, ManagerError<M>>> + Send
    where
        M: AsyncContextManager<Guard = G>,
        G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
        R: RuntimeSlot,
    {
        scope.enter(manager)
    }
}

/// Returns the error of a manager that was not entered.
#[inline]
pub fn enter_error<X>(entered: Result<(), X>) -> X {
    match entered {
        Err(error) => error,
        Ok(()) => unreachable!("the manager was entered"),
    }
}

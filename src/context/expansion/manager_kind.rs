//! Autoref specialization over the type of a manager: see the [parent module](super).

use std::future::{Future, Pending, pending};
use std::marker::PhantomData;

use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::Policy;
use crate::context::local::guard::LocalAsyncGuard;
use crate::context::local::manager::{self, LocalAsyncContextManager};
use crate::context::local::scope::LocalScope;
use crate::context::manager::AsyncContextManager;
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

/// A value that is not a manager. The bound that it does not satisfy is that of a function that returns no opaque type,
/// since the compiler would check the bounds of an opaque type, and report them, at each use. The type of the guard
/// stays open, so that uses of the guard are not reported either.
pub struct NoManager;

pub trait LocalKind {
    #[inline]
    fn kind(&self) -> Local {
        Local
    }
}

/// A value in [`local`](crate::context::local) that is not a manager: the bound of `local` has reported that.
pub struct NoLocal;

pub trait NoLocalKind {
    #[inline]
    fn kind(&self) -> NoLocal {
        NoLocal
    }
}

pub trait NoManagerKind {
    #[inline]
    fn kind(&self) -> NoManager {
        NoManager
    }
}

pub trait OrdinaryKind {
    #[inline]
    fn kind(&self) -> Ordinary {
        Ordinary
    }
}

impl<M: LocalAsyncContextManager> LocalKind for &&&Manager<manager::Local<M>> {}
impl<M: AsyncContextManager> OrdinaryKind for &&Manager<M> {}
impl<M> NoLocalKind for &Manager<manager::Local<M>> {}
impl<M> NoManagerKind for Manager<M> {}

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
    pub fn enter<M, G, R, X>(
        self,
        manager: M,
        scope: &mut Scope<G, R>,
    ) -> impl Future<Output = Result<G, X>> + Send
    where
        M: AsyncContextManager<Guard = G>,
        G: AsyncGuard<Error = X, OnDrop: Policy<G, Runtime = R>>,
        R: RuntimeSlot,
    {
        scope.enter(manager)
    }
}

impl NoLocal {
    #[inline]
    pub fn enter<M, G, R>(self, _manager: M, _scope: &mut Scope<G, R>) -> Pending<Result<G, G::Error>>
    where
        G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
        R: RuntimeSlot,
    {
        pending()
    }
}

impl NoManager {
    #[inline]
    pub fn enter<M, G, R>(self, _manager: M, _scope: &mut Scope<G, R>) -> Pending<Result<G, G::Error>>
    where
        M: AsyncContextManager,
        G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
        R: RuntimeSlot,
    {
        pending()
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

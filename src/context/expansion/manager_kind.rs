//! Autoref specialization over the type of a manager: see the [parent module](super).

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::Policy;
use crate::context::local::manager::{self, LocalAsyncContextManager, LocalAsyncGuard};
use crate::context::local::scope::LocalScope;
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::context::scope::enter::Enter;
use crate::context::scope::interrupts::Interrupts;
use crate::context::scope::scope::{Scope, enter};

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
    ) -> impl Future<Output = Result<(Entered<M::Guard>, Interrupts), <M::Guard as LocalAsyncGuard>::Error>>
    {
        Enter::new(EnterLocal(manager.0.aenter()))
    }
}

impl Ordinary {
    #[inline]
    pub fn enter<M: AsyncContextManager>(
        self,
        manager: M,
    ) -> impl Future<Output = Result<(M::Guard, Interrupts), ManagerError<M>>> + Send {
        enter(manager)
    }
}

/// The guard of a local manager. It distinguishes a type that implements both traits of guards.
pub struct Entered<G>(G);

#[pin_project]
struct EnterLocal<F>(#[pin] F);

impl<G, E, F: Future<Output = Result<G, E>>> Future for EnterLocal<F> {
    type Output = Result<Entered<G>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().0.poll(cx).map_ok(Entered)
    }
}

/// A guard, and the scope that exits it.
pub trait NewScope {
    type Scope;

    fn new_scope(self, interrupts: Interrupts) -> Self::Scope;
}

impl<G: AsyncGuard> NewScope for G {
    type Scope = Scope<G, <G::OnDrop as Policy<G>>::Runtime>;

    #[inline]
    fn new_scope(self, interrupts: Interrupts) -> Self::Scope {
        Scope::with_interrupts(self, interrupts)
    }
}

impl<G: LocalAsyncGuard> NewScope for Entered<G> {
    type Scope = LocalScope<G>;

    #[inline]
    fn new_scope(self, interrupts: Interrupts) -> LocalScope<G> {
        LocalScope::new(self.0, interrupts)
    }
}

use std::future::Future;
use std::mem;
use std::panic::resume_unwind;

use super::guard::LocalAsyncGuard;
use super::guard::sealed::LocalPolicy as _;
use super::manager::LocalAsyncContextManager;
use crate::cleanup::short_type_name;
use crate::context::scope::enter::Enter;
use crate::context::scope::failure::{BlockFailure, ScopeExit};
use crate::context::scope::state::ScopeState;
use crate::panic::catch_panic;

/// The place of a local manager's guard: the counterpart of [`Scope`](crate::context::scope::scope::Scope),
/// with the same methods.
///
/// If the scope is dropped before its exit completes, the guard's policy decides what happens to the exit.
pub struct LocalScope<G: LocalAsyncGuard, K: Default = ()> {
    /// `None` after the exit, and during an exit whose future owns the guard.
    guard: Option<G>,
    state: ScopeState<()>,
    kept: K,
}

impl<G: LocalAsyncGuard, K: Default> Default for LocalScope<G, K> {
    #[inline]
    fn default() -> Self {
        Self { guard: None, state: ScopeState::default(), kept: K::default() }
    }
}

impl<G: LocalAsyncGuard, K: Default> LocalScope<G, K> {
    #[inline]
    pub fn enter<M>(&mut self, manager: M) -> impl Future<Output = Result<G, G::Error>>
    where
        M: LocalAsyncContextManager<Guard = G>,
    {
        self.state.interrupts.open_span();
        let _entered = self.state.interrupts.enter_span();
        Enter { enter: manager.aenter(), interrupts: &mut self.state.interrupts }
    }

    #[inline]
    pub fn entered<X>(&mut self, entered: Result<G, X>) -> Result<(), X> {
        let interrupts = &mut self.state.interrupts;
        if let Ok(guard) = &entered {
            interrupts.record_name(|| guard.report_name().get());
        } else {
            interrupts.record_name(short_type_name::<G>);
            interrupts.record_reason(|| "enter_failed");
        }
        entered.map(|guard| self.guard = Some(guard))
    }

    #[inline]
    pub fn parts(&mut self) -> (&mut G::Target, &mut ScopeState<()>) {
        let guard = self.guard.as_mut().expect("scope used after its exit");
        (guard.target(), &mut self.state)
    }

    #[inline]
    pub fn exit<'s, E, N>(
        &'s mut self,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> ScopeExit<'s, impl Future<Output = Result<G::Suppression, G::Error>> + use<'s, E, N, G, K>>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let interrupts = &mut self.state.interrupts;
        interrupts.record_reason(|| BlockFailure::reason_name(failure.as_ref()));
        let _entered = interrupts.enter_span();
        ScopeExit::new(G::OnDrop::exit(&mut self.guard, failure), interrupts.span())
    }

    #[inline]
    pub fn finish(&mut self) {
        let entered = self.state.interrupts.enter_span();
        self.guard = None;
        drop(entered);
        self.state.interrupts.close_span();
    }

    #[cold]
    pub fn name(&self) -> Option<&'static str> {
        self.guard.as_ref().map(|guard| guard.report_name().get())
    }
}

/// The scope of a body, which keeps the body's failure.
pub(super) type LocalBodyScope<G, E> = LocalScope<G, Option<BlockFailure<E>>>;

impl<G: LocalAsyncGuard, E: Send + 'static> LocalBodyScope<G, E> {
    #[inline]
    pub(super) fn failure(&mut self) -> &mut Option<BlockFailure<E>> {
        &mut self.kept
    }

    #[inline]
    pub(super) fn exit_body(
        &mut self,
    ) -> ScopeExit<'_, impl Future<Output = Result<G::Suppression, G::Error>> + use<'_, E, G>> {
        let interrupts = &mut self.state.interrupts;
        interrupts.record_reason(|| BlockFailure::reason_name(self.kept.as_ref()));
        let _entered = interrupts.enter_span();
        ScopeExit::new(G::OnDrop::exit(&mut self.guard, &mut self.kept), interrupts.span())
    }
}

impl<G: LocalAsyncGuard, K: Default> Drop for LocalScope<G, K> {
    fn drop(&mut self) {
        self.state.interrupts.record_name(short_type_name::<G>);
        self.state.interrupts.record_reason(|| "cancelled");
        let _entered = self.state.interrupts.enter_span();
        let kept = mem::take(&mut self.kept);
        let dropped = catch_panic(|| drop(kept));
        let children = mem::take(&mut self.state.children);
        match self.guard.take() {
            Some(guard) => G::OnDrop::on_drop(guard, children),
            None => children.reparent(),
        }
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}

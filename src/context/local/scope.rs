use std::future::{Future, Ready};

use super::manager::LocalAsyncGuard;
use crate::cleanup::{ChildCleanups, short_type_name};
use crate::context::scope::failure::BlockFailure;
use crate::context::scope::interrupts::Interrupts;
use crate::context::scope::state::ScopeState;
use crate::panic::drop_quietly;

/// A local manager that was entered and has not been exited: the counterpart of [`Scope`](crate::context::scope::scope::Scope),
/// with the same methods.
///
/// If the scope is dropped before its exit completes, the guard is dropped.
pub struct LocalScope<G: LocalAsyncGuard> {
    /// `None` after the exit.
    guard: Option<G>,
    state: ScopeState<()>,
}

type LocalOutcome<G, E, N> =
    (Result<<G as LocalAsyncGuard>::Suppression, <G as LocalAsyncGuard>::Error>, Option<BlockFailure<E, N>>);

impl<G: LocalAsyncGuard> LocalScope<G> {
    #[inline]
    pub fn new(guard: G, interrupts: Interrupts) -> Self {
        Self { guard: Some(guard), state: ScopeState { interrupts, ..ScopeState::default() } }
    }

    #[inline]
    pub fn name_if<E, N>(&self, failure: &Option<BlockFailure<E, N>>) -> Option<&'static str> {
        failure.is_some().then(short_type_name::<G>)
    }

    #[inline]
    pub fn parts(&mut self) -> (&mut G::Target, &mut ScopeState<()>) {
        let guard = self.guard.as_mut().expect("scope used after its exit");
        (guard.target(), &mut self.state)
    }

    #[inline]
    pub const fn is_owned(&self) -> bool {
        false
    }

    #[inline]
    pub const fn is_restartable(&self) -> bool {
        false
    }

    #[inline]
    pub fn has_children(&self) -> bool {
        !self.state.children.is_empty()
    }

    #[cold]
    pub async fn wait_for_children(&mut self) {
        self.state.children.wait().await;
        self.state.children = ChildCleanups::default();
    }

    /// Never called.
    pub fn owned_exit<E, N>(&mut self, _: Option<BlockFailure<E, N>>) -> Ready<LocalOutcome<G, E, N>> {
        unreachable!("the exit of a local guard borrows it")
    }

    /// Never called.
    pub fn restartable_exit<E, N>(
        &mut self,
        _: &mut Option<BlockFailure<E, N>>,
    ) -> Ready<Result<G::Suppression, G::Error>> {
        unreachable!("the exit of a local guard is not restarted")
    }

    #[inline]
    pub fn borrowed_exit<E, N>(
        &mut self,
        failure: &mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = Result<G::Suppression, G::Error>>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        self.guard.as_mut().expect("scope exited twice").aexit(BlockFailure::exit_reason(failure))
    }

    #[inline]
    pub fn finish(&mut self) {
        self.guard = None;
    }
}

impl<G: LocalAsyncGuard> Drop for LocalScope<G> {
    fn drop(&mut self) {
        // First, because the guard's destructor may panic.
        std::mem::take(&mut self.state.children).reparent();
        drop_quietly(self.guard.take());
    }
}

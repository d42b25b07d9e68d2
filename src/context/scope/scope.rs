use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

use super::enter::Enter;
use super::failure::BlockFailure;
use super::interrupts::Interrupts;
use super::state::{RuntimeSlot, ScopeState};
use crate::cleanup::{ChildCleanups, TrackingScope, drop_tracked};
use crate::context::guard::sealed::{ExitOutcome, Policy};
use crate::context::guard::{AsyncGuard, guard_name};
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::panic::drop_quietly;

/// Enters the manager.
///
/// `Send` is a part of the returned type here. The compiler need not look into the future of the manager for it, which
/// fails for types with lifetimes if the manager calls the enter of another one.
#[inline]
pub(in crate::context) fn enter<M: AsyncContextManager>(
    manager: M,
) -> impl Future<Output = Result<(M::Guard, Interrupts), ManagerError<M>>> + Send {
    Enter::new(manager.aenter())
}

/// A manager that was entered and has not been exited.
///
/// If the scope is dropped before its exit completes, the guard's policy decides what happens to the exit.
///
/// `R` is always the [`Runtime`](Policy::Runtime) of the guard's policy. It is a parameter because a field whose type is
/// that projection would make a future that holds a scope `Send` only if the guard is `'static` for *all* lifetimes in
/// its type ("implementation of `Send` is not general enough", rust-lang/rust#102211).
pub struct Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    /// `None` after the exit, and during an exit whose future owns the guard.
    guard: Option<G>,
    /// Set while a restartable exit is polled. If the destructor finds it set, the exit has panicked and is not
    /// restarted.
    is_polled: bool,
    state: ScopeState<R>,
}

impl<G, R> Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    #[inline]
    pub fn new(guard: G) -> Self {
        Self::with_interrupts(guard, Interrupts::default())
    }

    /// Creates a scope for the exit of a guard that was entered before, with the runtime that its scope has captured.
    #[inline]
    pub fn with_runtime(guard: G, runtime: R) -> Self {
        Self { guard: Some(guard), is_polled: false, state: ScopeState { runtime, ..ScopeState::default() } }
    }

    /// Creates a scope from what its [`Enter`](super::enter::Enter) returned.
    #[inline]
    pub fn with_interrupts(guard: G, interrupts: Interrupts) -> Self {
        let state = ScopeState { interrupts, ..ScopeState::default() };
        Self { guard: Some(guard), is_polled: false, state }
    }

    /// Returns the guard's name if the block has failed: only then, an error of the exit may have to be reported, after
    /// the guard is gone.
    #[inline]
    pub fn name_if<E, N>(&self, failure: &Option<BlockFailure<E, N>>) -> Option<&'static str> {
        if failure.is_some() { self.name() } else { None }
    }

    #[cold]
    fn name(&self) -> Option<&'static str> {
        self.guard.as_ref().map(guard_name)
    }

    /// Splits the scope into the target and the rest of the scope's state.
    #[inline]
    pub fn parts(&mut self) -> (&mut G::Target, &mut ScopeState<R>) {
        let guard = self.guard.as_mut().expect("scope used after its exit");
        (guard.target(), &mut self.state)
    }

    /// Returns `true` if the exit's future owns the guard.
    #[inline]
    pub const fn is_owned(&self) -> bool {
        G::OnDrop::OWNED
    }

    /// Returns `true` if an exit that is dropped before it completes is called again.
    #[inline]
    pub const fn is_restartable(&self) -> bool {
        G::OnDrop::RESTARTABLE
    }

    /// Returns `true` if there are child cleanups to [wait for](Self::wait_for_children).
    #[inline]
    pub fn has_children(&self) -> bool {
        !self.state.children.is_empty()
    }

    /// Waits until all child cleanups have completed or were abandoned.
    #[cold]
    pub async fn wait_for_children(&mut self) {
        // The wait may be suspended, and the scope dropped during it.
        self.state.runtime.capture_current();
        self.state.children.wait().await;
        // Frees the list, which is empty now: the scope may be forgotten.
        self.state.children = ChildCleanups::default();
    }

    /// Returns the exit as a future that owns the guard and the block's failure.
    #[inline]
    pub fn owned_exit<E, N>(
        &mut self,
        failure: Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = ExitOutcome<G, E, N>> + Send + use<E, N, G, R>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let guard = self.guard.take().expect("scope exited twice");
        // From here on, the future of the exit applies the drop policy. The destructor of the scope finds no guard.
        G::OnDrop::exit(guard, failure, std::mem::take(&mut self.state.runtime))
    }

    /// Returns the exit as a future that borrows the guard, for policies that never call it again.
    /// [`finish`](Self::finish) must be called after it.
    #[inline]
    pub fn borrowed_exit<E, N>(
        &mut self,
        failure: &mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = Result<G::Suppression, G::Error>> + Send
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        self.guard.as_mut().expect("scope exited twice").aexit(BlockFailure::exit_reason(failure))
    }

    /// Returns the exit as a future that borrows the guard and can be dropped and restarted.
    /// [`finish`](Self::finish) must be called after it.
    #[inline]
    pub fn restartable_exit<E, N>(
        &mut self,
        failure: &mut Option<BlockFailure<E, N>>,
    ) -> impl Future<Output = Result<G::Suppression, G::Error>> + Send
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let guard = self.guard.as_mut().expect("scope exited twice");
        // An `aexit` that panics before it returns a future counts as called, too.
        self.is_polled = true;
        let exit = guard.aexit(BlockFailure::exit_reason(failure));
        RestartableExit { exit: Some(exit), is_polled: &mut self.is_polled, state: &mut self.state }
    }

    /// Drops the guard after its exit. As soon as no children are left, the scope can be forgotten, because its
    /// destructor would do nothing.
    #[inline]
    pub fn finish(&mut self) {
        self.guard = None;
        self.state.runtime = R::default();
    }
}

/// Waits for the scope's children, exits the scope with the block's failure, and evaluates to the result of the exit.
/// Afterwards, the failure is in its place again. If the future is dropped, the guard's policy decides what happens.
///
/// If the policy runs a dropped exit as a cleanup, the children of the exit itself are waited for as well. With the
/// other policies, the enclosing scopes wait for these children: one more tracking scope would double the cost.
///
/// This is a macro because one more future around the exit would cost as much as the rest of the scope.
#[doc(hidden)]
#[macro_export]
macro_rules! __exit_scope {
    ($scope:ident, $failure:expr) => {{
        if $scope.has_children() {
            $scope.wait_for_children().await;
        }
        let result = if $scope.is_owned() {
            let (result, failure) = $scope.owned_exit($failure.take()).await;
            $failure = failure;
            result
        } else if $scope.is_restartable() {
            $crate::__await_in_place!($scope.restartable_exit(&mut $failure))
        } else {
            $crate::__await_in_place!($scope.borrowed_exit(&mut $failure))
        };
        $scope.finish();
        if $scope.is_restartable() && $scope.has_children() {
            $scope.wait_for_children().await;
        }
        $crate::context::expansion::forget($scope);
        result
    }};
}

/// Awaits an exit. In a debug build, `await` copies the future to the stack of the poll, twice for each exit that the
/// code mentions, and several scopes around a large exit would overflow the stack. Pinned in place, it is not copied.
/// In a release build, there is no difference in the stack, and one pointer less.
#[doc(hidden)]
#[macro_export]
macro_rules! __await_in_place {
    ($exit:expr) => {{
        #[cfg(debug_assertions)]
        let result = ::core::pin::pin!($exit).await;
        #[cfg(not(debug_assertions))]
        let result = $exit.await;
        result
    }};
}

impl<G, R> Drop for Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    #[inline]
    fn drop(&mut self) {
        let ScopeState { children, runtime, .. } = std::mem::take(&mut self.state);
        match self.guard.take() {
            Some(guard) if !self.is_polled => G::OnDrop::on_drop(guard, children, runtime),
            // There is no exit left to run: the guard was exited or moved into its exit, or the exit panicked.
            guard => {
                // First, because the guard's destructor may panic.
                children.reparent();
                drop_quietly(guard);
            }
        }
    }
}

/// An exit that borrows its guard and can be restarted. Cleanups that are detached while the exit is polled or dropped
/// become children of the scope.
#[pin_project(PinnedDrop)]
struct RestartableExit<'s, F, R> {
    /// `None` after the exit has completed.
    #[pin]
    exit: Option<F>,
    is_polled: &'s mut bool,
    state: &'s mut ScopeState<R>,
}

impl<F: Future, R: RuntimeSlot> Future for RestartableExit<'_, F, R> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let ScopeState { children, runtime, .. } = &mut **this.state;
        let _tracking = TrackingScope::open(children);
        // Stays set if the exit panics.
        **this.is_polled = true;
        let exit = this.exit.as_mut().as_pin_mut().expect("exit polled after completion");
        let polled = exit.poll(cx);
        if polled.is_pending() {
            runtime.capture_current();
        } else {
            // If the destructor of the exit panics, the exit has panicked.
            this.exit.set(None);
        }
        **this.is_polled = false;
        polled
    }
}

#[pinned_drop]
impl<F, R> PinnedDrop for RestartableExit<'_, F, R> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.exit.is_some() {
            let ScopeState { children, .. } = &mut **this.state;
            drop_tracked(children, || this.exit.set(None));
        }
    }
}

use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::panic::resume_unwind;

use super::enter::Enter;
use super::failure::{BlockFailure, ScopeExit};
use super::interrupts::Interrupts;
use super::state::{RuntimeSlot, ScopeState};
use crate::cleanup::short_type_name;
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::{ExitResult, Policy};
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::panic::{catch_panic, drop_quietly};

/// Enters the manager, whose interrupts are added to `interrupts`.
///
/// `Send` is a part of the returned type here. The compiler need not look into the future of the manager for it, which
/// fails for types with lifetimes if the manager calls the enter of another one.
#[inline]
pub(in crate::context) fn enter<M: AsyncContextManager>(
    manager: M,
    interrupts: &mut Interrupts,
) -> impl Future<Output = Result<M::Guard, ManagerError<M>>> + Send {
    Enter { enter: manager.aenter(), interrupts }
}

/// The place of a manager's guard, from its enter to the end of its exit.
///
/// If the scope is dropped before its exit completes, the guard's policy decides what happens to the exit. After the
/// exit, the scope is forgotten, because its destructor would do nothing.
///
/// `R` is always the [`Runtime`](Policy::Runtime) of the guard's policy. It is a parameter because a field whose type is
/// that projection would make a future that holds a scope `Send` only if the guard is `'static` for *all* lifetimes in
/// its type ("implementation of `Send` is not general enough", rust-lang/rust#102211).
///
/// `K` is the value that the scope keeps beside the guard: the [failure](BlockFailure) of a body. A block of the macro keeps
/// its failure elsewhere, because the type is not known when the scope is created.
pub struct Scope<G, R, K = ()>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
    K: Default,
{
    /// `None` before the enter, after the exit, and during an exit whose future owns the guard.
    ///
    /// The destructor empties all fields. Without `ManuallyDrop`, all code that holds a scope would contain the code that
    /// drops the fields, which is too large to be inlined where the future of a function has completed.
    guard: ManuallyDrop<Option<G>>,
    state: ManuallyDrop<ScopeState<R>>,
    kept: ManuallyDrop<K>,
}

impl<G, R, K> Default for Scope<G, R, K>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
    K: Default,
{
    /// Creates the scope of a manager that has not been entered.
    #[inline]
    fn default() -> Self {
        Self {
            guard: ManuallyDrop::new(None),
            state: ManuallyDrop::new(ScopeState::default()),
            kept: ManuallyDrop::new(K::default()),
        }
    }
}

impl<G, R> Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    #[inline]
    pub fn new(guard: G) -> Self {
        let mut scope = Self::default();
        *scope.guard = Some(guard);
        scope
    }
}

impl<G, R, K> Scope<G, R, K>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
    K: Default,
{
    /// Enters the manager. [`entered`](Self::entered) must be called after it.
    #[inline]
    pub fn enter<M>(&mut self, manager: M) -> impl Future<Output = Result<G, ManagerError<M>>> + Send
    where
        M: AsyncContextManager<Guard = G>,
    {
        self.state.interrupts.open_span();
        // `aenter` may be a function that is not async.
        let _entered = self.state.interrupts.enter_span();
        enter(manager, &mut self.state.interrupts)
    }

    /// Puts the guard in its place.
    #[inline]
    pub fn entered<X>(&mut self, entered: Result<G, X>) -> Result<(), X> {
        let interrupts = &mut self.state.interrupts;
        if let Ok(guard) = &entered {
            interrupts.record_name(|| guard.report_name().get());
        } else {
            interrupts.record_name(short_type_name::<G>);
            interrupts.record_reason(|| "enter_failed");
        }
        // There is no old guard to drop.
        entered.map(|guard| mem::forget(self.guard.replace(guard)))
    }

    /// Splits the scope into the target and the rest of the scope's state.
    #[inline]
    pub fn parts(&mut self) -> (&mut G::Target, &mut ScopeState<R>) {
        let guard = self.guard.as_mut().expect("scope used after its exit");
        (guard.target(), &mut self.state)
    }

    /// Returns the exit, with the block's failure. If it is dropped, the guard's policy decides what happens.
    /// [`finish`](Self::finish) must be called after it, unless it has panicked.
    #[inline]
    pub fn exit<'s, E, N>(
        &'s mut self,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> ScopeExit<'s, impl Future<Output = ExitResult<G>> + Send + use<'s, E, N, G, R, K>>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let ScopeState { children, runtime, interrupts } = &mut *self.state;
        interrupts.record_reason(|| BlockFailure::reason_name(failure.as_ref()));
        // `aexit` may be a function that is not async.
        let _entered = interrupts.enter_span();
        ScopeExit::new(G::OnDrop::exit(&mut self.guard, children, runtime, failure), interrupts.span())
    }

    /// Drops the guard after its exit. The scope can be forgotten then, because its destructor would do nothing.
    #[inline]
    pub fn finish(&mut self) {
        // There are no children: the exit has waited for them.
        let entered = self.state.interrupts.enter_span();
        drop(self.guard.take());
        drop(entered);
        self.state.runtime = R::default();
        self.state.interrupts.close_span();
    }

    /// Returns the guard's name. Only if the block has failed, an error of the exit may have to be reported.
    #[cold]
    #[inline(never)]
    pub fn name(&self) -> Option<&'static str> {
        self.guard.as_ref().map(|guard| guard.report_name().get())
    }
}

/// The scope of a body, which keeps the body's failure.
pub(in crate::context) type BodyScope<G, R, E> = Scope<G, R, Option<BlockFailure<E>>>;

impl<G, R, E> BodyScope<G, R, E>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
    E: Send + 'static,
{
    /// Returns the place of the body's failure.
    #[inline]
    pub(in crate::context) fn failure(&mut self) -> &mut Option<BlockFailure<E>> {
        &mut self.kept
    }

    /// As [`exit`](Self::exit), with the failure that the scope keeps.
    #[inline]
    pub(in crate::context) fn exit_body(
        &mut self,
    ) -> ScopeExit<'_, impl Future<Output = ExitResult<G>> + Send + use<'_, E, G, R>> {
        let ScopeState { children, runtime, interrupts } = &mut *self.state;
        interrupts.record_reason(|| BlockFailure::reason_name(self.kept.as_ref()));
        let _entered = interrupts.enter_span();
        ScopeExit::new(G::OnDrop::exit(&mut self.guard, children, runtime, &mut self.kept), interrupts.span())
    }
}

/// Exits the scope with the block's failure, and evaluates to the result of the exit and, if the block has failed, to
/// the guard's name. Afterwards, the failure is in its place again. If the future is dropped, the guard's policy
/// decides what happens.
///
/// If the policy runs a dropped exit as a cleanup, the children of the exit itself are waited for as well. With the
/// other policies, the enclosing scopes wait for these children: one more tracking scope would double the cost.
///
/// This is a macro because one more future around the exit would cost as much as the rest of the scope.
#[doc(hidden)]
#[macro_export]
macro_rules! __exit_scope {
    ($scope:ident, $failure:expr) => {{
        let result = $crate::__await_exit!($scope, $failure);
        let name = if $failure.is_some() { $scope.name() } else { ::core::option::Option::None };
        $scope.finish();
        $crate::context::expansion::forget($scope);
        (result, name)
    }};
}

/// Awaits the exit of a scope, which stays borrowed until [`finish`](scope::Scope::finish).
#[doc(hidden)]
#[macro_export]
macro_rules! __await_exit {
    ($scope:ident, $failure:expr) => {
        match $crate::__await_in_place!($scope.exit(&mut $failure)) {
            ::core::result::Result::Ok(result) => result,
            ::core::result::Result::Err(panic) => panic.resume($failure.take(), $scope.name()),
        }
    };
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

impl<G, R, K> Drop for Scope<G, R, K>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
    K: Default,
{
    /// Out of line: it runs only if the future is dropped, or something has panicked.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        let guard = self.guard.take();
        let ScopeState { children, runtime, mut interrupts } = mem::take(&mut *self.state);
        // A scope that was dropped while it was entered has no guard, and one that has been exited has recorded both.
        interrupts.record_name(short_type_name::<G>);
        interrupts.record_reason(|| "cancelled");
        let entered = interrupts.enter_span();
        // A failure reports its error. The destructor of the error is user code, and must not keep the exit from running.
        let kept = mem::take(&mut *self.kept);
        let dropped = catch_panic(|| drop(kept));
        match guard {
            Some(guard) if runtime.is_restartable() => G::OnDrop::on_drop(guard, children, runtime),
            // There is no exit left to run: the guard was exited or moved into its exit, or the exit panicked.
            guard => {
                // First, because the guard's destructor may panic.
                children.reparent();
                drop_quietly(guard);
            }
        }
        drop(entered);
        drop(interrupts);
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}

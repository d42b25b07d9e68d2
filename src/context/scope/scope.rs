use std::future::Future;
use std::mem::{self, ManuallyDrop};

use super::enter::Enter;
use super::failure::{BlockFailure, ScopeExit};
use super::interrupts::Interrupts;
use super::state::{RuntimeSlot, ScopeState};
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::{ExitResult, Policy};
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::panic::drop_quietly;

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
pub struct Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    /// `None` before the enter, after the exit, and during an exit whose future owns the guard.
    ///
    /// The destructor empties both fields. Without `ManuallyDrop`, the code that drops what is left in them would be
    /// part of all code that holds a scope.
    guard: ManuallyDrop<Option<G>>,
    state: ManuallyDrop<ScopeState<R>>,
}

impl<G, R> Default for Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    /// Creates the scope of a manager that has not been entered.
    #[inline]
    fn default() -> Self {
        Self { guard: ManuallyDrop::new(None), state: ManuallyDrop::new(ScopeState::default()) }
    }
}

impl<G, R> Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    #[inline]
    pub fn new(guard: G) -> Self {
        Self { guard: ManuallyDrop::new(Some(guard)), state: ManuallyDrop::new(ScopeState::default()) }
    }

    /// Enters the manager. [`entered`](Self::entered) must be called after it.
    #[inline]
    pub fn enter<M>(&mut self, manager: M) -> impl Future<Output = Result<G, ManagerError<M>>> + Send
    where
        M: AsyncContextManager<Guard = G>,
    {
        enter(manager, &mut self.state.interrupts)
    }

    /// Puts the guard in its place.
    #[inline]
    pub fn entered<X>(&mut self, entered: Result<G, X>) -> Result<(), X> {
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
    ) -> ScopeExit<impl Future<Output = ExitResult<G>> + Send + use<'s, E, N, G, R>>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let ScopeState { children, runtime, .. } = &mut *self.state;
        ScopeExit::new(G::OnDrop::exit(&mut self.guard, children, runtime, failure))
    }

    /// Drops the guard after its exit. The scope can be forgotten then, because its destructor would do nothing.
    #[inline]
    pub fn finish(&mut self) {
        // There are no children: the exit has waited for them.
        drop(self.guard.take());
        self.state.runtime = R::default();
    }

    /// Returns the guard's name. Only if the block has failed, an error of the exit may have to be reported.
    #[cold]
    #[inline(never)]
    pub fn name(&self) -> Option<&'static str> {
        self.guard.as_ref().map(|guard| guard.report_name().get())
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

impl<G, R> Drop for Scope<G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    /// Out of line: it runs only if the future is dropped, or something has panicked.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        let guard = self.guard.take();
        let ScopeState { children, runtime, interrupts } = mem::take(&mut *self.state);
        match guard {
            Some(guard) if runtime.is_restartable() => G::OnDrop::on_drop(guard, children, runtime),
            // There is no exit left to run: the guard was exited or moved into its exit, or the exit panicked.
            guard => {
                // First, because the guard's destructor may panic.
                children.reparent();
                drop_quietly(guard);
            }
        }
        drop(interrupts);
    }
}

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cleanup::ChildCleanups;
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::{Policy, RuntimeOf};
use crate::context::scope::state::RuntimeSlot;

/// A guard that the block borrows from a stack. Returned by
/// [`enter_async_context`](super::AsyncExitStack::enter_async_context).
///
/// Dropping the `StackGuard` returns the guard to the stack, which exits the guard. A `StackGuard` cannot outlive the
/// block. If [`pop_all`](super::AsyncExitStack::pop_all) has moved the exits, and they run before the `StackGuard` is
/// dropped, the drop policy of the guard applies when the `StackGuard` is dropped.
///
/// The parameter `R` belongs to the drop policy of the guard, and is inferred. It makes futures that hold a `StackGuard`
/// `Send`, whatever lifetimes the guard's type has.
pub struct StackGuard<'a, G, R = RuntimeOf<G>>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    /// `None` only in the destructor.
    guard: Option<G>,
    cell: Arc<Mutex<GuardCell<G>>>,
    runtime: R,
    /// The borrow of the stack, because of which the guard cannot leave the block.
    stack: PhantomData<&'a ()>,
}

/// The place where a stack and its block exchange a guard.
///
/// ```text
/// Borrowed --StackGuard dropped--> Returned --exit--> Taken
///     |                                                 ^
///     +-----exit while it is borrowed: GuardInUse-------+
/// ```
pub(super) enum GuardCell<G> {
    Borrowed,
    Returned(G),
    /// The exit has run: it took the guard, or failed because the guard was borrowed.
    Taken,
}

impl<G, R> StackGuard<'_, G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    pub(super) fn new(guard: G) -> (Self, Arc<Mutex<GuardCell<G>>>) {
        let cell = Arc::new(Mutex::new(GuardCell::Borrowed));
        let mut runtime = R::default();
        // Captured now, because a `StackGuard` is not polled, and may be dropped outside of a runtime.
        runtime.capture_current();
        (Self { guard: Some(guard), cell: Arc::clone(&cell), runtime, stack: PhantomData }, cell)
    }

    /// Returns the guard's target, as the block of [`async_with!`](macro@crate::async_with) receives it.
    #[expect(clippy::missing_panics_doc, reason = "the guard is missing only in the destructor")]
    pub fn target(&mut self) -> &mut G::Target {
        self.guard.as_mut().expect("guard used after it was returned").target()
    }
}

impl<G, R> Drop for StackGuard<'_, G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let mut cell = self.cell.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*cell, GuardCell::Taken) {
            // Unlock first: the drop policy runs user code.
            drop(cell);
            G::OnDrop::on_drop(guard, ChildCleanups::default(), mem::take(&mut self.runtime));
        } else {
            *cell = GuardCell::Returned(guard);
        }
    }
}

impl<G, R> fmt::Debug for StackGuard<'_, G, R>
where
    G: AsyncGuard<OnDrop: Policy<G, Runtime = R>>,
    R: RuntimeSlot,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackGuard").finish_non_exhaustive()
    }
}

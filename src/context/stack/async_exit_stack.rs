use std::any::type_name;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::entry::{CallbackEntry, Entries, Entry, ExitEntry, ExitOutput, StackExit};
use super::errors::ExitErrors;
use super::stack_guard::StackGuard;
use super::stack_interrupts::{EntryInterrupt, StackInterrupts};
use super::unwind::unwind;
use crate::cleanup::Cleanup;
use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::context::policy::detach::Detach;
use crate::context::scope::collector::NotEntering;
use crate::context::scope::failure::BlockFailure;
use crate::context::scope::interrupts::Interrupts;
use crate::context::scope::scope::{Scope, enter};
use crate::context::scope::state::RuntimeSlot as _;
use crate::context::send_async_fn::SendAsyncFnOnce;
use crate::context::suppression::Suppression;

/// A stack of exits that grows while its block runs: the last exit pushed is the first one called.
///
/// It is for managers whose number or types are only known at run time: one for each host, or only those that are
/// configured. Each exit receives the exit reason that it would receive if the managers were nested: after an exit has
/// suppressed an error, the next exit no longer receives the error, and after an exit has failed, the next exit
/// receives its error. An exit that panics does not prevent the other exits from running. Any exit may suppress the
/// block's error, so the value of the scope is an `Option`.
///
/// As a manager, the stack is exited when its block ends. Outside of `async_with!`, [`aclose`](Self::aclose) closes it.
/// If a stack is dropped before it was closed, its exits run as one [cleanup](crate::cleanup), in order, with
/// [`ExitReason::Cancelled`]. The same applies to a stack that was moved out of its block, by
/// [`mem::take`](std::mem::take) for example.
///
/// The methods that push exits take `&self`, so that the block can use several [`StackGuard`]s at a time. Each exit has
/// its own grace period. If the exits run as a cleanup, an exit that exceeds its grace period is abandoned and
/// reported, and the other exits still run.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tokio::sync::Mutex;
/// use withal::context::{AsyncExitStack, async_with};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let accounts = [1, 2, 3].map(|n| Arc::new(Mutex::new(n)));
/// let total = async_with!(stack = AsyncExitStack::new() => {
///     let mut locked = Vec::new();
///     for account in &accounts {
///         locked.push(stack.enter_async_context(account.clone()).await?);
///     }
///     stack.push_async_callback(async || println!("all locks are still held"));
///     locked.iter_mut().map(|n| *n.target()).sum::<i32>()
/// })?;
/// assert_eq!(total, Some(6));
/// # Ok(())
/// # }
/// ```
#[doc(alias("ExitStack", "defer", "finally", "guard stack"))]
#[derive(Default)]
pub struct AsyncExitStack {
    state: Mutex<StackState>,
}

/// The guard of an entered [`AsyncExitStack`].
pub struct AsyncExitStackGuard {
    /// Empty after the block has moved the stack elsewhere.
    stack: AsyncExitStack,
    /// Those that end the block. `None` for a stack that is closed without a block.
    interrupts: Option<Arc<StackInterrupts>>,
}

#[derive(Default)]
struct StackState {
    entries: Entries,
    runtime: Option<Handle>,
    /// Those of the block in which managers are entered on this stack. They may have ended with their block.
    interrupts: Option<Arc<StackInterrupts>>,
}

impl AsyncExitStack {
    /// Creates an empty stack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a manager, pushes its exit, and returns its guard to the block.
    ///
    /// # Errors
    ///
    /// The manager's error. The managers that were entered before stay on the stack.
    ///
    /// # Cancel safety
    ///
    /// That of the manager's [`aenter`](AsyncContextManager::aenter). The stack does not change until the manager has
    /// been entered.
    // An `async fn` cannot include `Send` in its type. Without it, the compiler rejects the future in a spawned task if
    // the manager's type has a lifetime.
    #[expect(clippy::manual_async_fn, reason = "see above")]
    pub fn enter_async_context<M>(
        &self,
        manager: M,
    ) -> impl Future<Output = Result<StackGuard<'_, M::Guard>, ManagerError<M>>> + Send
    where
        M: AsyncContextManager + Send,
        M::Guard: Send + 'static,
    {
        async move {
            // The interrupts of the manager end the block of this stack. If the stack was not entered, they end that of
            // the scope that is being entered, of whose manager the stack may be a part, or else registering them fails.
            let mut interrupts = Interrupts::default();
            let guard = if self.join_block() {
                crate::__await_in_place!(enter(manager, &mut interrupts))?
            } else {
                crate::__await_in_place!(manager.aenter())?
            };
            let (guard, cell) = StackGuard::new(guard);
            self.push(StackExit::Guard(cell), interrupts);
            Ok(guard)
        }
    }

    /// Pushes a closure that receives the exit reason. Its result is that of an [`aexit`](AsyncGuard::aexit), with
    /// `()` or `bool` for [`Suppression`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use withal::context::{AsyncExitStack, ExitReason, async_with};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), std::num::ParseIntError> {
    /// let value = async_with!(stack = AsyncExitStack::new() => {
    ///     stack.push_async_exit(async |exit: ExitReason<'_>| {
    ///         Ok::<_, Infallible>(matches!(exit, ExitReason::Error(_))) // suppresses every error
    ///     });
    ///     "seven".parse::<u32>()?
    /// });
    /// assert_eq!(value.unwrap(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn push_async_exit<F, V, X>(&self, exit: F)
    where
        F: for<'x> SendAsyncFnOnce<ExitReason<'x>, Result<V, X>> + Send + 'static,
        V: Suppression + 'static,
        X: fmt::Debug + Send + 'static,
    {
        self.push_closure(ExitEntry::new(exit));
    }

    /// Pushes an async closure that is called regardless of the exit reason.
    #[doc(alias("defer", "finally"))]
    pub fn push_async_callback<F, R>(&self, callback: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output: ExitOutput> + Send + 'static,
    {
        self.push_closure(CallbackEntry(callback));
    }

    /// Pushes a closure that is called regardless of the exit reason.
    #[doc(alias("defer", "finally"))]
    pub fn callback<F, R>(&self, callback: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: ExitOutput + Send + 'static,
    {
        self.push_closure(CallbackEntry(|| ready(callback())));
    }

    /// Moves all exits to a new stack, so that the entered managers outlive the block.
    ///
    /// A manager that [interrupts](crate::context::interrupt_when) its block, as a timeout does, still interrupts the
    /// current block until this block has ended, the manager was exited, or the new stack is entered. If it does, the
    /// exit of this stack returns [`InterruptedByMoved`](crate::context::InterruptedByMoved). After the block, the
    /// manager interrupts nothing until the new stack is entered, and then the block of that stack.
    /// [`mem::take`](std::mem::take) has the same effect.
    ///
    /// In the `aenter` of another manager, the moved managers interrupt the block of that manager. Use `pop_all` there:
    /// after a `mem::take`, they interrupt nothing.
    #[must_use = "if the new stack is dropped, its exits run as a cleanup"]
    pub fn pop_all(&self) -> Self {
        let StackState { entries, runtime, .. } = {
            let mut state = self.state();
            let interrupts = state.interrupts.clone();
            mem::replace(&mut *state, StackState { interrupts, ..StackState::default() })
        };
        // In the enter of another manager, the exits become a part of that manager.
        let moved: Vec<_> = entries.interrupts().cloned().collect();
        let interrupts = if moved.is_empty() { None } else { StackInterrupts::register(moved) };
        Self { state: Mutex::new(StackState { entries, runtime, interrupts }) }
    }

    /// Runs all exits, as after a block that has completed: the first exit receives [`ExitReason::Ok`].
    ///
    /// # Errors
    ///
    /// The errors of the exits, except those that another exit suppressed.
    ///
    /// # Panics
    ///
    /// If an exit panics: the panic continues after the other exits have run. If several exits panic, the first panic
    /// continues, and the others are reported to the [observers](crate::cleanup::observe).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the exits continue as a cleanup.
    #[doc(alias = "close")]
    pub async fn aclose(self) -> Result<(), ExitErrors> {
        let mut scope = Scope::new(AsyncExitStackGuard { stack: self, interrupts: None });
        let mut failure = None::<BlockFailure<Infallible>>;
        let (result, _) = crate::__exit_scope!(scope, failure);
        debug_assert!(failure.is_none(), "an exit returns the failure that it borrowed");
        result.map(drop)
    }

    /// Returns `true` if the interrupts of the stack end a block: that of the stack, or that of the scope that is being
    /// entered.
    fn join_block(&self) -> bool {
        let mut state = self.state();
        if state.interrupts.as_ref().is_none_or(|interrupts| !interrupts.is_open()) {
            state.interrupts = StackInterrupts::register(Vec::new());
        }
        state.interrupts.is_some()
    }

    fn push_closure(&self, entry: impl Entry + 'static) {
        self.push(StackExit::Closure(Box::new(entry)), Interrupts::default());
    }

    fn push(&self, exit: StackExit, interrupts: Interrupts) {
        let mut state = self.state();
        let interrupt = interrupts.into_inner().map(EntryInterrupt::new);
        if let (Some(interrupt), Some(all)) = (&interrupt, &state.interrupts) {
            all.add(interrupt.clone());
        }
        // The fallback for a stack that is dropped outside of a runtime.
        state.runtime.capture_current();
        state.entries.0.push((exit, interrupt));
    }

    /// Takes the exits out. As the rest of the state stays, this copies next to nothing.
    fn take_entries(&mut self) -> Entries {
        mem::take(&mut self.state.get_mut().unwrap_or_else(PoisonError::into_inner).entries)
    }

    fn state(&self) -> MutexGuard<'_, StackState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncContextManager for AsyncExitStack {
    type Guard = AsyncExitStackGuard;

    async fn aenter(self) -> Result<AsyncExitStackGuard, ExitErrors> {
        let interrupts = {
            let mut state = self.state();
            let held = state.entries.renew_interrupts();
            let is_needed = !held.is_empty();
            state.interrupts = StackInterrupts::register(held);
            if is_needed && state.interrupts.is_none() {
                return Err(ExitErrors::one(NotEntering));
            }
            state.interrupts.clone()
        };
        Ok(AsyncExitStackGuard { stack: self, interrupts })
    }
}

impl AsyncGuard for AsyncExitStackGuard {
    type Target = AsyncExitStack;
    type Error = ExitErrors;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut AsyncExitStack {
        &mut self.stack
    }

    /// Unlimited: each exit has its own grace period.
    fn grace_period(&self) -> Duration {
        Duration::MAX
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, ExitErrors> {
        let entries = self.stack.take_entries();
        let interrupted_by = self.interrupts.as_ref().and_then(|interrupts| interrupts.interrupted_by());
        unwind::<Self>(entries, exit, interrupted_by).await
    }
}

/// Drops the exits without running them. The scope of the guard is responsible for running them, and for reporting that
/// they were abandoned.
impl Drop for AsyncExitStackGuard {
    fn drop(&mut self) {
        // The destructor of the stack runs next. It would run the exits as a cleanup if the stack were not empty.
        drop(self.stack.take_entries());
    }
}

impl Drop for AsyncExitStack {
    fn drop(&mut self) {
        let entries = self.take_entries();
        if !entries.0.is_empty() {
            self.detach(entries);
        }
    }
}

impl AsyncExitStack {
    /// Runs the exits of a stack that was not closed as a cleanup.
    #[cold]
    fn detach(&mut self, entries: Entries) {
        let runtime = self.state().runtime.take();
        // Now, because the cleanup may begin later, and a block that has moved the stack may still run.
        drop(entries.leave_block());
        let work =
            async { unwind::<AsyncExitStackGuard>(entries, ExitReason::Cancelled, None).await.map(drop) };
        Cleanup::new(work)
            .name(type_name::<Self>())
            .grace_period(Duration::MAX)
            .fallback_runtime(runtime)
            .in_place()
            .detach();
    }
}

impl fmt::Debug for AsyncExitStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncExitStack").field("len", &self.state().entries.0.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for AsyncExitStackGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncExitStackGuard").field(&self.stack).finish()
    }
}

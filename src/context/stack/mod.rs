//! Exits that are known only at run time: how many, and of what.

mod callback;
mod entry;
mod errors;
mod lent;
mod unwind;

use std::any::type_name;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

pub use self::callback::{ExitFn, ExitOutput};
use self::entry::{Called, Entry, Pushed, Slot};
pub use self::errors::{ExitErrors, GuardInUse};
pub use self::lent::StackGuard;
use self::unwind::unwind;
use super::fault::Fault;
use super::policy::sealed::Home as _;
use super::scope::Scope;
use super::{AsyncContextManager, AsyncGuard, Detach, ErrorOf, ExitReason, Suppression};
use crate::cleanup::Cleanup;

/// A stack of exits, entered one by one as the block goes on: the last one in is the first one out.
///
/// It is for what a block of fixed managers cannot say: as many as there are hosts, or some and not others. Each exit sees
/// what is under way when its turn comes, as if the blocks were nested: an error that an exit suppresses is gone for those
/// after it, and one that it raises is what they see. A panic of one keeps none of the others from running. Since any of
/// them may suppress it, the block's value is an `Option`.
///
/// As a manager, it is exited with its block. By itself, it is closed by [`aclose`](Self::aclose); dropped before that,
/// the exits run as one [cleanup](crate::cleanup), in order, with [`ExitReason::Cancelled`].
///
/// It takes `&self` for all, so that what it lends can be used together. Its grace has no end: each exit has its own, and
/// one that takes longer as part of a cleanup is lost, and told, and takes none of the others with it.
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
///     stack.push_async_callback(async || println!("given back"));
///     locked.iter_mut().map(|n| *n.target()).sum::<i32>()
/// })?;
/// assert_eq!(total, Some(6));
/// # Ok(())
/// # }
/// ```
/// A stack that is taken out of its block, by [`mem::take`](std::mem::take) say, is one by itself again.
#[derive(Default)]
pub struct AsyncExitStack {
    entries: Mutex<Entries>,
}

/// An [`AsyncExitStack`] that was entered, and is exited with its block.
#[derive(Debug)]
pub struct AsyncExitStackGuard(AsyncExitStack);

#[derive(Default)]
struct Entries {
    exits: Exits,
    home: Option<Handle>,
}

/// The last one in is the first one out, also where they are lost.
#[derive(Default)]
struct Exits(Vec<Box<dyn Entry>>);

impl Drop for Exits {
    fn drop(&mut self) {
        while let Some(exit) = self.0.pop() {
            drop(exit);
        }
    }
}

impl AsyncExitStack {
    /// With nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a manager, and lends what it gives.
    ///
    /// # Errors
    ///
    /// The manager's; what was entered before is exited in its turn.
    ///
    /// # Cancel safety
    ///
    /// As that of the manager's enter.
    pub async fn enter_async_context<M>(&self, manager: M) -> Result<StackGuard<'_, M::Guard>, ErrorOf<M>>
    where
        M: AsyncContextManager,
        M::Guard: Send + 'static,
    {
        let (lent, home) = StackGuard::new(manager.aenter().await?);
        self.push(Slot(home));
        Ok(lent)
    }

    /// Has `exit` called with what is under way when its turn comes; its verdict is `()` or `bool`, as that of
    /// [`aexit`](AsyncGuard::aexit).
    pub fn push_async_exit<F, V, X>(&self, exit: F)
    where
        F: for<'x> ExitFn<'x, Result<V, X>> + Send + 'static,
        V: Suppression + 'static,
        X: Send + 'static,
    {
        self.push((Pushed(exit), PhantomData));
    }

    /// Has `callback` called and awaited, whatever is under way.
    pub fn push_async_callback<F, R>(&self, callback: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output: ExitOutput> + Send + 'static,
    {
        self.push(Called(callback));
    }

    /// Has `callback` called, whatever is under way.
    pub fn callback<F, R>(&self, callback: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: ExitOutput + Send + 'static,
    {
        self.push(Called(|| ready(callback())));
    }

    /// Takes all exits out, for another stack to have them: what was entered is kept beyond the block.
    #[must_use = "dropped, its exits run as a cleanup"]
    pub fn pop_all(&self) -> Self {
        Self { entries: Mutex::new(self.take()) }
    }

    /// Runs all exits, with [`ExitReason::Ok`].
    ///
    /// # Errors
    ///
    /// Those of the exits that no other has suppressed.
    ///
    /// # Panics
    ///
    /// When an exit does, after the others have run.
    ///
    /// # Cancel safety
    ///
    /// Dropped in the middle, it goes on as a cleanup.
    pub async fn aclose(self) -> Result<(), ExitErrors> {
        let mut scope = Scope::new(AsyncExitStackGuard(self));
        let mut fault = None::<Fault<Infallible>>;
        let result = crate::__exit_scope!(scope, fault);
        debug_assert!(fault.is_none(), "it gives back what it was lent");
        result.map(drop)
    }

    fn push(&self, entry: impl Entry + 'static) {
        let mut entries = self.entries();
        entries.home.remember();
        entries.exits.0.push(Box::new(entry));
    }

    fn take(&self) -> Entries {
        std::mem::take(&mut *self.entries())
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncContextManager for AsyncExitStack {
    type Guard = AsyncExitStackGuard;

    async fn aenter(self) -> Result<AsyncExitStackGuard, ExitErrors> {
        Ok(AsyncExitStackGuard(self))
    }
}

impl AsyncGuard for AsyncExitStackGuard {
    type Target = AsyncExitStack;
    type Error = ExitErrors;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut AsyncExitStack {
        &mut self.0
    }

    /// Each exit has its own.
    fn grace_period(&self) -> Duration {
        Duration::MAX
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, ExitErrors> {
        unwind(self.0.take().exits, exit).await
    }
}

/// It is the scope that is told of if the exits are lost.
impl Drop for AsyncExitStackGuard {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for AsyncExitStack {
    fn drop(&mut self) {
        let Entries { exits, home } = self.take();
        if exits.0.is_empty() {
            return;
        }
        let work = async { unwind(exits, ExitReason::Cancelled).await.map(drop) };
        Cleanup::new(work)
            .name(type_name::<Self>())
            .grace_period(Duration::MAX)
            .fallback_runtime(home)
            .detach();
    }
}

impl fmt::Debug for AsyncExitStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncExitStack").field("len", &self.entries().exits.0.len()).finish_non_exhaustive()
    }
}

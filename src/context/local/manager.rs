use std::fmt::Debug;
use std::future::Future;

use crate::cleanup::Name;
use crate::context::exit_reason::ExitReason;
use crate::context::suppression::Suppression;

/// A manager whose guard, or whose futures, are not `Send`: one that holds an `Rc`, or a handle of the thread.
///
/// It is entered as [`local(manager)`](local), by [`async_with!`](macro@crate::async_with) and
/// [`async_with_local`](super::async_with_local). The future of the scope is then not `Send` either: it runs in
/// `block_on`, on a current-thread runtime or in a [`LocalSet`](tokio::task::LocalSet).
///
/// The exit is awaited whenever the block is left: by its end, `?`, `return`, `break` or a panic. If the future is
/// dropped, the guard is dropped at once, as with the policy [`DropNow`](crate::context::DropNow): the exit cannot
/// continue as a [cleanup](crate::cleanup), because a cleanup may run on any thread. The same holds if an outer scope
/// interrupts its block, as a [timeout](crate::tasks::timeout()) does. If the exit of an
/// [`on_exit`](crate::context::on_exit) does not run or does not complete, it is reported as
/// [abandoned](crate::cleanup::AbandonReason::NotSend).
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::convert::Infallible;
/// use std::rc::Rc;
/// use withal::context::{ExitReason, LocalAsyncContextManager, LocalAsyncGuard, async_with, local};
///
/// #[derive(Clone, Default)]
/// struct Undo(Rc<RefCell<Vec<&'static str>>>);
///
/// impl LocalAsyncContextManager for Undo {
///     type Guard = Self;
///     async fn aenter(self) -> Result<Self, Infallible> {
///         Ok(self)
///     }
/// }
///
/// impl LocalAsyncGuard for Undo {
///     type Target = Self;
///     type Error = Infallible;
///     type Suppression = ();
///     fn target(&mut self) -> &mut Self {
///         self
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Infallible> {
///         tokio::task::yield_now().await;
///         if !exit.is_ok() {
///             self.0.borrow_mut().clear();
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let edits = Undo::default();
/// async_with!(edits = local(edits.clone()) => {
///     edits.0.borrow_mut().push("insert");
/// });
/// assert_eq!(*edits.0.borrow(), ["insert"]);
/// # }
/// ```
#[doc(alias("Rc", "LocalSet", "spawn_local", "not Send"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a local async context manager",
    label = "cannot be entered by `local`",
    note = "enter an `AsyncContextManager` without `local`; for other types, implement `LocalAsyncContextManager` and \
            `LocalAsyncGuard`"
)]
pub trait LocalAsyncContextManager: Sized {
    /// The guard, which the scope holds while the block runs and exits afterwards.
    type Guard: LocalAsyncGuard;

    /// Enters the manager. If entering fails, there is nothing to exit.
    ///
    /// # Errors
    ///
    /// The manager's own error.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the destructors of all that it has acquired run, but no exit.
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, <Self::Guard as LocalAsyncGuard>::Error>>;
}

/// The guard of an entered [`LocalAsyncContextManager`].
///
/// It has the same items as an [`AsyncGuard`](crate::context::AsyncGuard), but no drop policy: a guard that is not
/// `Send` is dropped together with its block.
pub trait LocalAsyncGuard: Sized {
    /// The type that the block borrows as `&mut`.
    type Target: ?Sized;

    /// The error of entering and exiting; [`Infallible`](std::convert::Infallible) if neither can fail. Its `Debug` is
    /// for the [reports](crate::cleanup#reports) of exits whose errors cannot be returned.
    type Error: Debug + Send + 'static;

    /// The success value of the exit: `()`, or `bool` if the exit can suppress the block's error.
    type Suppression: Suppression;

    /// Returns the target for the block.
    fn target(&mut self) -> &mut Self::Target;

    /// Returns the name of the exit in reports: that of the guard's type, unless the guard has been given one.
    #[doc(hidden)]
    fn report_name(&self) -> Name {
        Name::of_type::<Self>()
    }

    /// Returns `true` if the exit is more than the destructor: its abandonment is reported.
    #[doc(hidden)]
    fn reports_abandoned(&self) -> bool {
        false
    }

    /// Exits the guard. Called at most once, after the block was dropped and everything nested in it has ended.
    ///
    /// # Errors
    ///
    /// The manager's own error. If the block has failed or panicked, its error or panic takes precedence.
    ///
    /// # Cancel safety
    ///
    /// If the future of the scope is dropped during the exit, the future of the exit and the guard are dropped.
    fn aexit(&mut self, exit: ExitReason<'_>)
    -> impl Future<Output = Result<Self::Suppression, Self::Error>>;
}

/// Enters a [`LocalAsyncContextManager`] in [`async_with!`](macro@crate::async_with), alone or beside other managers.
pub fn local<M: LocalAsyncContextManager>(manager: M) -> Local<M> {
    Local(manager)
}

/// A manager that is not `Send`. Created by [`local`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct Local<M>(pub(in crate::context) M);

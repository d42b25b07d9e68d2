use std::future::Future;

use super::guard::LocalAsyncGuard;

/// A manager whose guard, or whose futures, are not `Send`: one that holds an `Rc`, or a handle of the thread.
///
/// It is entered as [`local(manager)`](local), by [`async_with!`](macro@crate::async_with) and
/// [`async_with_local`](super::async_with_local). The future of the scope is then not `Send` either: it runs in
/// `block_on`, on a current-thread runtime or in a [`LocalSet`](tokio::task::LocalSet).
///
/// The exit is awaited whenever the block is left: by its end, `?`, `return`, `break` or a panic. If an outer scope
/// interrupts its block, as a [timeout](crate::tasks::timeout()) does, that scope awaits the exit. If the future is
/// dropped, the guard's [policy](LocalAsyncGuard::OnDrop) decides. With [`Detach`](crate::context::Detach), which
/// [`on_exit`](crate::context::on_exit) has, the exit runs on the thread on which the future was dropped:
///
/// | the future is dropped | the exit |
/// |---|---|
/// | on a current-thread runtime, also in a `LocalSet` on it | runs as a [cleanup](crate::cleanup) of that runtime, outside of the `LocalSet` |
/// | on a multi-thread runtime or outside of a runtime, inside the block of another scope | runs when that block ends |
/// | on a multi-thread runtime or outside of a runtime, without a scope around it, or together with that scope | is reported as [abandoned](crate::cleanup::AbandonReason::NotSend) |
///
/// A current-thread runtime must run on the thread on which the future was dropped, and must not be moved to another
/// thread while such an exit is pending: the exit would be reported as failed, and the guard would be dropped when the
/// thread that it is on ends.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::convert::Infallible;
/// use std::rc::Rc;
/// use withal::context::{Detach, ExitReason, LocalAsyncContextManager, LocalAsyncGuard, async_with, local};
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
///     type OnDrop = Detach;
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

/// Enters a [`LocalAsyncContextManager`] in [`async_with!`](macro@crate::async_with), alone or beside other managers.
pub fn local<M: LocalAsyncContextManager>(manager: M) -> Local<M> {
    Local(manager)
}

/// A manager that is not `Send`. Created by [`local`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct Local<M>(pub(in crate::context) M);

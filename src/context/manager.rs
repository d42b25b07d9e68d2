use std::future::Future;

use super::guard::AsyncGuard;

/// The error of entering and exiting a manager.
pub(super) type ManagerError<M> = <<M as AsyncContextManager>::Guard as AsyncGuard>::Error;

/// A value that [`async_with!`](macro@crate::async_with) can enter: Python's `__aenter__`.
///
/// Entering consumes the manager and returns an [`AsyncGuard`], which the scope exits. Manager and guard often have the
/// same type. A manager can be anything that describes its guard: a lock, a pool, the parameters of a connection.
///
/// # Examples
///
/// A lease that is released on every exit path:
///
/// ```
/// use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};
///
/// struct Lease(&'static str);
///
/// impl AsyncContextManager for Lease {
///     type Guard = Self;
///     async fn aenter(self) -> Result<Self, std::io::Error> {
///         println!("acquire {}", self.0);
///         Ok(self)
///     }
/// }
///
/// impl AsyncGuard for Lease {
///     type Target = &'static str; // borrowed by the block
///     type Error = std::io::Error; // of the enter and of the exit
///     type Suppression = (); // the exit never suppresses the block's error
///     type OnDrop = Detach; // if the block is dropped, the exit runs as a task
///     fn target(&mut self) -> &mut &'static str {
///         &mut self.0
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), std::io::Error> {
///         tokio::task::yield_now().await; // notify the server
///         println!("release {}: {exit:?}", self.0);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// let length = async_with!(name = Lease("host/port") => { name.len() })?;
/// assert_eq!(length, 9);
/// # Ok(())
/// # }
/// ```
#[doc(alias("aenter", "with", "using", "RAII", "contextlib"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an async context manager",
    label = "cannot be entered by `async_with`",
    note = "lock a `tokio::sync::Mutex` with `&mutex`, and an `RwLock` with `context::read(&lock)` or \
            `context::write(&lock)`; for other types, implement `AsyncContextManager` and `AsyncGuard`"
)]
pub trait AsyncContextManager: Sized {
    /// The guard, which the scope holds while the block runs and exits afterwards.
    type Guard: AsyncGuard;

    /// Enters the manager. If entering fails, there is nothing to exit.
    ///
    /// # Errors
    ///
    /// The manager's own error.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the destructors of all that it has acquired run, but no exit. To prevent this, use
    /// [`shield_enter`](super::AsyncContextManagerExt::shield_enter).
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, <Self::Guard as AsyncGuard>::Error>> + Send;
}

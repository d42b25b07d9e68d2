use std::future::{Future, pending};
use std::time::Duration;

use super::policy::DEFAULT_GRACE_PERIOD;
use super::{ExitPolicy, ExitReason, Suppression};

/// What can be entered: Python's `__aenter__`.
///
/// Entering takes the manager and gives what has to be exited, an [`AsyncGuard`]; often that is the manager itself, and
/// often what can be entered is a lock, a pool, or the arguments of a connection.
///
/// # Examples
///
/// A lease that is given up whichever way the block is left:
///
/// ```
/// use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};
///
/// struct Lease(&'static str);
///
/// impl AsyncContextManager for Lease {
///     type Guard = Self;
///     async fn aenter(self) -> Result<Self, std::io::Error> {
///         println!("lease {}", self.0);
///         Ok(self)
///     }
/// }
///
/// impl AsyncGuard for Lease {
///     type Target = &'static str; // what the block gets
///     type Error = std::io::Error; // of the enter and of the exit
///     type Suppression = (); // it never suppresses the block's error
///     type OnDrop = Detach; // dropped in the middle, the exit runs as a task
///     fn target(&mut self) -> &mut &'static str {
///         &mut self.0
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), std::io::Error> {
///         tokio::task::yield_now().await; // tell the server
///         println!("give up {}: {exit:?}", self.0);
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be entered by `async_with`",
    label = "no context manager",
    note = "lock a `tokio::sync::Mutex` by `&mutex`; read and write an `RwLock` by `context::read` and \
            `context::write`; or implement `AsyncContextManager` and `AsyncGuard`"
)]
pub trait AsyncContextManager: Sized {
    /// What is held while the block runs, and exited when it is left.
    type Guard: AsyncGuard;

    /// Enters. Where it fails, there is nothing to exit.
    ///
    /// # Errors
    ///
    /// The manager's own.
    ///
    /// # Cancel safety
    ///
    /// Dropped in the middle, it is as any other future: what it had acquired is what its own destructors give back.
    /// See [`shield_enter`](super::AsyncContextManagerExt::shield_enter).
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, <Self::Guard as AsyncGuard>::Error>> + Send;
}

/// What has to be exited, and how: Python's `__aexit__`.
///
/// # Examples
///
/// See [`AsyncContextManager`].
pub trait AsyncGuard: Sized {
    /// What the block gets, as `&mut`: Python's `as target`.
    type Target: ?Sized;

    /// What entering and exiting fail with; [`Infallible`](std::convert::Infallible) where they cannot.
    type Error: Send + 'static;

    /// `()` where the block's error is never suppressed, and the block's value is the value; `bool` where it may be:
    /// `true` suppresses it, and the block's value is an `Option`, `None` then.
    type Suppression: Suppression;

    /// What becomes of it when the block is dropped before it came to its end, for which there is no default:
    /// [`DropNow`](super::DropNow), [`DropAfterChildren`](super::DropAfterChildren), [`Detach`](super::Detach) or [`Restart`](super::Restart).
    type OnDrop: ExitPolicy<Self>;

    /// What the block gets.
    fn target(&mut self) -> &mut Self::Target;

    /// The target, and what interrupts the block when it is ready: for timeouts, and for groups of which one has failed.
    ///
    /// The block is dropped then, and `aexit` is called with [`ExitReason::Cancelled`]; it is to fail, or to suppress it. By
    /// default nothing interrupts. It is asked when the block has been polled and is not ready. A panic of it is one of the
    /// block.
    #[inline]
    fn target_and_interrupt(&mut self) -> (&mut Self::Target, impl Future<Output = ()> + Send) {
        (self.target(), pending())
    }

    /// How long the exit may take where nobody waits for it any more; then it is lost, and told to the
    /// [observers](crate::cleanup::observe). By the wall clock, and 30 seconds by default, or if it panics.
    fn grace_period(&self) -> Duration {
        DEFAULT_GRACE_PERIOD
    }

    /// Exits. It is called once, after the block was dropped, and when all that was detached inside of it is over.
    ///
    /// With [`Restart`](super::Restart) it is called once more, with [`ExitReason::Cancelled`], if it was dropped in the middle.
    ///
    /// # Errors
    ///
    /// The manager's own. Where an error or a panic of the block is under way, that one goes on.
    fn aexit(
        &mut self,
        exit: ExitReason<'_>,
    ) -> impl Future<Output = Result<Self::Suppression, Self::Error>> + Send;
}

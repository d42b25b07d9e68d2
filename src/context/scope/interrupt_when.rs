use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use super::collector::{NotEntering, register};
use super::interrupt::{Interrupt, defer_without_budget};
use crate::panic::{catch_panic, ignore_panic};

/// Interrupts the block of the scope that is being entered when `interrupt` completes: for timeouts, for example.
///
/// Called in the future of [`aenter`](crate::context::AsyncContextManager::aenter). The interrupt applies to the scope
/// that enters the manager, also if the manager is wrapped in others, or is entered on an
/// [`AsyncExitStack`](crate::context::AsyncExitStack) or in an
/// [`asynccontextmanager`](crate::context::asynccontextmanager()).
///
/// On an interrupt, the block is dropped, and [`aexit`](crate::context::AsyncGuard::aexit) is called with
/// [`ExitReason::Cancelled`](crate::context::ExitReason::Cancelled). `aexit` must then return an error, or suppress the
/// interrupt; otherwise the scope panics.
///
/// `interrupt` is polled whenever a poll of the block returns `Pending`. It shares tokio's coop budget with the block;
/// if one of them spends the budget, they take turns. A block that is ready is not interrupted. If `interrupt` panics,
/// this counts as a panic of the block. It is dropped when the block has ended.
///
/// # Errors
///
/// [`NotEntering`] if no scope is being entered: if `aenter` is called by hand, or runs in a spawned task.
///
/// # Examples
///
/// A connection whose block ends when the server closes the connection:
///
/// ```
/// use std::future::pending;
/// use tokio::sync::oneshot;
/// use withal::context::{
///     AsyncContextManager, AsyncGuard, DropNow, ExitReason, NotEntering, async_with, interrupt_when,
/// };
///
/// struct Connection {
///     closed: Option<oneshot::Receiver<()>>,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// enum ConnectionError {
///     #[error("the server closed the connection")]
///     Closed,
///     #[error(transparent)]
///     NotEntering(#[from] NotEntering),
/// }
///
/// impl AsyncContextManager for Connection {
///     type Guard = Self;
///     async fn aenter(mut self) -> Result<Self, ConnectionError> {
///         if let Some(closed) = self.closed.take() {
///             interrupt_when(async { drop(closed.await) })?;
///         }
///         Ok(self)
///     }
/// }
///
/// impl AsyncGuard for Connection {
///     type Target = Self;
///     type Error = ConnectionError;
///     type Suppression = ();
///     type OnDrop = DropNow;
///     fn target(&mut self) -> &mut Self {
///         self
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), ConnectionError> {
///         if exit.is_cancelled() { Err(ConnectionError::Closed) } else { Ok(()) }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (server, closed) = oneshot::channel();
/// tokio::spawn(async { drop(server) });
/// let result = async_with!(_ = Connection { closed: Some(closed) } => { pending::<()>().await });
/// assert!(matches!(result, Err(ConnectionError::Closed)));
/// # }
/// ```
///
/// A manager that wraps another one passes its interrupts on, because it enters the other one in its own `aenter`:
///
/// ```
/// # use std::future::pending;
/// # use std::time::Duration;
/// use withal::context::{AsyncContextManager, AsyncGuard, DropNow, ExitReason, async_with};
/// use withal::tasks::{Timeout, TimeoutError, timeout};
///
/// /// A timeout that logs.
/// struct Logged(Timeout);
///
/// impl AsyncContextManager for Logged {
///     type Guard = Self;
///     async fn aenter(self) -> Result<Self, TimeoutError> {
///         println!("limited until {:?}", self.0.when());
///         Ok(Logged(self.0.aenter().await?))
///     }
/// }
///
/// impl AsyncGuard for Logged {
///     type Target = Timeout;
///     type Error = TimeoutError;
///     type Suppression = ();
///     type OnDrop = DropNow;
///     fn target(&mut self) -> &mut Timeout {
///         &mut self.0
///     }
///     async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), TimeoutError> {
///         self.0.aexit(exit).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let limit = Logged(timeout(Duration::from_secs(1)));
/// let result = async_with!(_ = limit => { pending::<()>().await });
/// assert_eq!(result, Err(TimeoutError::Elapsed));
/// # }
/// ```
#[doc(alias("target_and_interrupt", "cancel", "race", "select"))]
pub fn interrupt_when(interrupt: impl Future<Output = ()> + Send + 'static) -> Result<(), NotEntering> {
    let when = WhenReady { future: Box::pin(interrupt), is_ready: false, has_deferred: false };
    register(Arc::new(FutureInterrupt(Mutex::new(Some(when)))))
}

/// The future of [`interrupt_when`]: `None` during a poll, and after it has panicked or been dropped.
struct FutureInterrupt(Mutex<Option<WhenReady>>);

struct WhenReady {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// `true` once the future has completed.
    is_ready: bool,
    /// See [`defer_without_budget`].
    has_deferred: bool,
}

impl FutureInterrupt {
    /// No user code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, Option<WhenReady>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the future, and returns it unless it was dropped.
    fn poll(&self, cx: &mut Context<'_>) -> Option<WhenReady> {
        let mut when = self.lock().take()?;
        match catch_panic(|| when.is_ready || when.future.as_mut().poll(cx).is_ready()) {
            Ok(is_ready) => when.is_ready = is_ready,
            Err(payload) => {
                // Its destructor may panic as well: not while the first panic unwinds.
                ignore_panic(|| drop(when));
                resume_unwind(payload);
            }
        }
        Some(when)
    }
}

impl Interrupt for FutureInterrupt {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut when) = self.poll(cx) else { return Poll::Pending };
        let is_interrupted = when.is_ready && !defer_without_budget(&mut when.has_deferred, cx);
        *self.lock() = Some(when);
        if is_interrupted { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_before_block(&self, cx: &mut Context<'_>) {
        if let Some(when) = self.poll(cx) {
            *self.lock() = Some(when);
        }
    }

    fn leave_block(&self) {
        // A statement of its own, so that the lock is released before the future is dropped.
        let future = self.lock().take();
        drop(future);
    }
}

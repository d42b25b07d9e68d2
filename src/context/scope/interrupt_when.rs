use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::task::coop::{has_budget_remaining, unconstrained};

use super::collector::{NotEntering, register};
use super::interrupt::Interrupt;

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
/// `interrupt` is polled whenever a poll of the block returns `Pending`, also if the block has spent tokio's coop
/// budget. A block that is ready is not interrupted. If `interrupt` panics, this counts as a panic of the block. It is
/// dropped when the block has ended.
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
    let when = WhenReady { future: Box::pin(interrupt), has_deferred: false };
    register(Arc::new(FutureInterrupt(Mutex::new(Some(when)))))
}

/// Polls `future` after work that may have spent the coop budget: without a budget of its own, a timer or a channel in
/// it would then never be ready.
///
/// Work without budget may be ready all the same. It is therefore polled once more, with a new budget, before `future`
/// is polled; `has_deferred` records that. Not more often: the work may spend the budget in each poll.
pub(in crate::context) fn poll_after_work<F: Future + ?Sized>(
    future: Pin<&mut F>,
    has_deferred: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    let is_spent = !has_budget_remaining();
    let has_deferred = mem::replace(has_deferred, is_spent);
    if is_spent && !has_deferred {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    if is_spent {
        pin!(unconstrained(future)).poll(cx)
    } else {
        // The rest of the budget bounds a future that would otherwise be ready for ever.
        future.poll(cx)
    }
}

/// The future of [`interrupt_when`]: `None` during a poll, and after it has completed, panicked or been dropped.
struct FutureInterrupt(Mutex<Option<WhenReady>>);

struct WhenReady {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    has_deferred: bool,
}

impl FutureInterrupt {
    /// No user code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, Option<WhenReady>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interrupt for FutureInterrupt {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut when) = self.lock().take() else { return Poll::Pending };
        let polled = poll_after_work(when.future.as_mut(), &mut when.has_deferred, cx);
        if polled.is_pending() {
            *self.lock() = Some(when);
        }
        polled
    }

    fn leave_block(&self) {
        // A statement of its own, so that the lock is released before the future is dropped.
        let future = self.lock().take();
        drop(future);
    }
}

//! The interrupts of a scope: futures that end its block, registered by its manager while the manager is entered.
//!
//! A scope polls `aenter` inside of an [`Enter`], which keeps a [`Collector`] open during each poll.
//! [`interrupt_when`] registers a future with the innermost collector that is open on the thread, whatever wrappers
//! are between the manager and the scope. The scope polls what was registered whenever its block is pending.
//!
//! Nearly all managers register nothing. For them, a collector costs a read and a write of one thread-local integer
//! when it opens, and the same when it closes, as a [`TrackingScope`](crate::cleanup::TrackingScope) does.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use pin_project::pin_project;
use tokio::task::coop::{has_budget_remaining, unconstrained};

use crate::panic::{catch_panic, drop_payload, ignore_panic};

thread_local! {
    /// The number of collectors that are open on this thread, in the lower 32 bits, and the length of [`REGISTERED`],
    /// in the upper 32 bits.
    ///
    /// If the value is unchanged since a collector was opened, the collector has nothing to collect.
    static STATE: Cell<u64> = const { Cell::new(0) };
    /// The interrupts that were registered in the open collectors, each with the depth of its collector, in ascending
    /// order of depth.
    static REGISTERED: RefCell<Vec<(u64, Arc<dyn Interrupt>)>> = const { RefCell::new(Vec::new()) };
}

thread_local! {
    /// The number of polls on this thread after which a block that can be interrupted was pending.
    static PENDING: Cell<usize> = const { Cell::new(0) };
}

/// A counter that changes during a poll in which a block that can be interrupted is suspended.
pub(in crate::context) fn count_pending() -> usize {
    PENDING.get()
}

const DEPTH_MASK: u64 = u32::MAX as u64;

/// A source of interrupts, shared by a scope and its manager.
pub(crate) trait Interrupt: Send + Sync {
    /// Ready when the block is to be interrupted. Polled whenever the block is pending, with the coop budget that the
    /// block has left, and not after it was ready.
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Called when the block has ended or was dropped, and its destructors have run.
    fn leave_block(&self);

    /// Returns `true` if it limits the block: `false` for a function that only runs beside the block.
    fn is_limit(&self) -> bool {
        true
    }
}

/// The error of an interrupt that is registered where no scope is being entered, and that would therefore never
/// interrupt a block.
///
/// It occurs in an `aenter` that is called by hand or in a spawned task, and on an
/// [`AsyncExitStack`](crate::context::AsyncExitStack) that was not entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no scope is being entered here: enter the manager by `async_with!`, or on an `AsyncExitStack` that was entered"
)]
#[non_exhaustive]
pub struct NotEntering;

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

/// Registers an interrupt with the scope that is being entered.
pub(crate) fn register(interrupt: Arc<dyn Interrupt>) -> Result<(), NotEntering> {
    let state = STATE.get();
    let depth = state & DEPTH_MASK;
    // The access fails while the thread ends.
    if depth == 0 || REGISTERED.try_with(|all| all.borrow_mut().push((depth, interrupt))).is_err() {
        return Err(NotEntering);
    }
    STATE.set(state + (1 << 32));
    Ok(())
}

/// The interrupts of one scope.
#[derive(Default)]
pub struct Interrupts(Option<Arc<dyn Interrupt>>);

impl Interrupts {
    #[inline]
    pub(in crate::context) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    #[cold]
    #[inline(never)]
    pub(in crate::context) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.0.as_ref().map_or(Poll::Pending, |interrupt| interrupt.poll_interrupt(cx));
        if polled.is_pending() && self.0.as_ref().is_some_and(|interrupt| interrupt.is_limit()) {
            PENDING.set(PENDING.get().wrapping_add(1));
        }
        polled
    }

    /// Notifies the managers that the block has ended. Called again, it does nothing.
    #[cold]
    #[inline(never)]
    pub(in crate::context) fn leave_block(&mut self) {
        if let Some(interrupt) = self.0.take() {
            interrupt.leave_block();
        }
    }

    /// Returns all interrupts as one.
    pub(in crate::context) fn into_inner(mut self) -> Option<Arc<dyn Interrupt>> {
        self.0.take()
    }

    fn add(&mut self, interrupt: Arc<dyn Interrupt>) {
        self.0 = Some(match self.0.take() {
            None => interrupt,
            Some(first) => Arc::new(Both(first, interrupt)),
        });
    }
}

/// If the enter has failed or was dropped, or the scope was dropped before its block, there is no block to interrupt.
impl Drop for Interrupts {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            ignore_panic(|| self.leave_block());
        }
    }
}

/// Collects the interrupts that are registered on this thread, and adds them to `interrupts` when it is dropped.
///
/// It is held during one poll of an enter, and never across an `await`.
struct Collector<'a> {
    /// [`STATE`] before this collector was opened.
    outer: u64,
    interrupts: &'a mut Interrupts,
}

impl<'a> Collector<'a> {
    #[inline]
    fn open(interrupts: &'a mut Interrupts) -> Self {
        let outer = STATE.get();
        STATE.set(outer + 1);
        Self { outer, interrupts }
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self) {
        let outer_depth = self.outer & DEPTH_MASK;
        // The inner collectors have collected their interrupts. The entries that are deeper than the outer collector
        // are therefore those of this collector, and come last.
        let interrupts = &mut *self.interrupts;
        // The access fails while the thread ends, when no scope runs any more.
        let remaining = REGISTERED.try_with(|all| {
            let mut all = all.borrow_mut();
            let ours = all.partition_point(|(depth, _)| *depth <= outer_depth);
            all.drain(ours..).for_each(|(_, interrupt)| interrupts.add(interrupt));
            all.len() as u64
        });
        STATE.set(outer_depth | remaining.unwrap_or(0) << 32);
    }
}

impl Drop for Collector<'_> {
    #[inline]
    fn drop(&mut self) {
        if STATE.get() == self.outer + 1 {
            STATE.set(self.outer);
        } else {
            self.collect();
        }
    }
}

/// The enter of a manager, which returns the guard and the interrupts of its scope.
#[pin_project]
pub(in crate::context) struct Enter<F> {
    #[pin]
    enter: F,
    interrupts: Interrupts,
}

impl<F> Enter<F> {
    #[inline]
    pub(in crate::context) fn new(enter: F) -> Self {
        Self { enter, interrupts: Interrupts::default() }
    }
}

impl<F: Future<Output = Result<G, E>>, G, E> Future for Enter<F> {
    type Output = Result<(G, Interrupts), E>;

    // Otherwise, each enter is a call whose result is copied. A debug build keeps its stack frames small.
    #[cfg_attr(not(debug_assertions), allow(clippy::inline_always, reason = "measured"), inline(always))]
    #[cfg_attr(debug_assertions, inline)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let collector = Collector::open(this.interrupts);
        let polled = this.enter.poll(cx);
        drop(collector);
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(guard)) if this.interrupts.is_empty() => {
                Poll::Ready(Ok((guard, Interrupts(None))))
            }
            Poll::Ready(entered) => Poll::Ready(entered.map(|guard| (guard, mem::take(this.interrupts)))),
        }
    }
}

/// Two interrupts: a manager may register any number.
struct Both(Arc<dyn Interrupt>, Arc<dyn Interrupt>);

impl Interrupt for Both {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_interrupt(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => self.1.poll_interrupt(cx),
        }
    }

    fn leave_block(&self) {
        leave_all([self.0.clone(), self.1.clone()]);
    }

    fn is_limit(&self) -> bool {
        self.0.is_limit() || self.1.is_limit()
    }
}

/// Notifies each manager, also if the destructor of an interrupt panics. Afterwards, the first panic continues.
pub(in crate::context) fn leave_all(interrupts: impl IntoIterator<Item = Arc<dyn Interrupt>>) {
    let mut first = None;
    for interrupt in interrupts {
        match (catch_panic(|| interrupt.leave_block()), &first) {
            (Ok(()), _) => {}
            (Err(payload), None) => first = Some(payload),
            (Err(payload), Some(_)) => drop_payload(payload),
        }
    }
    if let Some(payload) = first {
        resume_unwind(payload);
    }
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

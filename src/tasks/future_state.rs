use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::cancellation::Cancellation;
use super::error::{Error, TaskResult};
use super::unretrieved::Unretrieved;
use crate::panic::ignore_panic;

type Callback<T, E> = Box<dyn FnOnce(&TaskResult<T, E>) + Send>;

/// The state that a [`TaskHandle`](super::TaskHandle) shares with the promise that completes it.
///
/// ```text
///            set_running
///   Pending ─────────────▶ Running
///      │ complete, cancel     │ complete
///      └──────────┬───────────┘
///                 ▼
///            Completing        calls the callbacks, without the lock
///                 │
///        ┌────────┴────────┐
///        ▼                 ▼
///     Finished         Cancelled
/// ```
///
/// The state of a task is never `Running`. Cancelling a task does not complete it: it requests that the task completes
/// itself.
pub(super) struct FutureState<T, E> {
    inner: Mutex<Inner<T, E>>,
    /// Notified when the stage becomes `Finished` or `Cancelled`, if a thread is blocked.
    finished: Condvar,
    cancellation: Cancellation,
    /// `true` once the handle was dropped and nothing else can observe the result. It publishes nothing: the task that
    /// finds it set leaves the state as it is, so Relaxed suffices.
    is_unobserved: AtomicBool,
}

struct Inner<T, E> {
    stage: Stage,
    cancel_mode: CancelMode,
    /// Set once the future has finished, until the handle moves the result out.
    result: Option<TaskResult<T, E>>,
    /// Boxed, since most futures have no callbacks.
    callbacks: Option<Box<Callbacks<T, E>>>,
    /// The waker of the task that awaits the handle.
    waiter: Option<Waker>,
    /// Reports an error that is not retrieved. `None` if the error is reported elsewhere.
    unretrieved: Option<Unretrieved<E>>,
    /// Set if the handle was dropped before the future had finished.
    is_handle_dropped: bool,
    /// The number of threads that wait for the result. They are counted because notifying the condition variable is a
    /// system call even if no thread waits.
    blocked_threads: u32,
}

struct Callbacks<T, E> {
    remaining: Vec<Callback<T, E>>,
    /// The thread that is calling the callbacks.
    caller: Option<ThreadId>,
}

impl<T, E> Default for Callbacks<T, E> {
    fn default() -> Self {
        Self { remaining: Vec::new(), caller: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Pending,
    Running,
    /// The result is decided, and the callbacks are being called.
    Completing,
    Finished,
    Cancelled,
}

/// The effect of `cancel`.
enum CancelMode {
    /// Completes the future, unless it is running.
    Immediate,
    /// Requests that the task completes at its next step.
    Task {
        /// The waker of the task itself, once it has been suspended.
        waker: Option<Waker>,
    },
}

impl<T, E> FutureState<T, E> {
    pub(super) fn new(unretrieved: Unretrieved<E>) -> Self {
        Self::with(CancelMode::Immediate, Some(unretrieved))
    }

    /// Creates the state of a task. Without `unretrieved`, its error is not reported.
    pub(super) fn for_task(unretrieved: Option<Unretrieved<E>>) -> Self {
        Self::with(CancelMode::Task { waker: None }, unretrieved)
    }

    fn with(cancel_mode: CancelMode, unretrieved: Option<Unretrieved<E>>) -> Self {
        let inner = Inner {
            stage: Stage::Pending,
            cancel_mode,
            result: None,
            callbacks: None,
            waiter: None,
            unretrieved,
            is_handle_dropped: false,
            blocked_threads: 0,
        };
        Self {
            inner: Mutex::new(inner),
            finished: Condvar::new(),
            cancellation: Cancellation::default(),
            is_unobserved: AtomicBool::new(false),
        }
    }

    /// Locks the state. While it is locked nothing panics, except a poll after completion, and the only user code that
    /// runs is the clone of a waker.
    fn lock(&self) -> MutexGuard<'_, Inner<T, E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stage(&self) -> Stage {
        self.lock().stage
    }

    /// Moves from `Pending` to `Running`. Returns `false` if the future was not pending.
    pub(super) fn set_running(&self) -> bool {
        let mut inner = self.lock();
        let is_pending = inner.stage == Stage::Pending;
        if is_pending {
            inner.stage = Stage::Running;
        }
        is_pending
    }

    /// Completes the future. Returns the result if the future was complete before.
    ///
    /// A task whose cancellation was requested has no value any more: it is cancelled instead.
    pub(super) fn complete(&self, result: TaskResult<T, E>) -> Result<(), TaskResult<T, E>> {
        let inner = self.lock();
        if inner.stage >= Stage::Completing {
            return Err(result);
        }
        let is_too_late = result.is_ok() && self.is_cancel_requested();
        // The value is dropped at the end of this function: its destructor is user code.
        let (result, _dropped) =
            if is_too_late { (Err(Error::Cancelled), Some(result)) } else { (result, None) };
        self.finish(inner, result);
        Ok(())
    }

    /// Records that nothing can observe the result any more: neither the handle, nor a callback, nor an abort handle of
    /// the user.
    #[inline]
    pub(super) fn set_unobserved(&self) {
        self.is_unobserved.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the future need not be completed, because nothing can observe the result. A future that became
    /// unobserved just now may return `false`.
    #[inline]
    pub(super) fn is_unobserved(&self) -> bool {
        self.is_unobserved.load(Ordering::Relaxed)
    }

    /// Cancels the future as its [`CancelMode`] prescribes. Returns `false` if the future cannot be cancelled.
    pub(super) fn cancel(&self) -> bool {
        let mut inner = self.lock();
        if inner.stage >= Stage::Completing {
            return false;
        }
        if let CancelMode::Task { waker } = &mut inner.cancel_mode {
            // Stored under the lock: `register_cancel_waker` either finds this request, or has registered the waker
            // before.
            self.cancellation.request();
            let waker = waker.take();
            drop(inner);
            // The lock is free: the wake may drop the last reference to the task, whose destructor locks this state.
            if let Some(waker) = waker {
                waker.wake();
            }
            return true;
        }
        // A job that is running cannot be interrupted.
        let is_pending = inner.stage == Stage::Pending;
        if is_pending {
            self.finish(inner, Err(Error::Cancelled));
        }
        is_pending
    }

    /// Returns `true` if the task is to complete at its next step.
    pub(super) fn is_cancel_requested(&self) -> bool {
        self.cancellation.is_requested()
    }

    /// Registers the task to be woken when its cancellation is requested. Returns `true` if it was requested already.
    ///
    /// The waker of a task never changes, so it is registered once.
    pub(super) fn register_cancel_waker(&self, cx: &Context<'_>) -> bool {
        if !self.cancellation.is_waker_needed() {
            return self.cancellation.is_requested();
        }
        let mut inner = self.lock();
        if let CancelMode::Task { waker } = &mut inner.cancel_mode {
            *waker = Some(cx.waker().clone());
        }
        // A request may have come between the load and the lock.
        !self.cancellation.suspend()
    }

    #[inline(always)]
    fn finish<'a>(&'a self, mut inner: MutexGuard<'a, Inner<T, E>>, result: TaskResult<T, E>) {
        // This stage makes later calls of `complete` and `cancel` fail while the callbacks run without the lock.
        inner.stage = Stage::Completing;
        // The result is stored after the callbacks have borrowed it: a waiting task could move it out.
        if inner.callbacks.is_some() {
            inner = self.run_callbacks(inner, &result);
        }
        let is_cancelled = matches!(result, Err(Error::Cancelled));
        inner.stage = if is_cancelled { Stage::Cancelled } else { Stage::Finished };
        inner.result = Some(result);
        let (waiter, blocked_threads) = (inner.waiter.take(), inner.blocked_threads);
        let is_handle_dropped = inner.is_handle_dropped;
        drop(inner);
        if is_handle_dropped {
            self.report_unretrieved();
        }
        // The result is in place and the lock is free: wake the waiting threads and the waiting task.
        if blocked_threads > 0 {
            self.finished.notify_all();
        }
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Calls all callbacks, each without the lock.
    #[cold]
    fn run_callbacks<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner<T, E>>,
        result: &TaskResult<T, E>,
    ) -> MutexGuard<'a, Inner<T, E>> {
        // A callback may add another one.
        while let Some(callbacks) =
            inner.callbacks.as_mut().filter(|callbacks| !callbacks.remaining.is_empty())
        {
            callbacks.caller = Some(thread::current().id());
            let remaining = mem::take(&mut callbacks.remaining);
            drop(inner);
            for callback in remaining {
                run_callback(callback, result);
            }
            inner = self.lock();
        }
        // The caller keeps this lock until the stage has changed, so no callback can be added in between and be lost.
        inner.callbacks = None;
        inner
    }

    /// Records that the handle was dropped before it had retrieved the result. An error is reported now, or when the
    /// future finishes.
    #[cold]
    pub(super) fn drop_handle(&self) {
        let mut inner = self.lock();
        inner.is_handle_dropped = true;
        let is_finished = inner.stage > Stage::Completing;
        drop(inner);
        if is_finished {
            self.report_unretrieved();
        }
    }

    /// Reports the error of a finished future whose handle was dropped, with the result that the handle has kept for
    /// callbacks.
    #[cold]
    pub(super) fn drop_handle_with(&self, result: TaskResult<T, E>) {
        self.lock().result = Some(result);
        self.drop_handle();
    }

    /// Returns the report of an error that is not retrieved, unless the error is reported elsewhere.
    pub(super) fn unretrieved(&self) -> Option<Unretrieved<E>> {
        self.lock().unretrieved
    }

    /// Reports the error of a finished future whose handle was dropped.
    #[cold]
    fn report_unretrieved(&self) {
        let mut inner = self.lock();
        let Some(unretrieved) = inner.unretrieved.take() else { return };
        let name = match inner.cancel_mode {
            CancelMode::Immediate => "future",
            CancelMode::Task { .. } => "task",
        };
        let Some(result) = inner.result.take() else { return };
        // The lock is free while the observers, which are user code, borrow the error.
        drop(inner);
        if let Err(error) = &result {
            unretrieved.report(name, error);
        }
        // Put back, because the destructor of the result is user code: it runs where the state is dropped.
        self.lock().result = Some(result);
    }

    /// Returns `true` if this is a task that has not finished. In that case, `waker` replaces the waker of the task
    /// that awaits the handle, and is woken when this task has finished.
    pub(super) fn register_if_unfinished(&self, waker: &Waker) -> bool {
        let mut inner = self.lock();
        let is_unfinished =
            inner.stage <= Stage::Completing && matches!(inner.cancel_mode, CancelMode::Task { .. });
        let replaced = if is_unfinished { inner.waiter.replace(waker.clone()) } else { None };
        // The destructor of a waker is user code.
        drop(inner);
        drop(replaced);
        is_unfinished
    }

    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<TaskResult<T, E>> {
        let mut inner = self.lock();
        if let Some(result) = inner.result.take() {
            return Poll::Ready(result);
        }
        assert!(inner.stage <= Stage::Completing, "`TaskHandle` polled after its result was moved out");
        let replaced = register_waker(&mut inner.waiter, cx);
        drop(inner);
        drop(replaced);
        Poll::Pending
    }

    /// Moves the result into `cell`, if the future has finished, and borrows it from the cell.
    pub(super) fn peek<'a>(
        &self,
        cell: &'a OnceLock<TaskResult<T, E>>,
    ) -> Result<&'a TaskResult<T, E>, Error<E>> {
        if let Some(result) = cell.get() {
            return Ok(result);
        }
        let mut inner = self.lock();
        if let Some(result) = inner.result.take() {
            // Filled under the lock: a thread that finds the result gone finds the cell filled, if this handle took it.
            return Ok(cell.get_or_init(|| result));
        }
        // Another thread may have filled the cell since it was read above.
        cell.get().ok_or(if inner.stage <= Stage::Completing {
            Error::NotReady
        } else {
            Error::AlreadyAwaited
        })
    }

    /// Adds a callback. Returns it if the future has finished.
    pub(super) fn add_callback(&self, callback: Callback<T, E>) -> Option<Callback<T, E>> {
        let mut inner = self.lock();
        if inner.stage > Stage::Completing {
            return Some(callback);
        }
        inner.callbacks.get_or_insert_default().remaining.push(callback);
        None
    }

    /// Blocks the thread until the future has finished. Returns `false` if that takes longer than `timeout`.
    ///
    /// In a callback of this future, it returns `true` at once, because waiting would be a deadlock.
    pub(super) fn wait_timeout(&self, timeout: Option<Duration>) -> bool {
        // A deadline that an instant cannot represent is no deadline.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut inner = self.lock();
        let caller = inner.callbacks.as_ref().and_then(|callbacks| callbacks.caller);
        if caller.is_some_and(|caller| caller == thread::current().id()) {
            return true;
        }
        inner.blocked_threads += 1;
        let mut is_timed_out = false;
        // A wait may end spuriously, so the loop checks the stage and computes the remaining time again.
        while inner.stage <= Stage::Completing && !is_timed_out {
            inner = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.finished.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    is_timed_out = true;
                    inner
                }
                Some(remaining) => {
                    self.finished.wait_timeout(inner, remaining).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        inner.blocked_threads -= 1;
        !is_timed_out
    }
}

/// Calls a callback, and catches its panic, so that the other callbacks are called. The panic hook has reported the
/// panic.
pub(super) fn run_callback<T, E>(callback: impl FnOnce(&TaskResult<T, E>), result: &TaskResult<T, E>) {
    ignore_panic(|| callback(result));
}

/// Stores the waker of the polling task in `waiter`. Returns the replaced waker, to be dropped after the lock is
/// released, because its destructor is user code.
#[inline]
pub(super) fn register_waker(waiter: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    match waiter {
        Some(waiter) if waiter.will_wake(cx.waker()) => None,
        waiter => waiter.replace(cx.waker().clone()),
    }
}

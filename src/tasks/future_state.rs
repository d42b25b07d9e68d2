use std::mem;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::{Error, TaskResult};
use crate::panic::ignore_panic;

type Callback<T, E> = Box<dyn FnOnce(&TaskResult<T, E>) + Send>;

/// What a future and whoever completes it have in common.
pub(super) struct FutureState<T, E> {
    state: Mutex<State<T, E>>,
    is_over: Condvar,
    /// Of a task: written while the state is locked, and read at every step of the task without.
    phase: AtomicU8,
}

/// It has not awaited anything yet.
const FRESH: u8 = 0;
/// It has, and is woken when it is asked to end.
const SUSPENDED: u8 = 1;
/// It was asked to end.
const ASKED: u8 = 2;

struct State<T, E> {
    stage: Stage,
    /// How it ends when it is cancelled.
    cancel: Cancel,
    /// From its end on, until the handle moves it out.
    outcome: Option<TaskResult<T, E>>,
    /// None is what most have, and takes less.
    callbacks: Option<Box<Callbacks<T, E>>>,
    /// Of whoever awaits it.
    waiter: Option<Waker>,
    /// How many threads sleep until it is over: waking none would be a system call all the same.
    sleepers: u32,
}

struct Callbacks<T, E> {
    left: Vec<Callback<T, E>>,
    /// The thread that they are called on, while they are.
    caller: Option<ThreadId>,
}

impl<T, E> Default for Callbacks<T, E> {
    fn default() -> Self {
        Self { left: Vec::new(), caller: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Pending,
    Running,
    /// How it ends is settled, and the callbacks are called.
    Ending,
    Finished,
    Cancelled,
}

/// What a cancel does.
enum Cancel {
    /// Ends it at once, unless it is running.
    AtOnce,
    /// Asks the task to end, at its next step: the waker is the task's, once it was polled.
    Task { step: Option<Waker> },
}

impl<T, E> FutureState<T, E> {
    pub(super) fn new() -> Self {
        Self::with(Cancel::AtOnce)
    }

    pub(super) fn of_task() -> Self {
        Self::with(Cancel::Task { step: None })
    }

    fn with(cancel: Cancel) -> Self {
        let state = State {
            stage: Stage::Pending,
            cancel,
            outcome: None,
            callbacks: None,
            waiter: None,
            sleepers: 0,
        };
        Self { state: Mutex::new(state), is_over: Condvar::new(), phase: AtomicU8::new(FRESH) }
    }

    /// Nothing panics while it is locked but whoever awaits twice, and nobody else's code runs but the clone of a waker.
    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stage(&self) -> Stage {
        self.state().stage
    }

    /// Whether it may run: it is pending.
    pub(super) fn run(&self) -> bool {
        let mut state = self.state();
        let is_pending = state.stage == Stage::Pending;
        if is_pending {
            state.stage = Stage::Running;
        }
        is_pending
    }

    /// Ends it, unless it is over: then the outcome comes back. A task that was asked to end has no value any more.
    pub(super) fn settle(&self, outcome: TaskResult<T, E>) -> Result<(), TaskResult<T, E>> {
        let state = self.state();
        if state.stage >= Stage::Ending {
            return Err(outcome);
        }
        let is_too_late = outcome.is_ok() && self.is_asked();
        let (outcome, _dropped) =
            if is_too_late { (Err(Error::Cancelled), Some(outcome)) } else { (outcome, None) };
        self.end(state, outcome);
        Ok(())
    }

    /// Whether the cancel was of use. What [`Cancel`] says.
    pub(super) fn cancel(&self) -> bool {
        let mut state = self.state();
        if state.stage >= Stage::Ending {
            return false;
        }
        if let Cancel::Task { step } = &mut state.cancel {
            self.phase.store(ASKED, Ordering::Release);
            let step = step.take();
            drop(state);
            if let Some(step) = step {
                step.wake();
            }
            return true;
        }
        let is_pending = state.stage == Stage::Pending;
        if is_pending {
            self.end(state, Err(Error::Cancelled));
        }
        is_pending
    }

    /// Whether the task was asked to end.
    pub(super) fn is_asked(&self) -> bool {
        self.phase.load(Ordering::Acquire) == ASKED
    }

    /// The same, where it awaits something, and from now on is to be woken when it is asked. A task has one waker.
    pub(super) fn suspend(&self, cx: &Context<'_>) -> bool {
        match self.phase.load(Ordering::Acquire) {
            FRESH => {
                let mut state = self.state();
                if let Cancel::Task { step } = &mut state.cancel {
                    *step = Some(cx.waker().clone());
                }
                // It may have been asked since.
                self.phase.compare_exchange(FRESH, SUSPENDED, Ordering::Release, Ordering::Acquire).is_err()
            }
            phase => phase == ASKED,
        }
    }

    #[inline(always)]
    fn end<'a>(&'a self, mut state: MutexGuard<'a, State<T, E>>, outcome: TaskResult<T, E>) {
        state.stage = Stage::Ending;
        if state.callbacks.is_some() {
            state = self.call_all(state, &outcome);
        }
        let is_cancelled = matches!(outcome, Err(Error::Cancelled));
        state.stage = if is_cancelled { Stage::Cancelled } else { Stage::Finished };
        state.outcome = Some(outcome);
        let (waiter, sleepers) = (state.waiter.take(), state.sleepers);
        drop(state);
        if sleepers > 0 {
            self.is_over.notify_all();
        }
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    #[cold]
    fn call_all<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, E>>,
        outcome: &TaskResult<T, E>,
    ) -> MutexGuard<'a, State<T, E>> {
        // One may be added by another.
        while let Some(callbacks) = state.callbacks.as_mut().filter(|callbacks| !callbacks.left.is_empty()) {
            callbacks.caller = Some(thread::current().id());
            let left = mem::take(&mut callbacks.left);
            drop(state);
            for callback in left {
                call(callback, outcome);
            }
            state = self.state();
        }
        state.callbacks = None;
        state
    }

    /// Whether it is a task that is not over; then `waker` is woken when it is, in place of whoever awaits it.
    pub(super) fn is_task_left(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        let is_left = state.stage <= Stage::Ending && matches!(state.cancel, Cancel::Task { .. });
        let before = if is_left { state.waiter.replace(waker.clone()) } else { None };
        // Its destructor is somebody else's code.
        drop(state);
        drop(before);
        is_left
    }

    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<TaskResult<T, E>> {
        let mut state = self.state();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        assert!(state.stage <= Stage::Ending, "a future is awaited once");
        let before = wait(&mut state.waiter, cx);
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Moves the outcome, if it is there, to where it can be lent from.
    pub(super) fn lend<'a>(
        &self,
        to: &'a OnceLock<TaskResult<T, E>>,
    ) -> Result<&'a TaskResult<T, E>, Error<E>> {
        if let Some(outcome) = to.get() {
            return Ok(outcome);
        }
        let mut state = self.state();
        if let Some(outcome) = state.outcome.take() {
            return Ok(to.get_or_init(|| outcome));
        }
        // Another thread may have been quicker.
        to.get().ok_or(if state.stage <= Stage::Ending { Error::NotReady } else { Error::AlreadyAwaited })
    }

    /// Calls it at the end, or gives it back where that is over.
    pub(super) fn add_callback(&self, callback: Callback<T, E>) -> Option<Callback<T, E>> {
        let mut state = self.state();
        if state.stage > Stage::Ending {
            return Some(callback);
        }
        state.callbacks.get_or_insert_default().left.push(callback);
        None
    }

    /// Blocks the thread until it is over; false if that takes longer. In a callback of its own there is nothing to wait
    /// for: it is over when that has returned.
    pub(super) fn sleep(&self, most: Option<Duration>) -> bool {
        // None is never, and so is what no clock can show.
        let until = most.and_then(|most| Instant::now().checked_add(most));
        let mut state = self.state();
        let caller = state.callbacks.as_ref().and_then(|callbacks| callbacks.caller);
        if caller.is_some_and(|caller| caller == thread::current().id()) {
            return true;
        }
        state.sleepers += 1;
        let mut is_late = false;
        while state.stage <= Stage::Ending && !is_late {
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.is_over.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    is_late = true;
                    state
                }
                Some(left) => {
                    self.is_over.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.sleepers -= 1;
        !is_late
    }
}

/// A panic is told by the panic hook, and goes no further: there are others to be called.
pub(super) fn call<T, E>(callback: impl FnOnce(&TaskResult<T, E>), outcome: &TaskResult<T, E>) {
    ignore_panic(|| callback(outcome));
}

/// Has who polls woken. What was to be woken before comes back: its destructor is somebody else's code.
#[inline]
pub(super) fn wait(waiter: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    match waiter {
        Some(waiter) if waiter.will_wake(cx.waker()) => None,
        waiter => waiter.replace(cx.waker().clone()),
    }
}

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::error::TimeoutError;
use crate::context::{Interrupt, NotEntering};
use crate::tasks::timer::Timer;

/// The deadline of a timeout, shared by its handles and its block.
pub(super) struct Deadline {
    state: Mutex<State>,
    /// Wakes the block after a reschedule.
    waker: AtomicWaker,
    /// Created by the first poll with a deadline. Locked by the poll of the block only.
    timer: Mutex<Option<Pin<Box<Timer>>>>,
}

#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) when: Option<Instant>,
}

/// ```text
///             enter              the deadline passes
/// Created ------------> Active ----------------------> Expired
///                          |
///                          |  the block completes or is dropped
///                          +-------------------------> Finished
///                          |
///                          |  there is no block to interrupt
///                          +-------------------------> Refused
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Created,
    Active,
    Expired,
    Finished,
    Refused,
}

impl Deadline {
    pub(super) fn new(when: Option<Instant>) -> Self {
        Self {
            state: Mutex::new(State { phase: Phase::Created, when }),
            waker: AtomicWaker::new(),
            timer: Mutex::new(None),
        }
    }

    /// Never poisoned: nothing panics while the state is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timer(&self) -> MutexGuard<'_, Option<Pin<Box<Timer>>>> {
        self.timer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> State {
        *self.lock()
    }

    pub(super) fn enter(&self) -> Result<(), TimeoutError> {
        let mut state = self.lock();
        if state.phase != Phase::Created {
            return Err(TimeoutError::AlreadyEntered);
        }
        state.phase = Phase::Active;
        Ok(())
    }

    pub(super) fn reschedule(&self, when: Option<Instant>) -> Result<(), TimeoutError> {
        let mut state = self.lock();
        match state.phase {
            Phase::Created => return Err(TimeoutError::NotEntered),
            Phase::Expired => return Err(TimeoutError::Expired),
            Phase::Finished => return Err(TimeoutError::Finished),
            Phase::Refused => return Err(NotEntering.into()),
            Phase::Active => state.when = when,
        }
        // Wake the block, which moves its timer. The waker is user code, so the lock is released first.
        drop(state);
        self.waker.wake();
        Ok(())
    }

    /// Expires the timeout if it is active and `when` is still its deadline, and returns `true` in that case. The
    /// deadline is compared so that a reschedule that has returned `Ok` is never ignored.
    fn expire(&self, when: Instant) -> bool {
        let mut state = self.lock();
        // Compared under the lock: a reschedule may have come since the timer was polled.
        let is_current = state.phase == Phase::Active && state.when == Some(when);
        if is_current {
            state.phase = Phase::Expired;
        }
        is_current
    }

    /// Finishes the timeout if it is active.
    ///
    /// Called twice, when the block ends and by the exit: neither call may hide the expiry.
    pub(super) fn finish(&self) -> Result<(), TimeoutError> {
        let mut state = self.lock();
        match state.phase {
            Phase::Expired => return Err(TimeoutError::Elapsed),
            Phase::Refused => return Err(NotEntering.into()),
            Phase::Created | Phase::Active | Phase::Finished => state.phase = Phase::Finished,
        }
        Ok(())
    }
}

impl Interrupt for Deadline {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Registered before the deadline is read, so that a reschedule after the read wakes the block.
        self.waker.register(cx.waker());
        let Some(when) = self.state().when else { return Poll::Pending };
        let polled = {
            let mut timer = self.timer();
            match &mut *timer {
                None => timer.insert(Box::pin(Timer::new(when))).as_mut().poll_after_work(cx),
                Some(timer) => {
                    if timer.deadline() != when {
                        timer.as_mut().reset(when);
                    }
                    timer.as_mut().poll_after_work(cx)
                }
            }
        };
        // If `expire` returns `false`, the timeout was rescheduled meanwhile, which wakes the block, or it has finished.
        if polled.is_ready() && self.expire(when) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn refuse(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Active {
            state.phase = Phase::Refused;
        }
    }

    /// Finishes the timeout of a block that is dropped, for which `aexit` is not called. For other blocks, both this
    /// method and `aexit` finish the timeout, which is idempotent.
    fn leave_block(&self) {
        // The exit returns the error.
        let _is_expired = self.finish();
        // A statement of its own, so that the lock is released before the timer is dropped.
        let timer = self.timer().take();
        drop(timer);
    }
}

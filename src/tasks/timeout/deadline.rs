use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use pin_project::{pin_project, pinned_drop};
use tokio::time::{Instant, Sleep, sleep_until};

use super::TimeoutError;

/// What the handles of a timeout have in common with what waits for it.
pub(super) struct Deadline {
    state: Mutex<State>,
    /// Of the block, to have another look.
    waker: AtomicWaker,
}

#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) stage: Stage,
    pub(super) when: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stage {
    Created,
    Active,
    Expired,
    Finished,
}

impl Deadline {
    pub(super) fn new(when: Option<Instant>) -> Self {
        Self { state: Mutex::new(State { stage: Stage::Created, when }), waker: AtomicWaker::new() }
    }

    /// Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> State {
        *self.lock()
    }

    pub(super) fn enter(&self) -> Result<(), TimeoutError> {
        let mut state = self.lock();
        if state.stage != Stage::Created {
            return Err(TimeoutError::AlreadyEntered);
        }
        state.stage = Stage::Active;
        Ok(())
    }

    pub(super) fn reschedule(&self, when: Option<Instant>) -> Result<(), TimeoutError> {
        let mut state = self.lock();
        match state.stage {
            Stage::Created => return Err(TimeoutError::NotEntered),
            Stage::Expired => return Err(TimeoutError::Expired),
            Stage::Finished => return Err(TimeoutError::Finished),
            Stage::Active => state.when = when,
        }
        drop(state);
        self.waker.wake();
        Ok(())
    }

    /// The time is over, unless it was set anew since: whoever did that was told that it went well.
    fn expire(&self, when: Instant) -> bool {
        let mut state = self.lock();
        let is_still_then = state.when == Some(when);
        if is_still_then {
            state.stage = Stage::Expired;
        }
        is_still_then
    }

    /// The block is over; whether that is because the time was.
    pub(super) fn finish(&self) -> bool {
        let mut state = self.lock();
        let is_expired = state.stage == Stage::Expired;
        if !is_expired {
            state.stage = Stage::Finished;
        }
        is_expired
    }
}

/// Ready when the time is over.
#[pin_project(PinnedDrop)]
pub(super) struct Expiry {
    deadline: Arc<Deadline>,
    #[pin]
    sleep: Option<Sleep>,
}

impl Expiry {
    pub(super) fn new(deadline: Arc<Deadline>) -> Self {
        Self { deadline, sleep: None }
    }
}

impl Future for Expiry {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        this.deadline.waker.register(cx.waker());
        let Some(when) = this.deadline.state().when else { return Poll::Pending };
        match this.sleep.as_mut().as_pin_mut() {
            None => this.sleep.set(Some(sleep_until(when))),
            Some(sleep) if sleep.deadline() != when => sleep.reset(when),
            Some(_) => {}
        }
        let polled = this.sleep.as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(cx));
        // If not, it was set anew meanwhile, which wakes this.
        if polled.is_ready() && this.deadline.expire(when) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A block that is dropped is not exited, and its handles are to know that it is over. One that is exited is over by now.
#[pinned_drop]
impl PinnedDrop for Expiry {
    fn drop(self: Pin<&mut Self>) {
        self.deadline.finish();
    }
}

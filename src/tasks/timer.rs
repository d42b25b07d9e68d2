use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pin_project::pin_project;
use tokio::task::coop::{has_budget_remaining, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that limits work. It is polled after the work, in the same poll, so that work that is ready at the deadline
/// is in time.
///
/// tokio's own timer alone is not enough for this. If the work has spent tokio's cooperative budget, such a timer is
/// never ready, and if the work has blocked its thread, it is not ready before the next turn of the runtime.
#[pin_project]
pub(super) struct Timer {
    #[pin]
    sleep: Sleep,
    /// `true` once the deadline has passed and the work was polled again because it had no budget left.
    has_deferred: bool,
}

impl Timer {
    /// Creates a timer. Panics outside of a tokio runtime, or on a runtime whose timer is not enabled.
    pub(super) fn new(deadline: Instant) -> Self {
        Self { sleep: sleep_until(deadline), has_deferred: false }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }

    pub(super) fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        this.sleep.reset(deadline);
        *this.has_deferred = false;
    }

    /// Ready when the deadline has passed. Polled after the work, with the budget that the work has left.
    pub(super) fn poll_after_work(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        // Compare the clock, which is right even if the runtime has not turned its timers. Otherwise, wait for the
        // timer, whatever budget is left.
        let has_passed = Instant::now() >= this.sleep.deadline();
        if !has_passed && pin!(unconstrained(this.sleep)).poll(cx).is_pending() {
            return Poll::Pending;
        }
        // Work without budget may be ready all the same. Poll it once more, with a new budget. Not more often: code
        // that shares the task may spend the budget in each poll.
        if !has_budget_remaining() && !mem::replace(this.has_deferred, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

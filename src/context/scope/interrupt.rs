use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::task::coop::has_budget_remaining;

use crate::panic::catch_each;

/// A source of interrupts, shared by a scope and its manager.
///
/// It is polled by the poll of the block, and shares tokio's coop budget with the block. User code in it is never polled
/// with an unlimited budget: code that is ready again and again, such as a loop over a busy channel, would not return.
pub(crate) trait Interrupt: Send + Sync {
    /// Ready when the block is to be interrupted. Polled whenever the block is pending, with the coop budget that the
    /// block has left, and not after it was ready.
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Polls user code before the block, because the block left no budget for it. If it completes, the next
    /// [`poll_interrupt`](Self::poll_interrupt) is ready.
    fn poll_before_block(&self, _cx: &mut Context<'_>) {}

    /// Called before the block is interrupted although this is not ready, because no scope is there whose block it could
    /// interrupt. The exit must then fail.
    fn refuse(&self) {}

    /// Called when the block has ended or was dropped, and its destructors have run.
    fn leave_block(&self);

    /// Returns `true` if it limits the block: `false` for a function that only runs beside the block.
    fn is_limit(&self) -> bool {
        true
    }
}

/// Two interrupts: a manager may register any number.
pub(super) struct Both {
    all: [Arc<dyn Interrupt>; 2],
    /// `true` if the second interrupt is polled before the first one when they are polled before the block. Only polls
    /// of a block access the flag, to let the two take turns. It publishes nothing, so Relaxed suffices.
    is_reversed: AtomicBool,
}

impl Both {
    /// Combines two interrupts into one. If one of them is `None`, returns the other.
    #[inline]
    pub(super) fn of(
        first: Option<Arc<dyn Interrupt>>,
        second: Option<Arc<dyn Interrupt>>,
    ) -> Option<Arc<dyn Interrupt>> {
        match (first, second) {
            (Some(first), Some(second)) => Some(Self::pair(first, second)),
            (first, second) => first.or(second),
        }
    }

    #[cold]
    fn pair(first: Arc<dyn Interrupt>, second: Arc<dyn Interrupt>) -> Arc<dyn Interrupt> {
        Arc::new(Self { all: [first, second], is_reversed: AtomicBool::new(false) })
    }
}

impl Interrupt for Both {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.all[0].poll_interrupt(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => self.all[1].poll_interrupt(cx),
        }
    }

    fn poll_before_block(&self, cx: &mut Context<'_>) {
        // The first may spend the budget, so they alternate. Without budget, a turn would be lost.
        let is_reversed = has_budget_remaining() && self.is_reversed.fetch_xor(true, Ordering::Relaxed);
        let [first, second] = &self.all;
        let (first, second) = if is_reversed { (second, first) } else { (first, second) };
        first.poll_before_block(cx);
        second.poll_before_block(cx);
    }

    fn refuse(&self) {
        self.all.iter().for_each(|interrupt| interrupt.refuse());
    }

    fn leave_block(&self) {
        // Each manager is notified, and then the first panic of the destructors of the interrupts continues.
        if let Some(payload) = catch_each(&self.all, |interrupt| interrupt.leave_block()) {
            payload.resume();
        }
    }

    fn is_limit(&self) -> bool {
        self.all.iter().any(|interrupt| interrupt.is_limit())
    }
}

/// Returns `true` if a ready interrupt must not end its block yet, because the block had no budget left. It wakes the
/// task in that case.
///
/// Work without budget may be ready all the same. It is therefore polled once more, with a new budget; `has_deferred`
/// records that. Not more often: the work may spend the budget in each poll.
pub(in crate::context) fn defer_without_budget(has_deferred: &mut bool, cx: &Context<'_>) -> bool {
    let must_defer = !*has_deferred && !has_budget_remaining();
    if must_defer {
        *has_deferred = true;
        cx.waker().wake_by_ref();
    }
    must_defer
}

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::interrupt::{Both, Interrupt};
use crate::panic::ignore_panic;

thread_local! {
    /// The number of polls on this thread after which a block that can be interrupted was pending.
    static PENDING: Cell<usize> = const { Cell::new(0) };
}

/// A counter that changes during a poll in which a block that can be interrupted is suspended.
pub(in crate::context) fn count_pending() -> usize {
    PENDING.get()
}

/// The interrupts of one scope. Boxed once more, so that a scope without interrupts is one pointer smaller.
#[derive(Default)]
pub(in crate::context) struct Interrupts(Option<Box<Arc<dyn Interrupt>>>);

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
        self.0.take().map(|all| *all)
    }

    pub(super) fn add(&mut self, interrupt: Arc<dyn Interrupt>) {
        self.0 = Some(Box::new(match self.0.take() {
            None => interrupt,
            Some(first) => Arc::new(Both(*first, interrupt)),
        }));
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

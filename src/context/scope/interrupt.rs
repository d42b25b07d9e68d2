use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::panic::{catch_panic, drop_payload};

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

/// Two interrupts: a manager may register any number.
pub(super) struct Both(pub(super) Arc<dyn Interrupt>, pub(super) Arc<dyn Interrupt>);

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

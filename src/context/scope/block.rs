use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

use super::interrupts::Interrupts;
use super::state::{RuntimeSlot, ScopeState};
use crate::cleanup::{TrackingScope, drop_in_place, drop_tracked};
use crate::panic::{Payload, catch_panic, drop_payload};

/// The block of a scope.
///
/// Cleanups that are detached while the block is polled or dropped become children of the scope: its exit waits for
/// them.
#[pin_project(PinnedDrop)]
pub struct BlockFuture<'s, F, R> {
    /// `None` after the block has ended.
    #[pin]
    block: Option<F>,
    state: &'s mut ScopeState<R>,
}

/// The end of a block.
pub enum BlockOutcome<T> {
    Completed(T),
    /// Boxed twice, so that an outcome stays small: it is moved even if nothing panics.
    Panicked(Box<Payload>),
    Interrupted,
}

impl<'s, F, R> BlockFuture<'s, F, R> {
    #[inline]
    pub fn new(block: F, state: &'s mut ScopeState<R>) -> Self {
        Self { block: Some(block), state }
    }
}

impl<F: Future, R: RuntimeSlot> Future for BlockFuture<'_, F, R> {
    type Output = BlockOutcome<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BlockOutcome<F::Output>> {
        let mut this = self.project();
        let ScopeState { children, runtime, interrupts } = &mut **this.state;
        let tracking = TrackingScope::open(children);
        // Poll the block first: a block that is ready is not interrupted.
        let polled = catch_panic(|| {
            let block = this.block.as_mut().as_pin_mut().expect("block polled after completion");
            if let Poll::Ready(output) = block.poll(cx) {
                // A panic of a destructor counts as a panic of the block.
                this.block.set(None);
                if !interrupts.is_empty() {
                    interrupts.leave_block();
                }
                return Poll::Ready(BlockOutcome::Completed(output));
            }
            if interrupts.is_empty() {
                return Poll::Pending;
            }
            interrupts.poll(cx).map(|()| BlockOutcome::Interrupted)
        });
        let outcome = match polled {
            // Drop the interrupted block while its detached cleanups are still tracked.
            Ok(Poll::Ready(BlockOutcome::Interrupted)) => {
                drop_unfinished(this.block, interrupts).err().map_or(BlockOutcome::Interrupted, panicked)
            }
            Ok(Poll::Ready(outcome)) => outcome,
            // From here on, the scope can be dropped anywhere.
            Ok(Poll::Pending) => {
                runtime.capture_current();
                return Poll::Pending;
            }
            // The block panicked. If its destructor panics as well, the first panic is the outcome.
            Err(payload) => {
                if let Err(second) = drop_unfinished(this.block, interrupts) {
                    drop_payload(second);
                }
                panicked(payload)
            }
        };
        drop(tracking);
        Poll::Ready(outcome)
    }
}

#[cold]
fn panicked<T>(payload: Payload) -> BlockOutcome<T> {
    BlockOutcome::Panicked(Box::new(payload))
}

#[cold]
fn drop_unfinished<F>(block: Pin<&mut Option<F>>, interrupts: &mut Interrupts) -> Result<(), Payload> {
    // The scope lives on, and runs the exits that are nested in the block in its own task.
    drop_in_place(|| leave(block, interrupts))
}

/// Drops the block, and then the interrupts, which end with it. Returns the first panic.
#[cold]
fn leave<F>(mut block: Pin<&mut Option<F>>, interrupts: &mut Interrupts) -> Result<(), Payload> {
    let dropped = catch_panic(|| block.set(None));
    let left = catch_panic(|| interrupts.leave_block());
    match (dropped, left) {
        (Err(first), Err(second)) => {
            drop_payload(second);
            Err(first)
        }
        (dropped, left) => dropped.and(left),
    }
}

#[pinned_drop]
impl<F, R> PinnedDrop for BlockFuture<'_, F, R> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.block.is_some() {
            // A destructor may detach a cleanup. The scope, which is dropped next, passes it to the drop policy.
            let ScopeState { children, interrupts, .. } = &mut **this.state;
            drop_tracked(children, || {
                if interrupts.is_empty() {
                    this.block.set(None);
                } else if let Err(payload) = leave(this.block, interrupts) {
                    resume_unwind(payload);
                }
            });
        }
    }
}

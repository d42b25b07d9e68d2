use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

use super::interrupts::Interrupts;
use super::state::{RuntimeSlot, ScopeState};
use crate::cleanup::{TrackingScope, drop_in_place, drop_tracked};
use crate::panic::{KeptPayload, Payload, catch_panic, drop_payload};

/// The block of a scope.
///
/// Cleanups that are detached while the block is polled or dropped become children of the scope: its exit waits for
/// them.
#[pin_project(PinnedDrop)]
pub struct BlockFuture<'s, F, R, D = BodyEnd> {
    /// `None` after the block has ended.
    #[pin]
    block: Option<F>,
    detect: D,
    state: &'s mut ScopeState<R>,
}

/// Detects whether a poll of the block was its last one.
///
/// This is a parameter, not a future around the block's, because the compiler limits the depth of nested types: it must
/// suffice for twenty nested scopes.
pub trait DetectEnd<T> {
    type Output;

    fn detect(&self, polled: Poll<T>) -> Poll<Self::Output>;

    /// Returns the payload of a closure that panicked instead of returning the block.
    fn take_panic(&mut self) -> Option<Box<KeptPayload>> {
        None
    }
}

/// The body of a function ends if its future is ready. The field is for [`BlockFuture::call`]: in the place of the
/// block, the payload would make each drop of a block slower.
pub struct BodyEnd(ManuallyDrop<Option<Box<KeptPayload>>>);

impl BodyEnd {
    const NOT_PANICKED: Self = Self(ManuallyDrop::new(None));
}

impl Drop for BodyEnd {
    #[inline]
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            drop(payload);
        }
    }
}

impl<T> DetectEnd<T> for BodyEnd {
    type Output = T;

    #[inline]
    fn detect(&self, polled: Poll<T>) -> Poll<T> {
        polled
    }

    #[cold]
    fn take_panic(&mut self) -> Option<Box<KeptPayload>> {
        self.0.take()
    }
}

/// The end of a block.
pub enum BlockOutcome<T> {
    Completed(T),
    /// Boxed twice, so that an outcome stays small: it is moved even if nothing panics.
    Panicked(Box<KeptPayload>),
    Interrupted,
}

impl<'s, F, R> BlockFuture<'s, F, R> {
    /// Returns the future of a body.
    #[inline]
    pub fn new(body: F, state: &'s mut ScopeState<R>) -> Self {
        Self::with_detection(body, BodyEnd::NOT_PANICKED, state)
    }

    /// Calls the closure for the body. If it panics, this counts as a panic of the body.
    #[inline]
    pub fn call(body: impl FnOnce() -> F, state: &'s mut ScopeState<R>) -> Self {
        match catch_panic(body) {
            Ok(block) => Self::new(block, state),
            Err(payload) => Self {
                block: None,
                detect: BodyEnd(ManuallyDrop::new(Some(Box::new(KeptPayload::new(payload))))),
                state,
            },
        }
    }
}

impl<'s, F, R, D> BlockFuture<'s, F, R, D> {
    #[inline]
    pub fn with_detection(block: F, detect: D, state: &'s mut ScopeState<R>) -> Self {
        Self { block: Some(block), detect, state }
    }
}

impl<F: Future, R: RuntimeSlot, D: DetectEnd<F::Output>> Future for BlockFuture<'_, F, R, D> {
    type Output = BlockOutcome<D::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BlockOutcome<D::Output>> {
        let mut this = self.project();
        let ScopeState { children, runtime, interrupts } = &mut **this.state;
        let _tracking = TrackingScope::open(children);
        // Poll the block first: a block that is ready is not interrupted.
        let polled = catch_panic(|| {
            let Some(block) = this.block.as_mut().as_pin_mut() else {
                return Poll::Ready(BlockOutcome::of_call(this.detect));
            };
            if let Poll::Ready(output) = this.detect.detect(block.poll(cx)) {
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
        // Each case returns at once: a value that is moved once more here costs as much as the rest of the poll.
        match polled {
            // From here on, the scope can be dropped anywhere.
            Ok(Poll::Pending) => {
                runtime.capture_current();
                Poll::Pending
            }
            // Drop the interrupted block while its detached cleanups are still tracked.
            Ok(Poll::Ready(BlockOutcome::Interrupted)) => Poll::Ready(interrupted(this.block, interrupts)),
            Ok(outcome) => outcome,
            Err(payload) => Poll::Ready(failed(this.block, interrupts, payload)),
        }
    }
}

impl<T> BlockOutcome<T> {
    #[cold]
    fn of_call<P>(detect: &mut impl DetectEnd<P>) -> Self {
        Self::Panicked(detect.take_panic().expect("block polled after completion"))
    }
}

#[cold]
#[inline(never)]
fn interrupted<F, T>(block: Pin<&mut Option<F>>, interrupts: &mut Interrupts) -> BlockOutcome<T> {
    match drop_unfinished(block, interrupts) {
        Ok(()) => BlockOutcome::Interrupted,
        Err(payload) => BlockOutcome::Panicked(Box::new(KeptPayload::new(payload))),
    }
}

/// The block panicked. If its destructor panics as well, the first panic is the outcome.
#[cold]
#[inline(never)]
fn failed<F, T>(
    block: Pin<&mut Option<F>>,
    interrupts: &mut Interrupts,
    payload: Payload,
) -> BlockOutcome<T> {
    if let Err(second) = drop_unfinished(block, interrupts) {
        drop_payload(second);
    }
    BlockOutcome::Panicked(Box::new(KeptPayload::new(payload)))
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
impl<F, R, D> PinnedDrop for BlockFuture<'_, F, R, D> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if this.block.is_some() {
            drop_cancelled(this.block, this.state);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_cancelled<F, R>(mut block: Pin<&mut Option<F>>, state: &mut ScopeState<R>) {
    // A destructor may detach a cleanup. The scope, which is dropped next, passes it to the drop policy.
    let ScopeState { children, interrupts, .. } = state;
    drop_tracked(children, || {
        if interrupts.is_empty() {
            block.set(None);
        } else if let Err(payload) = leave(block, interrupts) {
            resume_unwind(payload);
        }
    });
}

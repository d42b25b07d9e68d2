use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

use super::interrupts::Interrupts;
use super::state::{RuntimeSlot, ScopeState};
use crate::cleanup::{TrackingScope, drop_in_place, drop_tracked};
use crate::panic::{KeptPayload, Payload, catch_panic, drop_payload, drop_quietly, ignore_panic};

/// The block of a scope, and the wait for the cleanups that were detached in it.
///
/// Cleanups that are detached while the block is polled or dropped become children of the scope: its exit waits for
/// them. The wait is a stage of this future, and not one of its own, because a future has room for all that it keeps
/// over two awaits beside what it awaits.
///
/// `T` is the output. It is a parameter because a projection would make a future `Send` for fewer lifetimes: see
/// `Scope`.
#[pin_project(PinnedDrop)]
pub struct BlockFuture<'s, F, T, R, D = BodyEnd> {
    #[pin]
    stage: Stage<F, T>,
    detect: D,
    state: &'s mut ScopeState<R>,
}

/// ```text
/// Running --block ended, children left--> Waiting --children finished--> Ended
///    +-------block ended without children---------------------------------^
/// ```
#[pin_project(project = StageProjection)]
enum Stage<F, T> {
    Running(#[pin] F),
    /// The outcome of the block, boxed because few blocks reach this stage. `None` after it was taken. Without
    /// `ManuallyDrop`, each drop of a block would have to distinguish the stages.
    Waiting(ManuallyDrop<Option<Box<BlockOutcome<T>>>>),
    Ended,
}

/// Detects whether a poll of the block was its last one.
///
/// This is a parameter, not a future around the block's, because the compiler limits the depth of nested types: it must
/// suffice for twenty nested scopes.
pub trait DetectEnd<T> {
    type Output;

    fn detect(&self, polled: Poll<T>) -> Poll<Self::Output>;
}

/// The body of a function ends if its future is ready.
pub struct BodyEnd;

impl<T> DetectEnd<T> for BodyEnd {
    type Output = T;

    #[inline]
    fn detect(&self, polled: Poll<T>) -> Poll<T> {
        polled
    }
}

/// The end of a block.
pub enum BlockOutcome<T> {
    Completed(T),
    /// Boxed twice, so that an outcome stays small: it is moved even if nothing panics.
    Panicked(Box<KeptPayload>),
    Interrupted,
}

impl<'s, F, T, R> BlockFuture<'s, F, T, R> {
    /// Returns the future of a body.
    #[inline]
    pub fn new(body: F, state: &'s mut ScopeState<R>) -> Self {
        Self::with_detection(body, BodyEnd, state)
    }

    /// Calls the closure for the body. If it panics, this counts as a panic of the body.
    #[inline]
    pub fn call(body: impl FnOnce() -> F, state: &'s mut ScopeState<R>) -> Self {
        let _entered = state.interrupts.enter_span();
        let block = match catch_panic(body) {
            Ok(body) => Stage::Running(body),
            Err(payload) => Stage::waiting(BlockOutcome::Panicked(Box::new(KeptPayload::new(payload)))),
        };
        Self { stage: block, detect: BodyEnd, state }
    }
}

impl<'s, F, T, R, D> BlockFuture<'s, F, T, R, D> {
    #[inline]
    pub fn with_detection(block: F, detect: D, state: &'s mut ScopeState<R>) -> Self {
        Self { stage: Stage::Running(block), detect, state }
    }
}

impl<F, T, R, D> Future for BlockFuture<'_, F, T, R, D>
where
    F: Future,
    R: RuntimeSlot,
    D: DetectEnd<F::Output, Output = T>,
{
    type Output = BlockOutcome<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BlockOutcome<T>> {
        let mut this = self.project();
        let _entered = this.state.interrupts.enter_span();
        let StageProjection::Running(block) = this.stage.as_mut().project() else {
            return wait(this.stage, this.state, cx);
        };
        let ScopeState { children, runtime, interrupts } = &mut **this.state;
        let tracking = TrackingScope::open(children);
        let polled = catch_panic(|| {
            // The interrupts take turns with the block, if they share a spent budget.
            if !interrupts.is_empty() && interrupts.poll_before_block(cx) {
                return Poll::Pending;
            }
            this.detect.detect(block.poll(cx))
        });
        // The frequent cases return at once: a value that is moved once more here costs as much as the rest of the poll.
        let outcome = match polled {
            Ok(Poll::Pending) if interrupts.is_empty() => {
                // Closed here and not by the return, which would keep the result in memory meanwhile.
                drop(tracking);
                // From here on, the scope can be dropped anywhere.
                runtime.capture_current();
                return Poll::Pending;
            }
            Ok(Poll::Ready(output)) => match catch_panic(|| end(this.stage.as_mut(), interrupts)) {
                Ok(()) => {
                    // Closing the scope moves the cleanups into `children`.
                    drop(tracking);
                    if children.is_empty() {
                        return Poll::Ready(BlockOutcome::Completed(output));
                    }
                    BlockOutcome::Completed(output)
                }
                // A panic of a destructor counts as a panic of the block.
                Err(payload) => {
                    ignore_panic(|| drop(output));
                    failed(this.stage.as_mut(), interrupts, tracking, payload)
                }
            },
            // A block that is ready is not interrupted.
            Ok(Poll::Pending) => match poll_interrupts(this.stage.as_mut(), interrupts, tracking, cx) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    runtime.capture_current();
                    return Poll::Pending;
                }
            },
            Err(payload) => failed(this.stage.as_mut(), interrupts, tracking, payload),
        };
        this.stage.as_mut().end_with(outcome);
        wait(this.stage, this.state, cx)
    }
}

impl<F, T> Stage<F, T> {
    /// Keeps the outcome. A separate function, because in a debug build, the new value takes space in the stack frame.
    #[cold]
    fn end_with(mut self: Pin<&mut Self>, outcome: BlockOutcome<T>) {
        self.set(Self::waiting(outcome));
    }

    #[cold]
    fn waiting(outcome: BlockOutcome<T>) -> Self {
        Self::Waiting(ManuallyDrop::new(Some(Box::new(outcome))))
    }

    #[cold]
    fn take_outcome(self: Pin<&mut Self>) -> Option<Box<BlockOutcome<T>>> {
        match self.project() {
            StageProjection::Waiting(outcome) => outcome.take(),
            StageProjection::Running(_) | StageProjection::Ended => None,
        }
    }
}

/// Polls the children of a block that has ended.
#[cold]
#[inline(never)]
fn wait<F, T, R: RuntimeSlot>(
    ended: Pin<&mut Stage<F, T>>,
    state: &mut ScopeState<R>,
    cx: &mut Context<'_>,
) -> Poll<BlockOutcome<T>> {
    if state.children.poll_wait(cx).is_pending() {
        state.runtime.capture_current();
        return Poll::Pending;
    }
    Poll::Ready(*ended.take_outcome().expect("block polled after completion"))
}

/// Drops a block that is ready.
#[inline]
fn end<F, T>(mut stage: Pin<&mut Stage<F, T>>, interrupts: &mut Interrupts) {
    stage.set(Stage::Ended);
    if !interrupts.is_empty() {
        interrupts.leave_block();
    }
}

/// Polls the interrupts of a block that is pending. An interrupted block is dropped while its detached cleanups are still
/// tracked.
#[cold]
#[inline(never)]
fn poll_interrupts<F, T>(
    stage: Pin<&mut Stage<F, T>>,
    interrupts: &mut Interrupts,
    tracking: TrackingScope<'_>,
    cx: &mut Context<'_>,
) -> Poll<BlockOutcome<T>> {
    match catch_panic(|| interrupts.poll_after_block(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(match drop_unfinished(stage, interrupts) {
            Ok(()) => BlockOutcome::Interrupted,
            Err(payload) => BlockOutcome::Panicked(Box::new(KeptPayload::new(payload))),
        }),
        // A panic of an interrupt counts as a panic of the block.
        Err(payload) => Poll::Ready(failed(stage, interrupts, tracking, payload)),
    }
}

/// The block panicked. If its destructor panics as well, the first panic is the outcome.
#[cold]
#[inline(never)]
fn failed<F, T>(
    stage: Pin<&mut Stage<F, T>>,
    interrupts: &mut Interrupts,
    _tracking: TrackingScope<'_>,
    payload: Payload,
) -> BlockOutcome<T> {
    if let Err(second) = drop_unfinished(stage, interrupts) {
        drop_payload(second);
    }
    BlockOutcome::Panicked(Box::new(KeptPayload::new(payload)))
}

#[cold]
fn drop_unfinished<F, T>(stage: Pin<&mut Stage<F, T>>, interrupts: &mut Interrupts) -> Result<(), Payload> {
    // The scope continues, and runs the exits that are nested in the block in its own task.
    drop_in_place(|| leave(stage, interrupts))
}

/// Drops the block, and then the interrupts, which end with it. Returns the first panic.
#[cold]
fn leave<F, T>(mut stage: Pin<&mut Stage<F, T>>, interrupts: &mut Interrupts) -> Result<(), Payload> {
    let dropped = catch_panic(|| stage.set(Stage::Ended));
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
impl<F, T, R, D> PinnedDrop for BlockFuture<'_, F, T, R, D> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if !matches!(*this.stage, Stage::Ended) {
            drop_cancelled(this.stage, this.state);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_cancelled<F, T, R>(mut dropped: Pin<&mut Stage<F, T>>, state: &mut ScopeState<R>) {
    // A destructor may detach a cleanup. The scope, which is dropped next, passes it to the drop policy.
    let ScopeState { children, interrupts, .. } = state;
    let _entered = interrupts.enter_span();
    drop_tracked(children, || {
        if let Some(outcome) = dropped.as_mut().take_outcome() {
            drop_quietly(outcome);
        }
        if interrupts.is_empty() {
            dropped.set(Stage::Ended);
        } else if let Err(payload) = leave(dropped, interrupts) {
            resume_unwind(payload);
        }
    });
}

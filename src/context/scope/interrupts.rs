use std::cell::Cell;
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::coop::has_budget_remaining;

use super::function_poll::{FunctionMode, FunctionPoll};
use super::interrupt::{Both, Interrupt};
#[cfg(feature = "tracing")]
use super::scope_span::ScopeSpan;
use crate::panic::ignore_panic;

/// The interrupts of one scope, and its span if that is enabled. Boxed, so that a scope without them is one pointer smaller.
///
/// The destructor empties the field. Without `ManuallyDrop`, the code that drops what is left in it would be called by
/// each scope that is dropped.
#[derive(Default)]
pub(in crate::context) struct Interrupts(ManuallyDrop<Option<Box<Registered>>>);

thread_local! {
    /// The box of the last scope with interrupts that has ended on this thread, for the next one: allocating it would cost
    /// as much as the rest of a registration.
    static SPARE: Cell<Option<Box<Registered>>> = const { Cell::new(None) };
}

#[derive(Default)]
struct Registered {
    /// `None` in a spare box.
    interrupt: Option<Arc<dyn Interrupt>>,
    /// `true` if the interrupts are polled before the block in the next poll.
    ///
    /// The block and the user code in the interrupts share the coop budget of a poll, and either may spend it in each
    /// poll. They take turns in being the first, so that neither starves.
    is_before_block: bool,
    /// `true` during a poll in which the block was the first, and had budget.
    is_after_block: bool,
    function: EnclosingFunction,
    /// `true` if the block is interrupted as soon as the function around it is polled by its exit: the block of that
    /// function's manager ends first.
    is_interrupted: bool,
    /// The span stays when the interrupts are taken.
    #[cfg(feature = "tracing")]
    span: ScopeSpan,
}

/// The position of a scope in the function of an [`asynccontextmanager`](crate::context::asynccontextmanager()).
#[derive(Default)]
struct EnclosingFunction {
    /// See [`FunctionPoll::pending_yields`], before the poll of the block.
    pending_yields: u32,
    /// `true` once the scope is known to be around the yield of the function.
    is_around_yield: bool,
}

impl Interrupts {
    #[inline]
    pub(in crate::context) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Called before each poll of the block. Returns `true` if the block is interrupted, and must not be polled.
    #[cold]
    #[inline(never)]
    pub(in crate::context) fn poll_before_block(&mut self, cx: &mut Context<'_>) -> bool {
        self.0.as_mut().is_some_and(|registered| registered.poll_before_block(cx))
    }

    /// Called after each poll of the block that is pending, and after a poll that was omitted. Ready if the block is
    /// interrupted.
    #[cold]
    #[inline(never)]
    pub(in crate::context) fn poll_after_block(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().map_or(Poll::Pending, |registered| registered.poll_after_block(cx))
    }

    /// Notifies the managers that the block has ended. Called again, it does nothing.
    #[cold]
    #[inline(never)]
    pub(in crate::context) fn leave_block(&mut self) {
        if let Some(interrupt) = self.take() {
            interrupt.leave_block();
        }
    }

    /// Returns all interrupts as one.
    pub(in crate::context) fn into_inner(mut self) -> Option<Arc<dyn Interrupt>> {
        if self.is_empty() { None } else { self.take() }
    }

    /// Takes all interrupts as one, and keeps the box for the next scope.
    fn take(&mut self) -> Option<Arc<dyn Interrupt>> {
        let mut registered = self.0.take()?;
        let mut taken = mem::take(&mut *registered);
        let interrupt = taken.interrupt.take();
        #[cfg(feature = "tracing")]
        if taken.span.is_open() {
            registered.span = mem::take(&mut taken.span);
            *self.0 = Some(registered);
            return interrupt;
        }
        // The access fails while the thread ends. Then the box is dropped.
        let _ended = SPARE.try_with(|spare| spare.set(Some(registered)));
        interrupt
    }

    pub(super) fn add(&mut self, interrupt: Arc<dyn Interrupt>) {
        let registered = self.registered();
        registered.interrupt = Both::of(registered.interrupt.take(), Some(interrupt));
    }

    fn registered(&mut self) -> &mut Registered {
        self.0.get_or_insert_with(|| {
            let spare = SPARE.try_with(Cell::take).ok().flatten();
            spare.unwrap_or_default()
        })
    }

    /// Opens the span of the scope.
    #[cfg(feature = "tracing")]
    #[cold]
    #[inline(never)]
    pub(super) fn add_span(&mut self) {
        if let Some(span) = ScopeSpan::open() {
            self.registered().span = span;
        }
    }

    #[cfg(feature = "tracing")]
    #[cold]
    #[inline(never)]
    pub(super) fn opened_span(&self) -> Option<&ScopeSpan> {
        self.0.as_ref().map(|registered| &registered.span).filter(|span| span.is_open())
    }

    #[cfg(feature = "tracing")]
    #[cold]
    #[inline(never)]
    pub(super) fn opened_span_mut(&mut self) -> Option<&mut ScopeSpan> {
        self.0.as_mut().map(|registered| &mut registered.span).filter(|span| span.is_open())
    }

    /// Closes the span. The interrupts have ended before.
    #[cfg(feature = "tracing")]
    #[inline]
    pub(in crate::context) fn close_span(&mut self) {
        if !self.is_empty() {
            drop(self.0.take());
        }
    }
}

impl Registered {
    fn poll_before_block(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(interrupt) = &self.interrupt else { return false };
        let function = FunctionPoll::current();
        if function.mode == FunctionMode::Refusing && self.function.is_around_yield && interrupt.is_limit() {
            interrupt.refuse();
            self.is_interrupted = true;
        }
        if self.is_interrupted {
            return true;
        }
        self.function.pending_yields = function.pending_yields;
        // Without budget, a turn would be lost.
        let has_budget = has_budget_remaining();
        self.is_after_block = has_budget && !mem::take(&mut self.is_before_block);
        if has_budget && !self.is_after_block {
            interrupt.poll_before_block(cx);
        }
        false
    }

    fn poll_after_block(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_interrupted {
            return Poll::Ready(());
        }
        let Some(interrupt) = &self.interrupt else { return Poll::Pending };
        let function = FunctionPoll::current();
        self.function.is_around_yield |= function.pending_yields != self.function.pending_yields;
        let polled = if self.function.is_around_yield {
            poll_around_yield(&**interrupt, &mut self.is_interrupted, function, cx)
        } else {
            interrupt.poll_interrupt(cx)
        };
        // The one that had no budget is the first in the next poll.
        if mem::take(&mut self.is_after_block) && !has_budget_remaining() {
            self.is_before_block = true;
        }
        polled
    }
}

/// Polls the interrupts of a scope around the yield of a function, whose block is that of the function's manager.
fn poll_around_yield(
    interrupt: &dyn Interrupt,
    is_interrupted: &mut bool,
    function: FunctionPoll,
    cx: &mut Context<'_>,
) -> Poll<()> {
    match function.mode {
        FunctionMode::Exiting | FunctionMode::Refusing => interrupt.poll_interrupt(cx),
        FunctionMode::BeforeBlock => {
            interrupt.poll_before_block(cx);
            Poll::Pending
        }
        // A scope inside of this one is interrupted already.
        FunctionMode::AfterBlock if function.is_interrupted => Poll::Pending,
        FunctionMode::AfterBlock => {
            // Leave the block as it is until the block of the function's manager has ended.
            if interrupt.poll_interrupt(cx).is_ready() {
                *is_interrupted = true;
                FunctionPoll::update(|function| function.is_interrupted = true);
            }
            Poll::Pending
        }
        FunctionMode::Entering | FunctionMode::EnteringByHand if !interrupt.is_limit() => Poll::Pending,
        // The block has not begun yet.
        FunctionMode::Entering => {
            FunctionPoll::update(|function| function.is_limited = true);
            Poll::Pending
        }
        FunctionMode::EnteringByHand => {
            FunctionPoll::update(|function| function.is_interrupted = true);
            interrupt.refuse();
            Poll::Ready(())
        }
    }
}

/// If the enter has failed or was dropped, or the scope was dropped before its block, there is no block to interrupt.
impl Drop for Interrupts {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            ignore_panic(|| {
                self.leave_block();
                // The box of a scope that has a span.
                drop(self.0.take());
            });
        }
    }
}

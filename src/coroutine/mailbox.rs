use std::cell::Cell;
use std::collections::VecDeque;
use std::marker::PhantomPinned;
use std::mem;
use std::task::{Context, Waker};

use super::stage::{Stage, StageCell};
use super::throw::Throw;

/// The state that a body shares with its driver: the values that the body has yielded, the value that was sent to it,
/// and the error or exit that was thrown in.
///
/// The state consists of `Cell`s. Values are moved out before their destructors run, so that no destructor sees the
/// mailbox in an inconsistent state.
pub(crate) struct Mailbox<Y, S, T> {
    /// The value that the body has yielded in this step, if it is the only one.
    out: Cell<Option<Y>>,
    /// The value that was sent in reply to the last yield.
    sent: Cell<Option<S>>,
    /// The error or exit to be raised at the next yield.
    thrown: Cell<Option<T>>,
    overflow: Cell<Option<Box<Overflow<Y, T>>>>,
    stage: StageCell,
    _pinned: PhantomPinned,
}

/// The rarely used part, allocated on demand.
struct Overflow<Y, T> {
    /// An exit that is to be raised after the error in `thrown`.
    exit: Option<T>,
    /// All values of a step that has yielded more than one, which happens if yields are dropped. Then `out` is empty.
    queue: VecDeque<Y>,
    /// The waker of a pending yield that is polled with a context other than the driver's, as in a `FuturesUnordered`.
    external_waker: Option<Waker>,
}

impl<Y, S, T> Mailbox<Y, S, T> {
    /// Inlined, so that it is created in place.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            out: Cell::new(None),
            sent: Cell::new(None),
            thrown: Cell::new(None),
            overflow: Cell::new(None),
            stage: StageCell::new(),
            _pinned: PhantomPinned,
        }
    }

    /// Calls `f` with the overflow, which is allocated if needed. `f` must not drop any value in the overflow: a
    /// destructor could use the mailbox.
    #[cold]
    #[inline(never)]
    fn overflow<O>(&self, f: impl FnOnce(&mut Overflow<Y, T>) -> O) -> O {
        let new = || Box::new(Overflow { exit: None, queue: VecDeque::new(), external_waker: None });
        let mut overflow = self.overflow.take().unwrap_or_else(new);
        let output = f(&mut overflow);
        self.overflow.set(Some(overflow));
        output
    }

    /// Calls `f` with the overflow if there is one. Allocates nothing. `f` must not drop any value in it.
    #[cold]
    #[inline(never)]
    fn overflow_if_any<O>(&self, f: impl FnOnce(&mut Overflow<Y, T>) -> Option<O>) -> Option<O> {
        let mut overflow = self.overflow.take()?;
        let output = f(&mut overflow);
        self.overflow.set(Some(overflow));
        output
    }

    /// Allows the fast path again if nothing is left to be raised or taken, after something was.
    #[cold]
    #[inline(never)]
    fn update_slow_path(&self) {
        // The content of a `Cell` can only be inspected by taking it out and putting it back.
        let (thrown, out) = (self.thrown.take(), self.out.take());
        if thrown.is_none() && out.is_none() && !self.has_queued() {
            self.stage.clear_slow_path();
        }
        self.thrown.set(thrown);
        self.out.set(out);
    }

    /// The stage of the body.
    #[inline]
    pub(super) fn stage(&self) -> &StageCell {
        &self.stage
    }

    // The driver's side.

    /// Sends a value in reply to the last yield.
    #[inline]
    pub(super) fn send(&self, value: S) {
        self.sent.set(Some(value));
    }

    /// Raises `thrown` at the yield or [`interruptible`](super::Yielder::interruptible) await that the body is
    /// suspended at, or else at the next one.
    ///
    /// A pending error is raised before a pending exit. Another error replaces a pending error.
    pub(super) fn throw(&self, thrown: T)
    where
        T: Throw,
    {
        // The driver does not take the values of a body that is being closed.
        let undelivered = if thrown.is_exit() { self.take_queue() } else { None };
        let (first, exit, replaced) = match self.thrown.take() {
            Some(error) if thrown.is_exit() && !error.is_exit() => (error, Some(thrown), None),
            Some(exit) if exit.is_exit() && !thrown.is_exit() => (thrown, Some(exit), None),
            earlier => (thrown, None, earlier),
        };
        self.thrown.set(Some(first));
        let replaced_exit = exit.and_then(|exit| self.overflow(|overflow| overflow.exit.replace(exit)));
        self.stage.set_slow_path();
        // Last: if one of their destructors panics, `thrown` is still raised.
        drop((undelivered, replaced, replaced_exit));
    }

    /// Takes the value that the body has yielded in this poll, if it is the only one. Then the body is suspended.
    #[inline]
    pub(super) fn take_out(&self) -> Option<Y> {
        let value = self.out.take()?;
        // A yield raises what was thrown in before it puts a value out, and queues the value behind earlier ones.
        self.stage.set_suspended();
        Some(value)
    }

    /// Takes the first of several values that the body has yielded. Then the body is suspended, or otherwise pending.
    #[cold]
    #[inline(never)]
    pub(super) fn take_queued(&self) -> Option<Y> {
        let Some(value) = self.overflow_if_any(|overflow| overflow.queue.pop_front()) else {
            self.stage.set_pending();
            return None;
        };
        self.stage.set(Stage::Suspended);
        self.update_slow_path();
        // A value that was sent before is the reply to an earlier yield.
        drop(self.sent.take());
        Some(value)
    }

    /// Takes all values that the body has yielded and the driver has not taken, if there are any.
    #[inline]
    pub(super) fn drain(&self) -> Option<VecDeque<Y>> {
        match self.out.take() {
            Some(value) => Some(VecDeque::from([value])),
            // The flag is set as long as values are queued, so most bodies do not access the overflow here.
            None if self.stage.needs_slow_path() => self.take_queue(),
            None => None,
        }
    }

    fn take_queue(&self) -> Option<VecDeque<Y>> {
        self.overflow_if_any(|overflow| {
            Some(mem::take(&mut overflow.queue)).filter(|queue| !queue.is_empty())
        })
    }

    /// Wakes a pending yield that is not polled with the driver's context, if there is something for the yield to
    /// return. Returns `true` if it was woken: then the body is to be polled again.
    #[cold]
    #[inline(never)]
    pub(super) fn wake_external(&self) -> bool {
        let (sent, thrown) = (self.sent.take(), self.thrown.take());
        let has_news = sent.is_some() || thrown.is_some();
        self.sent.set(sent);
        self.thrown.set(thrown);
        let waker =
            if has_news { self.overflow_if_any(|overflow| overflow.external_waker.take()) } else { None };
        // Wake after the overflow is back in its cell: a waker is foreign code.
        waker.map(Waker::wake).is_some()
    }

    /// Drops everything that was not delivered.
    pub(super) fn clear(&self) {
        drop(self.out.take());
        drop(self.sent.take());
        drop(self.thrown.take());
        drop(self.overflow.take());
        self.stage.clear_slow_path();
    }

    /// Drops everything that was not delivered, where the fast path was allowed at the end of the body.
    #[inline]
    pub(super) fn clear_fast_path(&self) {
        drop(self.sent.take());
        drop(self.overflow.take());
    }

    // The body's side.

    /// Yields a value, if no other value is waiting.
    #[inline]
    pub(super) fn set_out(&self, value: Y) {
        // A further yield in this poll must take the slow path, which queues it behind this value.
        self.stage.set_slow_path();
        // A value that was sent before is the reply to an earlier yield, which was dropped.
        drop(self.sent.take());
        self.out.set(Some(value));
    }

    /// Yields a value. Returns `true` if it is queued behind values of dropped yields that the driver has not taken.
    #[cold]
    #[inline(never)]
    pub(super) fn enqueue(&self, value: Y) -> bool {
        let before = self.out.take();
        if before.is_none() && !self.has_queued() {
            self.set_out(value);
            return false;
        }
        // `out` and the queue are never both in use: the earlier value of this step becomes the head of the queue.
        self.overflow(|overflow| {
            overflow.queue.extend(before);
            overflow.queue.push_back(value);
        });
        self.stage.set_slow_path();
        true
    }

    /// Returns `true` while values are queued. Until the last of them has been taken, a sent value is the reply to an
    /// earlier yield than the last one.
    #[cold]
    #[inline(never)]
    pub(super) fn has_queued(&self) -> bool {
        self.overflow_if_any(|overflow| (!overflow.queue.is_empty()).then_some(())).is_some()
    }

    #[inline]
    pub(super) fn take_sent(&self) -> Option<S> {
        self.sent.take()
    }

    #[inline]
    pub(super) fn take_thrown(&self) -> Option<T> {
        if self.stage.needs_slow_path() { self.take_first_thrown() } else { None }
    }

    #[cold]
    #[inline(never)]
    fn take_first_thrown(&self) -> Option<T> {
        let thrown = self.thrown.take();
        if thrown.is_some() {
            self.thrown.set(self.overflow_if_any(|overflow| overflow.exit.take()));
            self.update_slow_path();
        }
        thrown
    }

    /// Registers the waker of a future that can be interrupted, while no yield is pending.
    pub(super) fn await_throw(&self, cx: &mut Context<'_>) {
        // A value that was sent is the reply to a yield that was dropped.
        drop(self.sent.take());
        self.register_waker(cx);
    }

    /// Registers the waker of a pending yield, unless it is polled with the driver's own context.
    #[cold]
    #[inline(never)]
    pub(super) fn register_waker(&self, cx: &mut Context<'_>) {
        // With the driver's own context, the next poll of the driver reaches the yield without a wake.
        if !self.stage.is_driver(cx) {
            // Clone before the access to the overflow, and drop the old waker after it: both run foreign code.
            let waker = cx.waker().clone();
            drop(self.overflow(|overflow| overflow.external_waker.replace(waker)));
        }
    }
}

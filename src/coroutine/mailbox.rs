use std::cell::Cell;
use std::collections::VecDeque;
use std::marker::PhantomPinned;
use std::mem;
use std::ptr;
use std::task::{Context, Waker};

use super::throw::Throw;

/// The state that a body shares with its driver: the values that the body has yielded, the value that was sent to it,
/// and the error or exit that was thrown in.
///
/// The state consists of `Cell`s. Values are moved out before their destructors run, so that no destructor sees the
/// mailbox in an inconsistent state.
pub(super) struct Mailbox<Y, S, T> {
    /// The value that the body has yielded in this step, if it is the only one.
    out: Cell<Option<Y>>,
    /// The value that was sent in reply to the last yield.
    sent: Cell<Option<S>>,
    /// The error or exit to be raised at the next yield.
    thrown: Cell<Option<T>>,
    overflow: Cell<Option<Box<Overflow<Y, T>>>>,
    /// `true` if something is to be raised, or values are queued.
    needs_slow_path: Cell<bool>,
    /// The address of the driver's context during a poll of the body. The context is borrowed for that time, so no
    /// other context has this address. The flag [`SLOW_PATH`] is set in the address if a yield must not take the fast
    /// path. So one comparison checks both: that a yield is polled with the driver's context, and that the fast path is
    /// allowed.
    context: Cell<usize>,
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

/// The flag in [`Mailbox::context`]: something is to be raised, or a value to be taken. The address of a context never
/// has this bit.
const SLOW_PATH: usize = 1;
const _: () = assert!(align_of::<Context<'_>>() > SLOW_PATH);

impl<Y, S, T> Mailbox<Y, S, T> {
    pub(super) fn new() -> Self {
        Self {
            out: Cell::new(None),
            sent: Cell::new(None),
            thrown: Cell::new(None),
            overflow: Cell::new(None),
            needs_slow_path: Cell::new(false),
            context: Cell::new(SLOW_PATH),
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

    /// Recomputes `needs_slow_path`, after something was raised or a queued value was taken.
    #[cold]
    #[inline(never)]
    fn update_slow_path(&self) {
        // The content of a `Cell` can only be inspected by taking it out and putting it back.
        let thrown = self.thrown.take();
        self.needs_slow_path.set(thrown.is_some() || self.has_queued());
        self.thrown.set(thrown);
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
        self.needs_slow_path.set(true);
        // Last: if one of their destructors panics, `thrown` is still raised.
        drop((undelivered, replaced, replaced_exit));
    }

    /// Records the context with which the body is about to be polled.
    #[inline]
    pub(super) fn set_context(&self, cx: &mut Context<'_>) {
        self.context.set(ptr::from_mut(cx).addr() | usize::from(self.needs_slow_path.get()));
    }

    /// Takes the value that the body has yielded, if it is the only one of this step.
    #[inline]
    pub(super) fn take_out(&self) -> Option<Y> {
        self.out.take()
    }

    /// Takes the first of several values that the body has yielded.
    #[cold]
    #[inline(never)]
    pub(super) fn take_queued(&self) -> Option<Y> {
        let value = self.overflow_if_any(|overflow| overflow.queue.pop_front())?;
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
            None if self.needs_slow_path.get() => self.take_queue(),
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
        self.needs_slow_path.set(false);
    }

    // The body's side.

    /// Returns `true` if this is the driver's own context, nothing is to be raised, and no value is to be taken.
    #[inline]
    pub(super) fn is_fast_path(&self, cx: &mut Context<'_>) -> bool {
        self.context.get() == ptr::from_mut(cx).addr()
    }

    /// Yields a value, if no other value is waiting.
    #[inline]
    pub(super) fn set_out(&self, value: Y) {
        // A further yield in this poll must take the slow path, which queues it behind this value.
        self.context.set(self.context.get() | SLOW_PATH);
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
        self.needs_slow_path.set(true);
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
        if self.needs_slow_path.get() { self.take_first_thrown() } else { None }
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

    /// Registers the waker of a pending yield, unless it is polled with the driver's own context.
    #[cold]
    #[inline(never)]
    pub(super) fn register_waker(&self, cx: &mut Context<'_>) {
        // With the driver's own context, the next poll of the driver reaches the yield without a wake.
        if self.context.get() & !SLOW_PATH != ptr::from_mut(cx).addr() {
            // Clone before the access to the overflow, and drop the old waker after it: both run foreign code.
            let waker = cx.waker().clone();
            drop(self.overflow(|overflow| overflow.external_waker.replace(waker)));
        }
    }
}

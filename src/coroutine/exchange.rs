use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr;
use std::task::{Context, Waker};

/// What a body and its driver share: a value on its way out, and one or a throw on its way in.
///
/// All of it are cells. A value is moved out before its destructor runs, so no destructor sees the exchange half
/// changed.
pub(super) struct Exchange<Y, S, T> {
    out: Cell<Option<Y>>,
    sent: Cell<Option<S>>,
    thrown: Cell<Option<T>>,
    /// Who waits for an answer with a waker that is not the driver's: a yield in a `FuturesUnordered`.
    foreign: Cell<Option<Waker>>,
    /// Beside `thrown` and `foreign`, which cannot be looked at without being moved.
    has_thrown: Cell<bool>,
    has_foreign: Cell<bool>,
    /// The address of the driver's context while the body is polled. It is borrowed meanwhile, so no other is there.
    context: Cell<usize>,
    _pinned: PhantomPinned,
}

impl<Y, S, T> Exchange<Y, S, T> {
    pub(super) fn new() -> Self {
        Self {
            out: Cell::new(None),
            sent: Cell::new(None),
            thrown: Cell::new(None),
            foreign: Cell::new(None),
            has_thrown: Cell::new(false),
            has_foreign: Cell::new(false),
            context: Cell::new(0),
            _pinned: PhantomPinned,
        }
    }

    // The driver's side.

    /// The answer to the last yield.
    #[inline]
    pub(super) fn send(&self, value: S) {
        self.sent.set(Some(value));
        if self.has_foreign.get() {
            self.wake();
        }
    }

    /// Raised at the yield or [`wait`](super::Yielder::wait) that the body is at, or else at the next one.
    pub(super) fn throw(&self, thrown: T) {
        self.has_thrown.set(true);
        self.thrown.set(Some(thrown));
        self.wake();
    }

    /// The body is about to be polled with this context.
    #[inline]
    pub(super) fn polled_with(&self, cx: &mut Context<'_>) {
        self.context.set(ptr::from_mut(cx).addr());
    }

    /// What the body yields, if it does.
    #[inline]
    pub(super) fn take_out(&self) -> Option<Y> {
        self.out.take()
    }

    /// Lets go of all that never arrived.
    pub(super) fn clear(&self) {
        self.has_foreign.set(false);
        drop(self.foreign.take());
        drop(self.out.take());
        drop(self.sent.take());
        drop(self.take_thrown());
    }

    #[cold]
    fn wake(&self) {
        self.has_foreign.set(false);
        if let Some(waker) = self.foreign.take() {
            waker.wake();
        }
    }

    // The body's side.

    /// Puts a value out; gives it back while there is another whose yield was dropped, and which nobody took yet.
    #[inline]
    pub(super) fn put(&self, value: Y) -> Option<Y> {
        // Whatever was sent was the answer to a yield before this one, and that yield is gone.
        drop(self.sent.take());
        let before = self.out.replace(Some(value));
        if before.is_some() { self.out.replace(before) } else { None }
    }

    #[inline]
    pub(super) fn take_sent(&self) -> Option<S> {
        self.sent.take()
    }

    #[inline]
    pub(super) fn has_thrown(&self) -> bool {
        self.has_thrown.get()
    }

    #[cold]
    pub(super) fn take_thrown(&self) -> Option<T> {
        self.has_thrown.set(false);
        self.thrown.take()
    }

    /// Whoever polls with this context is to be polled again when there is an answer.
    #[inline]
    pub(super) fn awaits(&self, cx: &mut Context<'_>) {
        // With the driver's own context, its next poll comes down here by itself.
        if self.context.get() != ptr::from_mut(cx).addr() {
            self.awaits_elsewhere(cx.waker());
        }
    }

    #[cold]
    fn awaits_elsewhere(&self, waker: &Waker) {
        self.has_foreign.set(true);
        drop(self.foreign.replace(Some(waker.clone())));
    }
}

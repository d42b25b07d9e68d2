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
    /// The address of the driver's context while the body is polled; it is borrowed meanwhile, so no other is there.
    /// With [`LOOK_CLOSER`] where a yield is not to go the short way, so that one comparison tells both.
    context: Cell<usize>,
    _pinned: PhantomPinned,
}

/// A throw waits to be raised, or a value to be taken. The address of a context has no such bit.
const LOOK_CLOSER: usize = 1;
const _: () = assert!(align_of::<Context<'_>>() > LOOK_CLOSER);

impl<Y, S, T> Exchange<Y, S, T> {
    pub(super) fn new() -> Self {
        Self {
            out: Cell::new(None),
            sent: Cell::new(None),
            thrown: Cell::new(None),
            foreign: Cell::new(None),
            has_thrown: Cell::new(false),
            has_foreign: Cell::new(false),
            context: Cell::new(LOOK_CLOSER),
            _pinned: PhantomPinned,
        }
    }

    // The driver's side.

    /// The answer to the last yield.
    #[inline]
    pub(super) fn send(&self, value: S) {
        self.sent.set(Some(value));
    }

    /// Raised at the yield or [`wait`](super::Yielder::wait) that the body is at, or else at the next one.
    pub(super) fn throw(&self, thrown: T) {
        self.has_thrown.set(true);
        self.thrown.set(Some(thrown));
    }

    /// The body is about to be polled with this context.
    #[inline]
    pub(super) fn polled_with(&self, cx: &mut Context<'_>) {
        self.context.set(ptr::from_mut(cx).addr() | usize::from(self.has_thrown.get()));
    }

    /// What the body yields, if it does.
    #[inline]
    pub(super) fn take_out(&self) -> Option<Y> {
        self.out.take()
    }

    /// Wakes whoever waits with a waker of its own and was not polled, though there is something for it. Then the body
    /// is to be polled again.
    #[cold]
    pub(super) fn wake(&self) -> bool {
        let sent = self.sent.take();
        let is_awaited = self.has_foreign.get() && (sent.is_some() || self.has_thrown.get());
        self.sent.set(sent);
        if is_awaited {
            self.has_foreign.set(false);
            if let Some(waker) = self.foreign.take() {
                waker.wake();
            }
        }
        is_awaited
    }

    /// Lets go of all that never arrived.
    pub(super) fn clear(&self) {
        self.has_foreign.set(false);
        drop(self.foreign.take());
        drop(self.out.take());
        drop(self.sent.take());
        drop(self.take_thrown());
    }

    // The body's side.

    /// Whether this is the driver's own context, nothing waits to be raised, and a value can be put out.
    #[inline]
    pub(super) fn is_quiet(&self, cx: &mut Context<'_>) -> bool {
        self.context.get() == ptr::from_mut(cx).addr()
    }

    /// Puts a value out; there must be none yet.
    #[inline]
    pub(super) fn put(&self, value: Y) {
        self.context.set(self.context.get() | LOOK_CLOSER);
        // Whatever was sent was the answer to a yield before this one, and that yield is gone.
        drop(self.sent.take());
        self.out.set(Some(value));
    }

    /// Whether there is a value that nobody took yet: its yield was dropped.
    pub(super) fn is_full(&self) -> bool {
        let out = self.out.take();
        let is_full = out.is_some();
        self.out.set(out);
        is_full
    }

    #[inline]
    pub(super) fn take_sent(&self) -> Option<S> {
        self.sent.take()
    }

    #[cold]
    pub(super) fn take_thrown(&self) -> Option<T> {
        self.has_thrown.set(false);
        self.thrown.take()
    }

    /// Whoever polls with this context is to be polled again when there is an answer.
    pub(super) fn awaits(&self, cx: &mut Context<'_>) {
        // With the driver's own context, its next poll comes down here by itself.
        if self.context.get() & !LOOK_CLOSER != ptr::from_mut(cx).addr() {
            self.has_foreign.set(true);
            drop(self.foreign.replace(Some(cx.waker().clone())));
        }
    }
}

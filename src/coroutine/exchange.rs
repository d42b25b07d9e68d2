use std::cell::Cell;
use std::collections::VecDeque;
use std::marker::PhantomPinned;
use std::mem;
use std::ptr;
use std::task::{Context, Waker};

use super::Throw;

/// What a body and its driver share: a value on its way out, and one or a throw on its way in.
///
/// All of it are cells. A value is moved out before its destructor runs, so no destructor sees the exchange half
/// changed.
pub(super) struct Exchange<Y, S, T> {
    out: Cell<Option<Y>>,
    sent: Cell<Option<S>>,
    /// To be raised.
    thrown: Cell<Option<T>>,
    aside: Cell<Option<Box<Aside<Y, T>>>>,
    /// Whether something waits to be raised, or behind another value.
    look_closer: Cell<bool>,
    /// The address of the driver's context while the body is polled; it is borrowed meanwhile, so no other is there.
    /// With [`LOOK_CLOSER`] where a yield is not to go the short way, so that one comparison tells both.
    context: Cell<usize>,
    _pinned: PhantomPinned,
}

/// What most bodies never need.
struct Aside<Y, T> {
    /// An exit that came before an error was raised.
    exit: Option<T>,
    /// Where more than one was yielded in a step, since the yields before were dropped: all of them, and none in `out`.
    queue: VecDeque<Y>,
    /// Who waits for an answer with a waker that is not the driver's: a yield in a `FuturesUnordered`.
    foreign: Option<Waker>,
}

/// Something waits to be raised, or to be taken. The address of a context has no such bit.
const LOOK_CLOSER: usize = 1;
const _: () = assert!(align_of::<Context<'_>>() > LOOK_CLOSER);

impl<Y, S, T> Exchange<Y, S, T> {
    pub(super) fn new() -> Self {
        Self {
            out: Cell::new(None),
            sent: Cell::new(None),
            thrown: Cell::new(None),
            aside: Cell::new(None),
            look_closer: Cell::new(false),
            context: Cell::new(LOOK_CLOSER),
            _pinned: PhantomPinned,
        }
    }

    /// Nothing of what is aside may be dropped in `f`: a destructor could come back here.
    #[cold]
    #[inline(never)]
    fn aside<O>(&self, f: impl FnOnce(&mut Aside<Y, T>) -> O) -> O {
        let new = || Box::new(Aside { exit: None, queue: VecDeque::new(), foreign: None });
        let mut aside = self.aside.take().unwrap_or_else(new);
        let output = f(&mut aside);
        self.aside.set(Some(aside));
        output
    }

    /// What was put aside, if there is anything: it allocates nothing.
    #[cold]
    #[inline(never)]
    fn aside_if_any<O>(&self, f: impl FnOnce(&mut Aside<Y, T>) -> Option<O>) -> Option<O> {
        let mut aside = self.aside.take()?;
        let output = f(&mut aside);
        self.aside.set(Some(aside));
        output
    }

    /// After something was raised or taken.
    #[cold]
    #[inline(never)]
    fn settle(&self) {
        let thrown = self.thrown.take();
        self.look_closer.set(thrown.is_some() || self.has_queued());
        self.thrown.set(thrown);
    }

    // The driver's side.

    /// The answer to the last yield.
    #[inline]
    pub(super) fn send(&self, value: S) {
        self.sent.set(Some(value));
    }

    /// Raised at the yield or [`wait`](super::Yielder::interruptible) that the body is at, or else at the next one. Of an error and an
    /// exit that were not raised yet, the error is the first; an error replaces another.
    pub(super) fn throw(&self, thrown: T)
    where
        T: Throw,
    {
        if thrown.is_exit() {
            // Nobody will take them.
            drop(self.take_queue());
        }
        let (first, exit) = match self.thrown.take() {
            Some(error) if thrown.is_exit() && !error.is_exit() => (error, Some(thrown)),
            Some(exit) if exit.is_exit() && !thrown.is_exit() => (thrown, Some(exit)),
            _ => (thrown, None),
        };
        self.thrown.set(Some(first));
        if exit.is_some() {
            drop(self.aside(|aside| mem::replace(&mut aside.exit, exit)));
        }
        self.look_closer.set(true);
    }

    /// The body is about to be polled with this context.
    #[inline]
    pub(super) fn polled_with(&self, cx: &mut Context<'_>) {
        self.context.set(ptr::from_mut(cx).addr() | usize::from(self.look_closer.get()));
    }

    /// What the body yields, if it does, and if it is the only value of this step.
    #[inline]
    pub(super) fn take_out(&self) -> Option<Y> {
        self.out.take()
    }

    /// What the body has yielded of several values.
    #[cold]
    #[inline(never)]
    pub(super) fn take_queued(&self) -> Option<Y> {
        let value = self.aside_if_any(|aside| aside.queue.pop_front())?;
        self.settle();
        // The answer to a value before this one.
        drop(self.sent.take());
        Some(value)
    }

    /// All values that the body has yielded and nobody took, if there are any.
    #[inline]
    pub(super) fn take_left(&self) -> Option<VecDeque<Y>> {
        match self.out.take() {
            Some(value) => Some(VecDeque::from([value])),
            None if self.look_closer.get() => self.take_queue(),
            None => None,
        }
    }

    fn take_queue(&self) -> Option<VecDeque<Y>> {
        self.aside_if_any(|aside| Some(mem::take(&mut aside.queue)).filter(|queue| !queue.is_empty()))
    }

    /// Wakes whoever waits with a waker of its own and was not polled, though there is something for it. Then the body
    /// is to be polled again.
    #[cold]
    #[inline(never)]
    pub(super) fn wake(&self) -> bool {
        let (sent, thrown) = (self.sent.take(), self.thrown.take());
        let has_news = sent.is_some() || thrown.is_some();
        self.sent.set(sent);
        self.thrown.set(thrown);
        let foreign = if has_news { self.aside_if_any(|aside| aside.foreign.take()) } else { None };
        foreign.map(Waker::wake).is_some()
    }

    /// Lets go of all that never arrived.
    pub(super) fn clear(&self) {
        drop(self.out.take());
        drop(self.sent.take());
        drop(self.thrown.take());
        drop(self.aside.take());
        self.look_closer.set(false);
    }

    // The body's side.

    /// Whether this is the driver's own context, nothing waits to be raised, and no value to be taken.
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

    /// Puts a value out after those that nobody took yet, as their yields were dropped, if there are any; says so then.
    #[cold]
    #[inline(never)]
    pub(super) fn put_behind(&self, value: Y) -> bool {
        let before = self.out.take();
        if before.is_none() && !self.has_queued() {
            self.put(value);
            return false;
        }
        self.aside(|aside| {
            aside.queue.extend(before);
            aside.queue.push_back(value);
        });
        self.look_closer.set(true);
        true
    }

    /// Whether there are values that are to go out before whatever is sent is an answer to the last of them.
    #[cold]
    #[inline(never)]
    pub(super) fn has_queued(&self) -> bool {
        self.aside_if_any(|aside| (!aside.queue.is_empty()).then_some(())).is_some()
    }

    #[inline]
    pub(super) fn take_sent(&self) -> Option<S> {
        self.sent.take()
    }

    #[inline]
    pub(super) fn take_thrown(&self) -> Option<T> {
        if self.look_closer.get() { self.take_first_thrown() } else { None }
    }

    #[cold]
    #[inline(never)]
    fn take_first_thrown(&self) -> Option<T> {
        let thrown = self.thrown.take();
        if thrown.is_some() {
            self.thrown.set(self.aside_if_any(|aside| aside.exit.take()));
            self.settle();
        }
        thrown
    }

    /// Whoever polls with this context is to be polled again when there is an answer.
    #[cold]
    #[inline(never)]
    pub(super) fn awaits(&self, cx: &mut Context<'_>) {
        // With the driver's own context, its next poll comes down here by itself.
        if self.context.get() & !LOOK_CLOSER != ptr::from_mut(cx).addr() {
            let waker = cx.waker().clone();
            drop(self.aside(|aside| aside.foreign.replace(waker)));
        }
    }
}

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::body_cell::{BorrowedYielder, Yielder};

impl<'g, Y, S, T> Yielder<'g, Y, S, T> {
    /// Yields `value` to the driver of the body, and returns the value that is sent in reply: Python's
    /// `sent = yield value`.
    ///
    /// The driver is the code that calls [`resume`](super::Coroutine::resume) or polls the generator. The future may be
    /// raced or joined with other futures. Once it was polled, its value is delivered, even if the future is dropped
    /// afterwards. If the body yields several values in one step, the driver receives them in order, one per step.
    ///
    /// # Errors
    ///
    /// Returns the error that [`throw`](super::Coroutine::throw) has thrown in, or the exit of
    /// [`close`](super::Coroutine::close). If it was thrown in while the body was not suspended at a yield, it is
    /// raised here before `value` is delivered, and `value` is dropped.
    ///
    /// # Cancel safety
    ///
    /// `value` is delivered exactly once if the future was polled, and never otherwise. If the future is dropped before
    /// it returns an error that was thrown in, the error is raised at the next yield. A value that is sent in reply to
    /// a dropped yield is discarded.
    #[inline]
    #[doc(alias = "yield", alias = "emit", alias = "send")]
    pub fn yield_<'a>(&'a mut self, value: Y) -> Yield<'a, 'g, Y, S, T> {
        Yield { yielder: self.reborrow(), state: YieldState::Initial(value) }
    }

    /// Awaits `future`, unless an error or an exit is thrown in: then `future` is dropped, and the error is returned.
    ///
    /// [`throw`](super::Coroutine::throw) and [`close`](super::Coroutine::close) normally take effect at the next
    /// yield, because no error can be raised inside of a Rust `await`. Use `interruptible` for an await that must not
    /// delay them. In Python, every `await` is interruptible.
    ///
    /// # Errors
    ///
    /// Returns the error or the exit that was thrown in.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `future`. If the returned future is dropped before it returns an error that was thrown in, the
    /// error is raised at the next yield.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use withal::coroutine::{Error, Yielder, coroutine};
    ///
    /// let mut body = coroutine(async |mut y: Yielder<'_>| y.interruptible(pending::<()>()).await);
    /// assert!(matches!(body.resume(), Err(Error::Pending)));
    /// assert_eq!(body.close().unwrap(), None); // the exit interrupts `pending`
    /// ```
    #[doc(alias = "wait", alias = "select", alias = "cancellable")]
    pub fn interruptible<F: Future>(&mut self, future: F) -> impl Future<Output = Result<F::Output, T>> {
        Interruptible { future: Some(future), yielder: self }
    }
}

/// The future that [`Yielder::interruptible`] returns. Written by hand, because an async function stores its argument
/// twice.
#[pin_project]
struct Interruptible<'a, 'g, Y, S, T, F> {
    /// `None` after completion.
    #[pin]
    future: Option<F>,
    yielder: &'a mut Yielder<'g, Y, S, T>,
}

impl<Y, S, T, F: Future> Future for Interruptible<'_, '_, Y, S, T, F> {
    type Output = Result<F::Output, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mailbox = this.yielder.mailbox();
        // A throw takes precedence over the future.
        if let Some(thrown) = mailbox.take_thrown() {
            this.future.set(None);
            return Poll::Ready(Err(thrown));
        }
        let future = this.future.as_mut().as_pin_mut().expect("`interruptible` polled after completion");
        if let Poll::Ready(output) = future.poll(cx) {
            this.future.set(None);
            return Poll::Ready(Ok(output));
        }
        mailbox.await_throw(cx);
        Poll::Pending
    }
}

impl<Y, S, T> fmt::Debug for Yielder<'_, Y, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

/// The future that [`Yielder::yield_`] returns.
///
/// Resolves to the value that is sent in reply, or to the error that is thrown in.
///
/// # Panics
///
/// Panics if it is polled after completion.
#[must_use = "nothing is yielded unless it is awaited"]
pub struct Yield<'a, 'g, Y, S, T> {
    yielder: BorrowedYielder<'a, 'g, Y, S, T>,
    state: YieldState<Y>,
}

/// ```text
///          delivered                   a value was sent
///  Initial ───────────► AwaitingReply ──────────────────► Done
///     │                       ▲                            ▲
///     │ behind others         │ nothing was sent           │ a value was sent
///     └───────────► Queued ───┴─── the others are taken ───┘
///
///  Initial, Queued or AwaitingReply: something was thrown in ──► Done
/// ```
enum YieldState<Y> {
    /// Not polled yet.
    Initial(Y),
    /// The value is queued behind those of dropped yields.
    Queued,
    /// The value is the last that was yielded, so the next sent value is the reply to it.
    AwaitingReply,
    /// The future has completed.
    Done,
}

/// The value is never pinned: it is moved out before anything else happens to it.
impl<Y, S, T> Unpin for Yield<'_, '_, Y, S, T> {}

impl<Y, S, T> Future for Yield<'_, '_, Y, S, T> {
    type Output = Result<S, T>;

    /// Handles the two fast paths, the only ones that a body takes that awaits its yields one by one.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S, T>> {
        let this = self.get_mut();
        let mailbox = this.yielder.mailbox();
        match this.state {
            YieldState::Initial(_) if mailbox.stage().is_fast_path(cx) => {
                // No waker is registered: the next poll of the driver reaches this yield without a wake.
                if let YieldState::Initial(value) = mem::replace(&mut this.state, YieldState::AwaitingReply) {
                    mailbox.set_out(value);
                }
                return Poll::Pending;
            }
            YieldState::AwaitingReply => {
                // The reply first. A throw that is pending too was thrown after it, and is raised at the next yield.
                if let Some(sent) = mailbox.take_sent() {
                    this.state = YieldState::Done;
                    return Poll::Ready(Ok(sent));
                }
            }
            _ => {}
        }
        this.poll_slow(cx)
    }
}

/// For a future that yields several values, one after the other.
impl<'a, 'g, Y, S, T> Yield<'a, 'g, Y, S, T> {
    /// Creates a yield that has completed.
    #[inline]
    pub(crate) fn done(yielder: &'a mut Yielder<'g, Y, S, T>) -> Self {
        Self { yielder: yielder.reborrow(), state: YieldState::Done }
    }

    /// Yields another value. To be called after completion.
    #[inline]
    pub(crate) fn restart(&mut self, value: Y) {
        self.state = YieldState::Initial(value);
    }

    /// Takes what was thrown in.
    #[inline]
    pub(crate) fn take_thrown(&mut self) -> Option<T> {
        self.yielder.mailbox().take_thrown()
    }

    /// Waits for a throw. To be called after completion.
    pub(crate) fn await_throw(&mut self, cx: &mut Context<'_>) {
        self.yielder.mailbox().await_throw(cx);
    }
}

impl<Y, S, T> Yield<'_, '_, Y, S, T> {
    /// Handles all other cases: something may have been thrown in, or earlier values are queued.
    #[cold]
    #[inline(never)]
    fn poll_slow(&mut self, cx: &mut Context<'_>) -> Poll<Result<S, T>> {
        let mailbox = self.yielder.mailbox();
        assert!(!matches!(self.state, YieldState::Done), "`yield_` polled after completion");
        // In the initial state, this was thrown in while the body was not suspended at a yield, or was suspended at a
        // yield that was dropped.
        if let Some(thrown) = mailbox.take_thrown() {
            self.state = YieldState::Done;
            return Poll::Ready(Err(thrown));
        }
        match mem::replace(&mut self.state, YieldState::AwaitingReply) {
            YieldState::Initial(value) => {
                if mailbox.enqueue(value) {
                    self.state = YieldState::Queued;
                }
            }
            YieldState::Queued => {
                // While values are queued, a sent value replies to an earlier one.
                let sent = mailbox.take_sent();
                if mailbox.has_queued() {
                    self.state = YieldState::Queued;
                } else if let Some(sent) = sent {
                    self.state = YieldState::Done;
                    return Poll::Ready(Ok(sent));
                }
            }
            YieldState::AwaitingReply | YieldState::Done => {}
        }
        mailbox.register_waker(cx);
        Poll::Pending
    }
}

impl<Y, S, T> fmt::Debug for Yield<'_, '_, Y, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yield").finish_non_exhaustive()
    }
}

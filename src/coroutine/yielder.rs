use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::task::Poll;

use super::{Yield, Yielder};

impl<'g, Y, S, T> Yielder<'g, Y, S, T> {
    /// Hands `value` to whoever drives the body, and waits for the answer: Python's `sent = yield value`.
    ///
    /// It may be raced or joined with other futures. A value that was polled once is delivered, also if the future is
    /// dropped then; the answer to it is dropped. Of several in one step each is delivered, in order, a step each.
    ///
    /// # Errors
    ///
    /// What was thrown in, by [`throw`](super::Coroutine::throw) or [`close`](super::Coroutine::close). One that was
    /// thrown while the body was not at a yield is raised before `value` goes out, and `value` is dropped.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe as far as the value goes: it is delivered once, or not at all if the future was never polled. A
    /// throw that came meanwhile stays, and is raised at the next yield. A value sent in answer is lost.
    #[inline]
    pub fn yield_<'a>(&'a mut self, value: Y) -> Yield<'a, 'g, Y, S, T> {
        Yield::new(self, value)
    }

    /// Awaits `future`, but a throw or a close that comes meanwhile is raised here, and `future` is dropped.
    ///
    /// Without it, an error thrown into a body that awaits something else than a yield is raised no sooner than at the
    /// next yield: an `await` of Rust's has no way in. In Python it has.
    ///
    /// # Errors
    ///
    /// What was thrown in.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `future`. A throw that came meanwhile stays, and is raised at the next yield.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use withal::coroutine::{Error, GeneratorExit, Yielder, coroutine};
    ///
    /// let mut body = coroutine(async |mut y: Yielder<'_>| y.interruptible(pending::<()>()).await);
    /// assert!(matches!(body.resume(), Err(Error::Pending)));
    /// assert_eq!(body.close().unwrap(), None);
    /// ```
    pub async fn interruptible<F: Future>(&mut self, future: F) -> Result<F::Output, T> {
        self.interruptible_from(future, true).await
    }

    /// The same; but unless it is so `from_the_start`, what was thrown before is raised after the first poll: for a future
    /// that takes something along.
    pub(crate) async fn interruptible_from<F: Future>(
        &mut self,
        future: F,
        from_the_start: bool,
    ) -> Result<F::Output, T> {
        let mut future = pin!(future);
        let mut is_interruptible = from_the_start;
        // Moved, to be an exclusive borrow: a shared one is not `Send`.
        let yielder = self;
        poll_fn(move |cx| {
            if is_interruptible {
                if let Some(thrown) = yielder.exchange().take_thrown() {
                    return Poll::Ready(Err(thrown));
                }
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if !mem::replace(&mut is_interruptible, true) {
                if let Some(thrown) = yielder.exchange().take_thrown() {
                    return Poll::Ready(Err(thrown));
                }
            }
            // No yield is under way, so this is the answer to one that was dropped.
            drop(yielder.exchange().take_sent());
            yielder.exchange().awaits(cx);
            Poll::Pending
        })
        .await
    }
}

impl<Y, S, T> fmt::Debug for Yielder<'_, Y, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

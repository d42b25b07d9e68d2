//! Delegation: `yield_from` and `yield_all` of the [`Yielder`].

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::error::Error;
use super::ext::AsyncGeneratorExt;
use crate::coroutine::{InterruptFrom, RawCoroutine, Throw, Yielder};

impl<Y, S, T: Throw> Yielder<'_, Y, S, T> {
    /// Delegates to another generator until it ends: PEP 380's `yield from`, which Python has for plain generators
    /// only.
    ///
    /// The values that `inner` yields are yielded to the caller of the outer generator. The values that the caller
    /// sends and the errors that the caller throws are passed on to `inner`. When the outer generator is closed,
    /// `inner` is closed first. Then the exit is raised here, even if `inner` suppresses it.
    ///
    /// The delegation starts `inner`, or continues its step in progress. If `inner` is suspended at a yield already,
    /// that yield receives the default value of the sent type; Python sends `None`. To keep `inner` after the
    /// delegation, pass `inner.as_mut()`.
    ///
    /// # Errors
    ///
    /// Returns the error that `inner` fails with, or the exit if the outer generator is being closed.
    ///
    /// # Panics
    ///
    /// If `inner` panics.
    ///
    /// # Cancel safety
    ///
    /// As for [`yield_`](Self::yield_): if the future is dropped, a value that `inner` has yielded is still delivered
    /// once, and the value that is sent in reply is discarded. A step of `inner` stays in progress: if `inner` was
    /// borrowed, a later `yield_from` continues the step. An exit that was passed on to `inner` before is not raised by
    /// the later `yield_from`, even if `inner` suppresses it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::pin::pin;
    /// use futures::StreamExt;
    /// use withal::generator::generator;
    ///
    /// let both = generator(async |mut y| {
    ///     for from in [1, 10] {
    ///         let numbers = generator(async |mut y| {
    ///             y.yield_(from).await?;
    ///             y.yield_(from + 1).await
    ///         });
    ///         y.yield_from(pin!(numbers)).await?;
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(both.collect::<Vec<u32>>().await, [1, 2, 10, 11]);
    /// # }
    /// ```
    #[doc(alias = "delegate")]
    pub async fn yield_from<G>(&mut self, mut inner: G) -> Result<(), T>
    where
        G: AsyncGeneratorExt<Body: RawCoroutine<Yield = Y, Sent = S, Thrown = T>>,
        S: Default,
    {
        let mut is_closed = false;
        let mut resume = Resume::Start;
        loop {
            // Run the inner generator to its next yield. A throw that arrives while it awaits interrupts this future,
            // but not the step of the inner generator, which is thrown into below.
            let interrupted = match resume {
                Resume::Start => self.interruptible(inner.start()).await,
                Resume::Continue => self.interruptible_from(InterruptFrom::Polled, inner.start()).await,
                Resume::Ended(result) => Ok(result),
                Resume::Send(value) => {
                    self.interruptible_from(InterruptFrom::FirstPoll, inner.asend(value)).await
                }
                Resume::Throw(thrown) => {
                    self.interruptible_from(InterruptFrom::FirstPoll, inner.athrow(thrown)).await
                }
            };
            let value = match interrupted {
                Ok(Ok(Some(value))) => value,
                // The inner generator ended, or suppressed the exit.
                Ok(Ok(None)) if is_closed => return Err(T::exit()),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(Error::Raised(error))) => return Err(T::from_error(error)),
                Ok(Err(Error::GeneratorExit)) => return Err(T::exit()),
                // The inner generator was suspended at a yield before the delegation.
                Ok(Err(Error::ValueExpected)) => {
                    resume = Resume::Send(S::default());
                    continue;
                }
                Ok(Err(Error::NotStarted(_) | Error::Running(_) | Error::IgnoredExit)) => {
                    unreachable!("`yield_from` sent a value to a generator that was not suspended at a yield")
                }
                Err(thrown) => {
                    is_closed |= thrown.is_exit();
                    resume = Resume::Throw(thrown);
                    continue;
                }
            };
            // Yield the value to the caller, and pass the reply on, as long as the inner generator yields at once. If it
            // has ignored the exit, then by this yield the outer one ignores it, too, and its close fails with
            // `IgnoredExit`.
            let next = |reply, cx: &mut Context<'_>| match pin!(inner.asend(reply)).poll(cx) {
                Poll::Ready(Ok(Some(value))) => Ok(value),
                Poll::Ready(result) => Err(Resume::Ended(result)),
                Poll::Pending => Err(Resume::Continue),
            };
            resume = match self.yield_each(value, next).await {
                Ok(resume) => resume,
                Err(thrown) => {
                    is_closed |= thrown.is_exit();
                    Resume::Throw(thrown)
                }
            };
        }
    }

    /// Yields all items of a stream: `async for item in stream: yield item`.
    ///
    /// The stream must have the items of a generator of the same kind: `Y`, or `Result<Y, E>` if the body can fail. An
    /// error item is returned here, as an error. A stream can receive neither values nor errors: the values that the
    /// caller sends are dropped, and an error that the caller throws is returned here and drops the stream.
    ///
    /// # Errors
    ///
    /// Returns the error that was thrown in, or the first error item of the stream.
    ///
    /// # Panics
    ///
    /// If `stream` panics.
    ///
    /// # Cancel safety
    ///
    /// As for [`yield_`](Self::yield_). The stream is dropped, unless `&mut stream` was passed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use futures::{StreamExt, stream};
    /// use withal::generator::generator;
    ///
    /// let numbers = generator(async |mut y| {
    ///     y.yield_all(stream::iter([1, 2])).await?;
    ///     y.yield_(3).await
    /// });
    /// assert_eq!(numbers.collect::<Vec<u32>>().await, [1, 2, 3]);
    /// # }
    /// ```
    pub async fn yield_all<St>(&mut self, stream: St) -> Result<(), T>
    where
        St: Stream<Item = T::Item<Y>>,
    {
        let mut stream = pin!(stream);
        while let Some(item) = self.interruptible(poll_fn(|cx| stream.as_mut().poll_next(cx))).await? {
            self.yield_(T::item_to_result(item)?).await?;
        }
        Ok(())
    }
}

/// The way in which the inner generator is to be resumed.
enum Resume<Y, S, T: Throw> {
    Start,
    /// Its step is in progress, and was polled.
    Continue,
    /// Not at all: its step has ended with a result other than a value.
    Ended(Result<Option<Y>, Error<S, T::Error>>),
    Send(S),
    Throw(T),
}

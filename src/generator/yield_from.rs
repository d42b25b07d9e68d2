use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream;

use super::{AsyncGeneratorExt, Error};
use crate::coroutine::{RawCoroutine, Throw, Yielder};

impl<Y, S, T: Throw> Yielder<'_, Y, S, T> {
    /// Hands the body's place over to another generator until that has ended: PEP 380's `yield from`, which Python has
    /// for plain generators only.
    ///
    /// What `inner` yields goes out, answers go in to it, and so does what is thrown. When the outer generator is closed,
    /// the inner one is told first, and the exit is raised here after it has ended, also if it swallows it.
    ///
    /// It begins `inner`, or goes on with a step under way; where it is at a yield already, that is answered with the
    /// default value, as Python does with `None`. `inner` may be lent, as `inner.as_mut()`.
    ///
    /// # Errors
    ///
    /// What `inner` fails with; the exit, when the outer generator is being closed.
    ///
    /// # Panics
    ///
    /// When `inner` does.
    ///
    /// # Cancel safety
    ///
    /// As [`yield_`](Self::yield_): a value that `inner` has yielded is delivered once, and the answer to it is lost. A step
    /// of `inner` that is under way stays so: lent, it can be delegated to again. That this one was told to exit is forgotten
    /// then, and not raised once more where `inner` swallows it.
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
    pub async fn yield_from<G>(&mut self, mut inner: G) -> Result<(), T>
    where
        G: AsyncGeneratorExt<Body: RawCoroutine<Yield = Y, Sent = S, Thrown = T>>,
        S: Default,
    {
        let mut is_closed = false;
        let mut ask = Ask::Start;
        loop {
            let stepped = match ask {
                Ask::Start => self.interruptible(inner.start()).await,
                Ask::Send(answer) => self.interruptible_from(inner.asend(answer), false).await,
                Ask::Throw(thrown) => self.interruptible_from(inner.athrow(thrown), false).await,
            };
            let value = match stepped {
                Ok(Ok(Some(value))) => value,
                Ok(Ok(None)) if is_closed => return Err(T::exit()),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(Error::Raised(error))) => return Err(T::from_error(error)),
                Ok(Err(Error::GeneratorExit)) => return Err(T::exit()),
                Ok(Err(Error::ValueExpected)) => {
                    ask = Ask::Send(S::default());
                    continue;
                }
                Ok(Err(Error::NotStarted(_) | Error::Running(_) | Error::IgnoredExit)) => {
                    unreachable!("it was started, and is answered at its yields alone")
                }
                // While it awaits: the step goes on, and is thrown into.
                Err(thrown) => {
                    is_closed |= thrown.is_exit();
                    ask = Ask::Throw(thrown);
                    continue;
                }
            };
            ask = match self.yield_(value).await {
                Ok(answer) => Ask::Send(answer),
                Err(thrown) => {
                    // A generator that ignores it yields once more, and so does this one: then that is what is told.
                    is_closed |= thrown.is_exit();
                    Ask::Throw(thrown)
                }
            };
        }
    }

    /// Yields all that comes out of a stream: `async for item in stream: yield item`.
    ///
    /// Its items are those of a generator of the same kind: `Y`, or `Result<Y, E>` where it can fail; an error is raised
    /// here. A stream can neither be answered nor thrown into: answers are dropped, and a throw is raised here and drops
    /// the stream.
    ///
    /// # Errors
    ///
    /// What was thrown in, and the first error that the stream has.
    ///
    /// # Panics
    ///
    /// When `stream` does.
    ///
    /// # Cancel safety
    ///
    /// As [`yield_`](Self::yield_), and the stream is dropped; it may be lent, as `&mut stream`.
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
            self.yield_(T::outcome(item)?).await?;
        }
        Ok(())
    }
}

/// What the inner generator is to be told.
enum Ask<S, T> {
    Start,
    Send(S),
    Throw(T),
}

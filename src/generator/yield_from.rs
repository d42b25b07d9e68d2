use std::pin::pin;

use futures_core::Stream;

use super::{AsyncGeneratorExt, Error};
use crate::coroutine::{Drive, Throw, Yielder};

impl<Y, S, T: Throw> Yielder<'_, Y, S, T> {
    /// Hands the body's place over to another generator until that has ended: PEP 380's `yield from`, which Python has
    /// for plain generators only.
    ///
    /// What `inner` yields goes out, answers go in to it, and so does what is thrown. When the outer generator is closed,
    /// the inner one is told first, and the exit is raised here after it has ended, also if it swallows it.
    ///
    /// It begins `inner`, or goes on with a step under way. `inner` may be lent: `inner.as_mut()`.
    ///
    /// # Errors
    ///
    /// What `inner` fails with; the exit, when the outer generator is being closed.
    ///
    /// # Panics
    ///
    /// When `inner` does; when it is at a yield that waits for an answer, since none is there.
    ///
    /// # Cancel safety
    ///
    /// As [`yield_`](Self::yield_). What `inner` has come to stays in it, but for a value that it has just yielded, which
    /// is delivered once.
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
        G: AsyncGeneratorExt<Drive: Drive<Yield = Y, Sent = S, Thrown = T>>,
    {
        let mut is_closed = false;
        let mut stepped = inner.start().await;
        loop {
            let value = match stepped {
                Ok(Some(value)) => value,
                Ok(None) if is_closed => return Err(T::exit()),
                Ok(None) => return Ok(()),
                Err(Error::Raised(error)) => return Err(T::from_error(error)),
                Err(Error::Exited) => return Err(T::exit()),
                Err(Error::Unanswered) => panic!("yield_from: the generator waits for an answer"),
                Err(Error::NotStarted(_) | Error::Running(_) | Error::IgnoredExit) => {
                    unreachable!("it was started, and each of its steps awaited")
                }
            };
            stepped = match self.yield_(value).await {
                Ok(answer) => inner.asend(answer).await,
                Err(thrown) => {
                    // A generator that ignores it yields once more, and so does this one: then that is what is told.
                    is_closed |= thrown.is_exit();
                    inner.athrow(thrown).await
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
        while let Some(item) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            self.yield_(T::outcome(item)?).await?;
        }
        Ok(())
    }
}

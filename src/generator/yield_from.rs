//! Delegation: `yield_from` and `yield_all` of the [`Yielder`].

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::async_generator::AsyncGenerator;
use super::error::Error;
use super::ext::AsyncGeneratorExt;
use crate::coroutine::{RawCoroutine, Throw, Yield, Yielder};

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
    pub fn yield_from<G>(&mut self, inner: G) -> impl Future<Output = Result<(), T>>
    where
        G: AsyncGeneratorExt<Body: RawCoroutine<Yield = Y, Sent = S, Thrown = T>>,
        S: Default,
    {
        YieldFrom { inner: Some(inner), outer: Yield::done(self), next: Next::Start, is_closed: false }
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

/// The future of [`Yielder::yield_from`]. Written by hand, so that it polls the inner generator at one place, where its
/// body is inlined.
///
/// ```text
///          ┌── reply ◄──────────────────┐
///          ▼                            │
///  Start, Send, Throw ─┬─ a value ──► Yield ─── thrown ──► Throw
///          ▲           ├─ pending ──► Continue ─ thrown ──► Throw
///          └─ thrown ──┘
/// ```
struct YieldFrom<'a, 'g, G, Y, S, T> {
    /// `None` after completion.
    inner: Option<G>,
    /// The yield of the outer body. Completed, except in [`Next::Yield`].
    outer: Yield<'a, 'g, Y, S, T>,
    next: Next<S, T>,
    /// `true` once an exit was raised.
    is_closed: bool,
}

/// The next step of the future.
enum Next<S, T> {
    /// Starts the inner generator, or continues its step in progress.
    Start,
    /// Resumes the inner generator with a reply.
    Send(S),
    /// Raises in the inner generator.
    Throw(T),
    /// Polls the step of the inner generator again.
    Continue,
    /// Polls the yield of the outer body.
    Yield,
}

/// Nothing is pinned: `inner` is a pinned pointer.
impl<G, Y, S, T> Unpin for YieldFrom<'_, '_, G, Y, S, T> {}

impl<G, Y, S, T> Future for YieldFrom<'_, '_, G, Y, S, T>
where
    G: AsyncGeneratorExt<Body: RawCoroutine<Yield = Y, Sent = S, Thrown = T>>,
    S: Default,
    T: Throw,
{
    type Output = Result<(), T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), T>> {
        let this = self.get_mut();
        loop {
            // The yield comes first: while it is pending, the inner generator is suspended. If the inner generator has
            // ignored the exit, then by this yield the outer one ignores it, too, and its close fails with `IgnoredExit`.
            let mut next = if let Next::Yield = this.next {
                match ready!(Pin::new(&mut this.outer).poll(cx)) {
                    Ok(reply) => Next::Send(reply),
                    Err(thrown) => this.throw(thrown),
                }
            } else {
                mem::replace(&mut this.next, Next::Continue)
            };
            // A throw that arrives while the inner generator awaits is passed on before the next poll, but after the poll
            // that delivers an earlier reply or throw.
            if let Next::Start | Next::Continue = next {
                if let Some(thrown) = this.outer.take_thrown() {
                    next = this.throw(thrown);
                }
            }
            let delivers = matches!(next, Next::Send(_) | Next::Throw(_));
            let mut inner = this.inner.as_mut().expect("`yield_from` polled after completion").pinned();
            let begun = match next {
                Next::Send(reply) => inner.reply(reply),
                Next::Start => AsyncGenerator::start(&inner).map_or(Ok(None), Err),
                Next::Throw(thrown) => inner.as_mut().throw(thrown).map_or(Ok(None), Err),
                Next::Continue | Next::Yield => Ok(None),
            };
            let polled = match begun {
                Ok(reply) => inner.poll_step(reply, cx),
                Err(result) => Poll::Ready(result),
            };
            let result = match polled {
                Poll::Ready(Ok(Some(value))) => {
                    this.outer.restart(value);
                    this.next = Next::Yield;
                    continue;
                }
                // The inner generator was suspended at a yield before the delegation.
                Poll::Ready(Err(Error::ValueExpected)) => {
                    this.next = Next::Send(S::default());
                    continue;
                }
                Poll::Ready(result) => result,
                Poll::Pending => {
                    this.next = Next::Continue;
                    if delivers {
                        if let Some(thrown) = this.outer.take_thrown() {
                            this.next = this.throw(thrown);
                            continue;
                        }
                    }
                    this.outer.await_throw(cx);
                    return Poll::Pending;
                }
            };
            this.inner = None;
            return Poll::Ready(match result {
                // The inner generator suppressed the exit.
                Ok(_) if this.is_closed => Err(T::exit()),
                Ok(_) => Ok(()),
                Err(Error::Raised(error)) => Err(T::from_error(error)),
                Err(Error::GeneratorExit) => Err(T::exit()),
                Err(_) => {
                    unreachable!("`yield_from` sent a value to a generator that was not suspended at a yield")
                }
            });
        }
    }
}

impl<G, Y, S, T: Throw> YieldFrom<'_, '_, G, Y, S, T> {
    fn throw(&mut self, thrown: T) -> Next<S, T> {
        self.is_closed |= thrown.is_exit();
        Next::Throw(thrown)
    }
}

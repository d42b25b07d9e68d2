use futures_core::Stream;

/// What can be iterated over with [`async_for!`](crate::async_for): an object with `__aiter__`.
///
/// Every [`Stream`] is one, as every iterator is [`IntoIterator`]. A type that is not one says here how it is iterated;
/// its `aiter` may well be an async generator.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use withal::async_for;
/// use withal::desugar::AsyncIterable;
/// use withal::generator::{BoxAsyncGenerator, generator};
///
/// struct Countdown(u32);
///
/// impl AsyncIterable for Countdown {
///     type Item = u32;
///     type AsyncIter = BoxAsyncGenerator<'static, u32>;
///
///     fn aiter(self) -> Self::AsyncIter {
///         generator(async move |mut y| {
///             for n in (0..self.0).rev() {
///                 y.yield_(n).await?;
///             }
///             Ok(())
///         })
///         .boxed()
///     }
/// }
///
/// let mut seen = Vec::new();
/// async_for!(n in Countdown(3) => {
///     seen.push(n);
/// });
/// assert_eq!(seen, [2, 1, 0]);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be iterated over by `async_for!`",
    label = "neither a `Stream` nor an `AsyncIterable`",
    note = "a plain iterator becomes a stream by `futures::stream::iter`"
)]
pub trait AsyncIterable {
    /// What it gives.
    type Item;
    /// What gives it.
    type AsyncIter: Stream<Item = Self::Item>;

    /// The stream that is to be polled: `__aiter__`.
    fn aiter(self) -> Self::AsyncIter;
}

impl<S: Stream> AsyncIterable for S {
    type Item = S::Item;
    type AsyncIter = S;

    #[inline]
    fn aiter(self) -> S {
        self
    }
}

/// The stream of what can be iterated over: Python's `aiter`.
///
/// A stream is its own, as an async iterator is in Python: `aiter(aiter(xs))` is `aiter(xs)`.
///
/// # Examples
///
/// See [the section](crate::desugar).
#[inline]
pub fn aiter<I: AsyncIterable>(iterable: I) -> I::AsyncIter {
    iterable.aiter()
}

use futures_core::Stream;

/// A type that [`async_for!`](crate::async_for) can iterate over, like a Python object with `__aiter__`.
///
/// Every [`Stream`] is an `AsyncIterable`, as every iterator is an [`IntoIterator`]. Implement this trait for a type
/// that is not a stream but can be converted into one, for example into an async generator.
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
#[doc(alias = "__aiter__")]
#[doc(alias = "IntoStream")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be iterated over by `async_for!`",
    label = "neither a `Stream` nor an `AsyncIterable`",
    note = "a plain iterator becomes a stream by `futures::stream::iter`"
)]
pub trait AsyncIterable {
    /// The type of the items.
    type Item;
    /// The stream of the items.
    type AsyncIter: Stream<Item = Self::Item>;

    /// Converts `self` into the stream to iterate over, like Python's `__aiter__`.
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

/// Returns the stream of an [`AsyncIterable`], like Python's `aiter`.
///
/// For a stream, `aiter` returns the stream itself, so `aiter(aiter(xs))` is the same as `aiter(xs)`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures::stream;
/// use withal::desugar::{aiter, anext};
///
/// let mut numbers = aiter(stream::iter([1, 2]));
/// assert_eq!(anext(&mut numbers).await, Some(1));
/// # }
/// ```
#[inline]
pub fn aiter<I: AsyncIterable>(iterable: I) -> I::AsyncIter {
    iterable.aiter()
}

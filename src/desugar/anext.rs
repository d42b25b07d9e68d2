use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// Returns the next item of a stream, or `None` at its end, like Python's `anext`.
///
/// This is [`StreamExt::next`](futures_util::StreamExt::next) as a function. A stream that is not `Unpin` has to be
/// pinned first, for example by [`pin!`](std::pin::pin).
///
/// # Panics
///
/// Panics if the stream panics.
///
/// # Cancel safety
///
/// The future holds only a borrow of the stream. Dropping the future loses no item, unless the stream itself loses it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::pin::pin;
/// use withal::desugar::{anext, anext_or};
///
/// let mut letters = pin!(withal::stream! { yield 'a' });
/// assert_eq!(anext(&mut letters).await, Some('a'));
/// assert_eq!(anext(&mut letters).await, None);
/// assert_eq!(anext_or(&mut letters, 'z').await, 'z');
/// # }
/// ```
#[doc(alias = "__anext__")]
#[doc(alias = "next")]
#[inline]
pub fn anext<S: Stream + Unpin + ?Sized>(stream: &mut S) -> Next<'_, S> {
    Next(stream)
}

/// Returns the next item of a stream, or `default` at its end, like Python's `anext` with a default.
///
/// # Panics
///
/// Panics if the stream panics.
///
/// # Cancel safety
///
/// Dropping the future drops `default`. For the stream, see [`anext`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures::stream;
/// use withal::desugar::anext_or;
///
/// let mut numbers = stream::iter([1]);
/// assert_eq!(anext_or(&mut numbers, 7).await, 1);
/// assert_eq!(anext_or(&mut numbers, 7).await, 7);
/// # }
/// ```
pub async fn anext_or<S: Stream + Unpin + ?Sized>(stream: &mut S, default: S::Item) -> S::Item {
    anext(stream).await.unwrap_or(default)
}

/// The future that [`anext`] returns.
// A named type, not `impl Future`: with an opaque type, rustc rejects generic callers whose stream contains an `async`
// block ("one type is more general than the other").
#[must_use = "futures do nothing unless polled"]
pub struct Next<'a, S: ?Sized>(&'a mut S);

impl<S: Stream + Unpin + ?Sized> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut *self.0).poll_next(cx)
    }
}

impl<S: ?Sized> fmt::Debug for Next<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

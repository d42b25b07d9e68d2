use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// The next item of a stream, or `None` at its end: Python's `anext`, and `next` of `StreamExt`.
///
/// A stream that is not `Unpin` is pinned first, by [`pin!`](std::pin::pin).
///
/// # Panics
///
/// When the stream does.
///
/// # Cancel safety
///
/// As the stream: this holds nothing but a borrow of it.
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
#[inline]
pub fn anext<S: Stream + Unpin + ?Sized>(stream: &mut S) -> Anext<'_, S> {
    Anext(stream)
}

/// The next item of a stream, or a value at its end: Python's `anext` with a default.
///
/// # Panics
///
/// When the stream does.
///
/// # Cancel safety
///
/// As the stream. The default is dropped.
///
/// # Examples
///
/// See [`anext`].
pub async fn anext_or<S: Stream + Unpin + ?Sized>(stream: &mut S, default: S::Item) -> S::Item {
    anext(stream).await.unwrap_or(default)
}

/// What [`anext`] returns.
#[must_use = "nothing happens unless it is awaited"]
pub struct Anext<'a, S: ?Sized>(&'a mut S);

impl<S: Stream + Unpin + ?Sized> Future for Anext<'_, S> {
    type Output = Option<S::Item>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut *self.0).poll_next(cx)
    }
}

impl<S: ?Sized> fmt::Debug for Anext<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anext").finish_non_exhaustive()
    }
}

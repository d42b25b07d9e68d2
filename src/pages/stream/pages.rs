use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};

use super::pager::{Pager, Step};
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;

/// A stream over the pages of a paginated API: an [`AsyncGetDocs`](crate::pages::AsyncGetDocs) that yields whole pages.
///
/// It is created by [`AsyncGetDocs::into_pages`](crate::pages::AsyncGetDocs::into_pages), and yields each page as a
/// `Vec` of its items, without those that `max_items`, `unique_by` or `resume` remove. An empty page is yielded as an
/// empty `Vec`, unless it only marks the end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_page_number;
///
/// let mut pages = by_page_number(1, |page| async move {
///     Ok::<_, std::io::Error>(if page <= 2 { vec![page * 10, page * 10 + 1] } else { vec![] })
/// })
/// .into_pages();
/// assert_eq!(pages.try_next().await?, Some(vec![10, 11]));
/// assert_eq!(pages.try_next().await?, Some(vec![20, 21]));
/// assert_eq!(pages.try_next().await?, None);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future that `next` or `try_next` returned loses nothing: the stream keeps the page in progress.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Pages<T, C, E> {
    /// The remaining items of the page that was current when the stream of items was converted.
    remainder: Vec<T>,
    pager: Box<Pager<T, C, E>>,
}

impl<T, C: Cursor, E> Pages<T, C, E> {
    pub(super) fn new(remainder: Vec<T>, pager: Box<Pager<T, C, E>>) -> Self {
        Self { remainder, pager }
    }

    /// Returns the position of the stream, after the last page yielded.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.pager.checkpoint(self.remainder.len())
    }

    /// Returns the [extra value](crate::pages::Page::extra) of the last page yielded; `None` if it has none of this type.
    ///
    /// After the end, it is that of the last page, even if that page was empty.
    #[must_use]
    pub fn extra<X: Any>(&self) -> Option<&X> {
        self.pager.extra()?.downcast_ref()
    }

    pub(super) fn extra_value(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.pager.extra()
    }

    /// Returns the number of items, pages and retries so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.pager.progress(self.remainder.len())
    }
}

impl<T, C, E> Pages<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// Returns the items of the next page, or the error that ended the stream; `None` at the end and from then on.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no page is lost or fetched twice.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name of the method on every stream; the type is not an iterator"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Vec<T>, Error<E>>>> + Send + Unpin {
        poll_fn(|cx| self.poll_page(cx))
    }

    /// Returns the items of the next page; `Ok(None)` at the end and from then on.
    ///
    /// # Errors
    ///
    /// Returns the [`Error`] that ended the stream, once.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no page is lost or fetched twice.
    pub fn try_next(&mut self) -> impl Future<Output = Result<Option<Vec<T>>, Error<E>>> + Send + Unpin {
        poll_fn(|cx| self.poll_page(cx).map(Option::transpose))
    }

    /// Reopens the stream after an error, as [`AsyncGetDocs::retry_failed`](crate::pages::AsyncGetDocs::retry_failed)
    /// does. Returns `false`, and changes nothing, if there is nothing to retry.
    pub fn retry_failed(&mut self) -> bool {
        self.pager.retry_failed()
    }

    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<T>, Error<E>>>> {
        if !self.remainder.is_empty() {
            return Poll::Ready(Some(Ok(mem::take(&mut self.remainder))));
        }
        Poll::Ready(match ready!(self.pager.poll_step(cx)) {
            Step::Page(items) => Some(Ok(items)),
            Step::Failed(error) => Some(Err(error)),
            Step::End => None,
        })
    }
}

impl<T, C, E> Stream for Pages<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    type Item = Result<Vec<T>, Error<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_page(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let buffered = usize::from(!self.remainder.is_empty());
        (buffered, self.pager.is_terminated().then_some(buffered))
    }
}

impl<T, C, E> FusedStream for Pages<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.remainder.is_empty() && self.pager.is_terminated()
    }
}

/// No field is pinned: the items are in a `Vec`, and the future of the fetch function is boxed by its source.
impl<T, C, E> Unpin for Pages<T, C, E> {}

impl<T, C: Cursor, E> fmt::Debug for Pages<T, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("progress", &self.progress())
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}

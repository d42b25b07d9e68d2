use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::stream::{FusedStream, Stream};

use super::pager::{Pager, Step};
use super::pages::Pages;
use super::tail::{CHUNK, Tail};
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;
use crate::pages::fetch::fetcher::Config;

/// A stream over the items of a paginated API.
///
/// It is created by [`by_cursor`], [`by_page_number`], [`by_offset`], [`by_link`] or [`AsyncGetDocs::new`], configured with
/// the methods under [Configuration](#configuration) and [Requests](#requests), and consumed with
/// [`try_next`](Self::try_next), [`next`](Self::next) or as a [`Stream`].
///
/// The [module documentation](crate::pages#guarantees) states its guarantees. After an error, the stream has ended,
/// until [`retry_failed`](Self::retry_failed) reopens it. A [`checkpoint`](Self::checkpoint) can be taken at any
/// moment.
///
/// [`by_cursor`]: crate::pages::by_cursor
/// [`by_page_number`]: crate::pages::by_page_number
/// [`by_offset`]: crate::pages::by_offset
/// [`by_link`]: crate::pages::by_link
///
/// # Panics
///
/// If the fetch function panics, the stream first yields all earlier items, then panics. After the panic, it has ended.
///
/// # Cancel safety
///
/// Dropping the future that `next` or `try_next` returned loses nothing: the stream keeps the page in progress.
#[doc(alias = "paginate", alias = "paginator", alias = "pagination", alias = "get_docs")]
#[must_use = "a stream does nothing unless it is polled"]
pub struct AsyncGetDocs<T, C, E> {
    /// The items to yield before the stream yields to the executor.
    chunk: vec::IntoIter<T>,
    /// The items after the chunk, if the page has more than [`CHUNK`].
    tail: Tail<T>,
    /// `true` if the stream has yielded to the executor since the last chunk of a page with a tail.
    has_yielded: bool,
    pager: Box<Pager<T, C, E>>,
}

impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    pub(in crate::pages) fn from_config(config: Config<T, C, E>) -> Self {
        let pager = Box::new(Pager::new(config));
        Self { chunk: Vec::new().into_iter(), tail: Tail::default(), has_yielded: false, pager }
    }

    pub(in crate::pages) fn pager(&mut self) -> &mut Pager<T, C, E> {
        &mut self.pager
    }

    /// Converts this stream into a stream over whole pages. The remaining items of the current page become its first
    /// page.
    pub fn into_pages(self) -> Pages<T, C, E> {
        Pages::new(self.chunk.chain(self.tail.into_items()).collect(), self.pager)
    }

    /// Returns the position of the stream, after the last item yielded, from which another run can
    /// [`resume`](Self::resume).
    ///
    /// This method clones the cursor, so that checkpoints add no cost per item.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.pager.checkpoint(self.buffered_len())
    }

    /// Returns the [extra value](crate::pages::Page::extra) of the page that the last item came from; `None` if it has
    /// none of this type.
    ///
    /// After the end, it is that of the last page, even if that page was empty. Before the first page, it is `None`.
    #[must_use]
    pub fn extra<X: Any>(&self) -> Option<&X> {
        self.pager.extra()?.downcast_ref()
    }

    /// Returns `true` if no page with items has arrived, because the API has not changed since an earlier crawl; see
    /// [`Page::not_modified`](crate::pages::Page::not_modified).
    #[must_use]
    pub fn is_not_modified(&self) -> bool {
        self.pager.is_not_modified()
    }

    /// Returns the number of items, pages and retries so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.pager.progress(self.buffered_len())
    }
}

impl<T, C, E> AsyncGetDocs<T, C, E> {
    /// Returns the number of items of the current page that have not been yielded.
    ///
    /// Between two pages, it is 0. That is the moment to flush what was written, then save a
    /// [`checkpoint`](Self::checkpoint).
    #[must_use]
    pub fn buffered_len(&self) -> usize {
        self.chunk.len() + self.tail.len()
    }

    /// Returns the next item, if it is buffered.
    pub(in crate::pages) fn peek(&self) -> Option<&T> {
        self.chunk.as_slice().first().or_else(|| self.tail.first())
    }
}

impl<T, C, E> AsyncGetDocs<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// Returns the next item, or the error that ended the stream; `None` at the end and from then on.
    ///
    /// Use `next` in a loop that handles each error, and [`try_next`](Self::try_next) with `?`.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no item is lost and no page is fetched twice.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name of the method on every stream; the type is not an iterator"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<T, Error<E>>>> + Send + Unpin {
        poll_fn(|cx| self.poll_item(cx))
    }

    /// Returns the next item; `Ok(None)` at the end and from then on.
    ///
    /// # Errors
    ///
    /// Returns the [`Error`] that ended the stream, once.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no item is lost and no page is fetched twice.
    pub fn try_next(&mut self) -> impl Future<Output = Result<Option<T>, Error<E>>> + Send + Unpin {
        poll_fn(|cx| match self.chunk.next() {
            Some(item) => Poll::Ready(Ok(Some(item))),
            None => self.refill(cx),
        })
    }

    /// Reopens the stream after an error. Returns `false`, and changes nothing, if there is nothing to retry.
    ///
    /// | after | the next poll |
    /// |---|---|
    /// | [`ErrorKind::Fetch`] | requests the same page again, with all its retries |
    /// | [`ErrorKind::CursorCycle`] | requests the repeated cursor, as if the cycle were a false alarm |
    /// | [`ErrorKind::MissingCursor`] | requests the same page again, and skips the items that were yielded |
    /// | [`ErrorKind::ResumeOutOfRange`] | treats the page as fully yielded, and continues after it |
    /// | [`ErrorKind::TooManyEmptyPages`] | continues after the empty pages |
    /// | [`ErrorKind::RepeatedPage`] | requests the same page again |
    /// | any other error | returns `None`: `retry_failed` has returned `false` |
    ///
    /// [`ErrorKind::Fetch`]: crate::pages::ErrorKind::Fetch
    /// [`ErrorKind::CursorCycle`]: crate::pages::ErrorKind::CursorCycle
    /// [`ErrorKind::ResumeOutOfRange`]: crate::pages::ErrorKind::ResumeOutOfRange
    /// [`ErrorKind::MissingCursor`]: crate::pages::ErrorKind::MissingCursor
    /// [`ErrorKind::RepeatedPage`]: crate::pages::ErrorKind::RepeatedPage
    /// [`ErrorKind::TooManyEmptyPages`]: crate::pages::ErrorKind::TooManyEmptyPages
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use withal::pages::{Page, by_cursor};
    ///
    /// let mut attempts = 0;
    /// let mut items = by_cursor(move |_: Option<u8>| {
    ///     attempts += 1;
    ///     async move { if attempts == 1 { Err("503") } else { Ok(Page::new(vec!["a", "b"], None)) } }
    /// });
    ///
    /// assert!(items.next().await.unwrap().is_err());
    /// assert!(items.next().await.is_none());
    /// assert!(items.retry_failed());
    /// assert_eq!(items.next().await.unwrap().unwrap(), "a");
    /// # }
    /// ```
    pub fn retry_failed(&mut self) -> bool {
        self.pager.retry_failed()
    }

    /// Polls until an item is buffered, or the stream has ended, and leaves the item in the buffer.
    pub(in crate::pages) fn poll_buffer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<E>>> {
        while self.buffered_len() == 0 {
            match ready!(self.pager.poll_step(cx)) {
                Step::Page(items) => self.accept(items),
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::End => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    pub(in crate::pages) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error<E>>>> {
        match self.chunk.next() {
            Some(item) => Poll::Ready(Some(Ok(item))),
            None => self.refill(cx).map(Result::transpose),
        }
    }

    /// Makes the next chunk current. It is called once per page, or once per chunk of a large page.
    ///
    /// It also returns the first item of the chunk, as the output of `try_next`, so that the caller need not access the
    /// chunk again: the hot path of an item is a single access to the chunk.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        if !self.tail.is_empty() {
            return self.next_chunk(cx);
        }
        match ready!(self.pager.poll_usual(cx)) {
            Some(items) => {
                self.accept(items);
                Poll::Ready(Ok(self.chunk.next()))
            }
            None => self.refill_by_steps(cx),
        }
    }

    #[inline(never)]
    fn refill_by_steps(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        loop {
            match ready!(self.pager.poll_step(cx)) {
                Step::Page(items) => self.accept(items),
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::End => return Poll::Ready(Ok(None)),
            }
            // A page may have no item to yield: poll for the next one. tokio's budget bounds this loop.
            if let Some(item) = self.chunk.next() {
                return Poll::Ready(Ok(Some(item)));
            }
        }
    }

    #[inline(always)]
    fn accept(&mut self, items: Vec<T>) {
        if items.len() > CHUNK {
            self.split(items);
        } else {
            self.chunk = items.into_iter();
        }
    }

    #[inline(never)]
    fn next_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        if !mem::replace(&mut self.has_yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_yielded = false;
        self.chunk = self.tail.next_chunk();
        Poll::Ready(Ok(self.chunk.next()))
    }

    #[inline(never)]
    fn split(&mut self, items: Vec<T>) {
        self.tail = Tail::new(items);
        self.chunk = self.tail.next_chunk();
    }
}

impl<T, C, E> Stream for AsyncGetDocs<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    type Item = Result<T, Error<E>>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let buffered = self.buffered_len();
        if self.pager.is_terminated() {
            return (buffered, Some(buffered));
        }
        // One more than the limit, because an error may follow the items.
        let limit = Some(self.pager.item_limit()).filter(|limit| *limit < u64::MAX);
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        (buffered, limit.and_then(|limit| buffered.checked_add(limit)?.checked_add(1)))
    }
}

impl<T, C, E> FusedStream for AsyncGetDocs<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.buffered_len() == 0 && self.pager.is_terminated()
    }
}

/// No field is pinned: the items are in a `Vec`, and the future of the fetch function is boxed by its source.
impl<T, C, E> Unpin for AsyncGetDocs<T, C, E> {}

impl<T, C: Cursor, E> fmt::Debug for AsyncGetDocs<T, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGetDocs")
            .field("buffered_len", &self.buffered_len())
            .field("progress", &self.progress())
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::stream::{FusedStream, Stream};

use super::pager::{Pager, Step};
use super::pages::Pages;
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;
use crate::pages::fetch::Config;

/// How many items are yielded out of one page between two returns to the executor.
const YIELD_EVERY: usize = 128;

/// The documents of a paginated API, one by one, as a stream.
///
/// Made by [`by_cursor`](super::by_cursor), [`by_page_number`](super::by_page_number),
/// [`by_offset`](super::by_offset), [`by_link`](super::by_link) or [`AsyncGetDocs::new`]; set up before the first poll
/// by the methods that take `self`; consumed by [`try_next`](Self::try_next), [`next`](Self::next) or as a
/// [`Stream`].
///
/// The [module](super) states what is promised. An error ends the stream; [`retry_failed`](Self::retry_failed) goes on
/// after it, and a [`checkpoint`](Self::checkpoint) is good at any moment.
///
/// # Panics
///
/// A panic of the fetch function is passed on, after every item of the pages before. The stream has ended then.
///
/// # Cancel safety
///
/// Dropping what `next` or `try_next` returned loses nothing: the page that was under way is kept, and goes on.
#[must_use = "a stream does nothing unless it is polled"]
pub struct AsyncGetDocs<T, C, E> {
    /// The items that are yielded before the executor gets its turn.
    chunk: vec::IntoIter<T>,
    /// What follows them in a page that is longer than that.
    tail: vec::IntoIter<T>,
    /// Whether the executor has had its turn, in a page that has a tail.
    has_yielded: bool,
    pager: Box<Pager<T, C, E>>,
}

impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    pub(in crate::pages) fn from_config(config: Config<T, C, E>) -> Self {
        let pager = Box::new(Pager::new(config));
        Self { chunk: Vec::new().into_iter(), tail: Vec::new().into_iter(), has_yielded: false, pager }
    }

    pub(in crate::pages) fn pager(&mut self) -> &mut Pager<T, C, E> {
        &mut self.pager
    }

    /// The pages instead of their documents; what is left of the page in hand comes first.
    pub fn into_pages(self) -> Pages<T, C, E> {
        Pages::new(self.chunk.chain(self.tail).collect(), self.pager)
    }

    /// Where the walk stands: after the last item yielded.
    ///
    /// Costs a clone of the cursor, whenever it is asked for; the items pay nothing for it.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.pager.checkpoint(self.buffered_len())
    }

    /// How far the walk has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.pager.progress(self.buffered_len())
    }
}

impl<T, C, E> AsyncGetDocs<T, C, E> {
    /// The number of items of the current page that have not been yielded.
    ///
    /// It is 0 between two pages: the moment to flush what was written, and to save a [`checkpoint`](Self::checkpoint).
    #[must_use]
    pub fn buffered_len(&self) -> usize {
        self.chunk.len() + self.tail.len()
    }
}

impl<T, C, E> AsyncGetDocs<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// The next document, or the error that ended the walk; `None` at the end, and ever after.
    ///
    /// For the loop that looks at each result; [`try_next`](Self::try_next) is for `?`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if it is dropped, no document is lost and no page is fetched twice.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name that every stream has; it cannot be an iterator's"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<T, Error<E>>>> + Send + Unpin {
        poll_fn(|cx| self.poll_item(cx))
    }

    /// The next document; `Ok(None)` at the end, and ever after.
    ///
    /// # Errors
    ///
    /// The [`Error`] that ended the walk, once.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if it is dropped, no document is lost and no page is fetched twice.
    pub fn try_next(&mut self) -> impl Future<Output = Result<Option<T>, Error<E>>> + Send + Unpin {
        poll_fn(|cx| match self.chunk.next() {
            Some(item) => Poll::Ready(Ok(Some(item))),
            None => self.refill(cx),
        })
    }

    /// After an error, goes on with the page that failed; says whether there is one.
    ///
    /// | after | the next poll |
    /// |---|---|
    /// | [`ErrorKind::Fetch`] | asks for the same page again, with all its retries |
    /// | [`ErrorKind::CursorCycle`] | goes on over the repeated cursor: it was a false alarm |
    /// | [`ErrorKind::MissingCursor`] | asks for the same page again, and passes over what it yielded |
    /// | [`ErrorKind::ResumeOutOfRange`] | takes the page for yielded, and goes on behind it |
    /// | anything else, or no error | `false`: the stream stays as it is |
    ///
    /// # Examples
    ///
    /// [`ErrorKind::Fetch`]: super::ErrorKind::Fetch
    /// [`ErrorKind::CursorCycle`]: super::ErrorKind::CursorCycle
    /// [`ErrorKind::ResumeOutOfRange`]: super::ErrorKind::ResumeOutOfRange
    /// [`ErrorKind::MissingCursor`]: super::ErrorKind::MissingCursor
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use withal::pages::{Page, by_cursor};
    ///
    /// let mut asked = 0;
    /// let mut docs = by_cursor(move |_: Option<u8>| {
    ///     asked += 1;
    ///     async move { if asked == 1 { Err("503") } else { Ok(Page::new(vec!["a", "b"], None)) } }
    /// });
    ///
    /// assert!(docs.next().await.unwrap().is_err());
    /// assert!(docs.next().await.is_none());
    /// assert!(docs.retry_failed());
    /// assert_eq!(docs.next().await.unwrap().unwrap(), "a");
    /// # }
    /// ```
    pub fn retry_failed(&mut self) -> bool {
        self.pager.retry_failed()
    }

    #[inline]
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error<E>>>> {
        match self.chunk.next() {
            Some(item) => Poll::Ready(Some(Ok(item))),
            None => self.refill(cx).map(Result::transpose),
        }
    }

    /// Once a page, or once a chunk of a large one. It returns the item, in the shape that `try_next` wants, rather than
    /// have the caller look again or turn it round: so the path of an item is one look at the chunk.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        if !self.tail.as_slice().is_empty() {
            return self.next_chunk(cx);
        }
        loop {
            match ready!(self.pager.poll_step(cx)) {
                Step::Page(items) if items.len() > YIELD_EVERY => self.split(items),
                Step::Page(items) => self.chunk = items.into_iter(),
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::End => return Poll::Ready(Ok(None)),
            }
            if let Some(item) = self.chunk.next() {
                return Poll::Ready(Ok(Some(item)));
            }
        }
    }

    #[inline(never)]
    fn next_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        if !mem::replace(&mut self.has_yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_yielded = false;
        self.chunk = self.tail.by_ref().take(YIELD_EVERY).collect::<Vec<_>>().into_iter();
        Poll::Ready(Ok(self.chunk.next()))
    }

    #[inline(never)]
    fn split(&mut self, items: Vec<T>) {
        self.tail = items.into_iter();
        self.chunk = self.tail.by_ref().take(YIELD_EVERY).collect::<Vec<_>>().into_iter();
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
        let here = self.buffered_len();
        if self.pager.is_terminated() {
            return (here, Some(here));
        }
        // One more than the items wanted: an error may come in their stead.
        let wanted = Some(self.pager.item_limit()).filter(|wanted| *wanted < u64::MAX);
        let wanted = wanted.and_then(|wanted| usize::try_from(wanted).ok());
        (here, wanted.and_then(|wanted| here.checked_add(wanted)?.checked_add(1)))
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

/// The items lie in a `Vec`, and the fetch in a box: nothing moves with the stream.
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

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::stream::{FusedStream, Stream};

use super::engine::Setup;
use super::walk::{Step, Walk};
use super::{Checkpoint, Cursor, Error, Pages, Progress};

/// How many items are yielded out of one page between two returns to the executor.
const BURST: usize = 128;

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
    burst: vec::IntoIter<T>,
    /// What follows them in a page that is longer than that.
    rest: vec::IntoIter<T>,
    /// Whether the executor has had its turn, in a page that has a rest.
    paused: bool,
    walk: Box<Walk<T, C, E>>,
}

impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    pub(super) fn from_setup(setup: Setup<T, C, E>) -> Self {
        let walk = Box::new(Walk::new(setup));
        Self { burst: Vec::new().into_iter(), rest: Vec::new().into_iter(), paused: false, walk }
    }

    pub(super) fn walk(&mut self) -> &mut Walk<T, C, E> {
        &mut self.walk
    }

    /// The pages instead of their documents; what is left of the page in hand comes first.
    pub fn into_pages(self) -> Pages<T, C, E> {
        Pages::new(self.burst.chain(self.rest).collect(), self.walk)
    }

    /// Where the walk stands: after the last item yielded.
    ///
    /// Costs a clone of the cursor, whenever it is asked for; the items pay nothing for it.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.walk.checkpoint(self.left())
    }

    /// How many documents are at hand: those of the page in hand that were not yielded yet.
    ///
    /// 0 between two pages: the moment to flush what was written, and to keep a [`checkpoint`](Self::checkpoint).
    #[must_use]
    pub fn buffered_len(&self) -> usize {
        self.left()
    }

    /// How far the walk has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.walk.progress(self.left())
    }
}

impl<T, C, E> AsyncGetDocs<T, C, E> {
    /// Items of the page in hand that were not yielded yet.
    fn left(&self) -> usize {
        self.burst.len() + self.rest.len()
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
        poll_fn(|cx| match self.burst.next() {
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
        self.walk.retry_failed()
    }

    #[inline]
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error<E>>>> {
        match self.burst.next() {
            Some(item) => Poll::Ready(Some(Ok(item))),
            None => self.refill(cx).map(Result::transpose),
        }
    }

    /// Once a page, or once a burst of a large one. It returns the item, in the shape that `try_next` wants, rather than
    /// have the caller look again or turn it round: so the path of an item is one look at the burst.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        if !self.rest.as_slice().is_empty() {
            return self.next_burst(cx);
        }
        loop {
            match ready!(self.walk.poll_step(cx)) {
                Step::Page(items) if items.len() > BURST => self.split(items),
                Step::Page(items) => self.burst = items.into_iter(),
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::End => return Poll::Ready(Ok(None)),
            }
            if let Some(item) = self.burst.next() {
                return Poll::Ready(Ok(Some(item)));
            }
        }
    }

    #[inline(never)]
    fn next_burst(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error<E>>> {
        if !mem::replace(&mut self.paused, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.paused = false;
        self.burst = self.rest.by_ref().take(BURST).collect::<Vec<_>>().into_iter();
        Poll::Ready(Ok(self.burst.next()))
    }

    #[inline(never)]
    fn split(&mut self, items: Vec<T>) {
        self.rest = items.into_iter();
        self.burst = self.rest.by_ref().take(BURST).collect::<Vec<_>>().into_iter();
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
        let here = self.left();
        if self.walk.is_over() {
            return (here, Some(here));
        }
        // One more than the items wanted: an error may come in their stead.
        let wanted = Some(self.walk.wanted()).filter(|wanted| *wanted < u64::MAX);
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
        self.left() == 0 && self.walk.is_over()
    }
}

/// The items lie in a `Vec`, and the fetch in a box: nothing moves with the stream.
impl<T, C, E> Unpin for AsyncGetDocs<T, C, E> {}

impl<T, C: Cursor, E> fmt::Debug for AsyncGetDocs<T, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGetDocs")
            .field("buffered_len", &self.left())
            .field("progress", &self.progress())
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}

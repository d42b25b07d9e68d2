use std::fmt;
use std::future::{Future, poll_fn};
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
    page: vec::IntoIter<T>,
    /// How many items are left when the executor gets its turn.
    pause: usize,
    walk: Box<Walk<T, C, E>>,
}

/// The page in hand was used up; what came instead.
enum Refill<E> {
    Page,
    Failed(Error<E>),
    End,
}

impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    pub(super) fn from_setup(setup: Setup<T, C, E>) -> Self {
        Self { page: Vec::new().into_iter(), pause: 0, walk: Box::new(Walk::new(setup)) }
    }

    pub(super) fn walk(&mut self) -> &mut Walk<T, C, E> {
        &mut self.walk
    }

    /// The pages instead of their documents; what is left of the page in hand comes first.
    pub fn into_pages(self) -> Pages<T, C, E> {
        Pages::new(self.page, self.walk)
    }

    /// Where the walk stands: after the last item yielded.
    ///
    /// Costs a clone of the cursor, whenever it is asked for; the items pay nothing for it.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.walk.checkpoint(self.page.len())
    }

    /// How far the walk has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.walk.progress(self.page.len())
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
        poll_fn(|cx| self.poll_item(cx).map(Option::transpose))
    }

    /// After an error, goes on with the page that failed; says whether there is one.
    ///
    /// | after | the next poll |
    /// |---|---|
    /// | [`Error::Fetch`] | asks for the same page again, with all its retries |
    /// | [`Error::Repeat`] | goes on over the repeated cursor: it was a false alarm |
    /// | [`Error::MissingCursor`] | asks for the same page again, and passes over what it yielded |
    /// | anything else, or no error | `false`: the stream stays as it is |
    ///
    /// # Examples
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
        loop {
            if self.page.len() > self.pause {
                return Poll::Ready(self.page.next().map(Ok));
            }
            match ready!(self.refill(cx)) {
                Refill::Page => {}
                Refill::Failed(error) => return Poll::Ready(Some(Err(error))),
                Refill::End => return Poll::Ready(None),
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, cx: &mut Context<'_>) -> Poll<Refill<E>> {
        if self.page.len() > 0 {
            self.pause = self.page.len().saturating_sub(BURST);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            return Poll::Ready(match ready!(self.walk.poll_step(cx)) {
                Step::Page(items) if items.is_empty() => continue,
                Step::Page(items) => {
                    self.pause = items.len().saturating_sub(BURST);
                    self.page = items.into_iter();
                    Refill::Page
                }
                Step::Failed(error) => Refill::Failed(error),
                Step::End => Refill::End,
            });
        }
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
        let here = self.page.len();
        if self.walk.is_over() {
            return (here, Some(here));
        }
        // One more than the items wanted: an error may come in their stead.
        let most =
            usize::try_from(self.walk.wanted()).ok().and_then(|more| here.checked_add(more)?.checked_add(1));
        (here, most)
    }
}

impl<T, C, E> FusedStream for AsyncGetDocs<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.page.len() == 0 && self.walk.is_over()
    }
}

/// The items lie in a `Vec`, and the fetch in a box: nothing moves with the stream.
impl<T, C, E> Unpin for AsyncGetDocs<T, C, E> {}

impl<T, C: Cursor, E> fmt::Debug for AsyncGetDocs<T, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGetDocs")
            .field("buffered", &self.page.len())
            .field("progress", &self.progress())
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}

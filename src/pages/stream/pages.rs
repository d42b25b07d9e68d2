use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};

use super::pager::{Pager, Step};
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;

/// The pages of a paginated API, each as its items: the same walk as [`AsyncGetDocs`](super::AsyncGetDocs), taken a
/// page at a time.
///
/// Made by [`AsyncGetDocs::into_pages`](super::AsyncGetDocs::into_pages). `max_items`, `unique_by` and `resume` hold
/// here, too: a page is what is to be handed out of it. An empty page that only marks the end is not yielded; one in
/// the middle is.
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
/// Dropping what `next` or `try_next` returned loses nothing: the page that was under way is kept, and goes on.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Pages<T, C, E> {
    /// What was left of a page when its documents were no longer wanted one by one.
    remainder: Vec<T>,
    pager: Box<Pager<T, C, E>>,
}

impl<T, C: Cursor, E> Pages<T, C, E> {
    pub(super) fn new(remainder: Vec<T>, pager: Box<Pager<T, C, E>>) -> Self {
        Self { remainder, pager }
    }

    /// Where the walk stands: after the last page yielded.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.pager.checkpoint(self.remainder.len())
    }

    /// How far the walk has come.
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
    /// The items of the next page, or the error that ended the walk; `None` at the end, and ever after.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if it is dropped, no page is lost and none is fetched twice.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name that every stream has; it cannot be an iterator's"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Vec<T>, Error<E>>>> + Send + Unpin {
        poll_fn(|cx| self.poll_page(cx))
    }

    /// The items of the next page; `Ok(None)` at the end, and ever after.
    ///
    /// # Errors
    ///
    /// The [`Error`] that ended the walk, once.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if it is dropped, no page is lost and none is fetched twice.
    pub fn try_next(&mut self) -> impl Future<Output = Result<Option<Vec<T>>, Error<E>>> + Send + Unpin {
        poll_fn(|cx| self.poll_page(cx).map(Option::transpose))
    }

    /// After an error, goes on with the page that failed; says whether there is one. As
    /// [`AsyncGetDocs::retry_failed`](super::AsyncGetDocs::retry_failed).
    pub fn retry_failed(&mut self) -> bool {
        self.pager.retry_failed()
    }

    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<T>, Error<E>>>> {
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
        let here = usize::from(!self.remainder.is_empty());
        (here, self.pager.is_terminated().then_some(here))
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

/// The items lie in a `Vec`, and the fetch in a box: nothing moves with the stream.
impl<T, C, E> Unpin for Pages<T, C, E> {}

impl<T, C: Cursor, E> fmt::Debug for Pages<T, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("progress", &self.progress())
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}

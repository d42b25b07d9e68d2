use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};

use super::batch::Batch;
use super::pages::Pages;
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;

/// The result of a poll of [`Batches`].
type PollBatch<T, C, E> = Poll<Option<Result<Batch<T, C>, Error<E>>>>;

/// A stream over the pages of a paginated API, each with the checkpoint after it.
///
/// It is created by [`Pages::with_checkpoints`]. If each batch is written in one transaction with its checkpoint, no item
/// is lost and none is written twice, wherever the program stops: a program that starts again resumes from the last
/// checkpoint that was committed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::{Checkpoint, PageNumber, by_page_number};
///
/// /// A database with two tables.
/// #[derive(Default)]
/// struct Database { items: Vec<u64>, checkpoint: Checkpoint<PageNumber> }
///
/// async fn crawl(database: &mut Database, max_batches: usize) -> Result<(), withal::pages::Error<std::io::Error>> {
///     let mut batches = by_page_number(1, |page| async move {
///         Ok::<_, std::io::Error>(if page <= 3 { vec![page * 10, page * 10 + 1] } else { vec![] })
///     })
///     .resume(database.checkpoint.clone())
///     .into_pages()
///     .with_checkpoints();
///     for _ in 0..max_batches {
///         let Some(batch) = batches.try_next().await? else { break };
///         // Both in one transaction.
///         database.items.extend(batch.items);
///         database.checkpoint = batch.checkpoint;
///     }
///     Ok(())
/// }
///
/// let mut database = Database::default();
/// crawl(&mut database, 2).await?;
/// // The program was stopped, and starts again.
/// crawl(&mut database, 9).await?;
/// assert_eq!(database.items, [10, 11, 20, 21, 30, 31]);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future that `next` or `try_next` returned loses nothing: the stream keeps the page in progress.
#[doc(alias("transaction", "commit", "exactly_once"))]
#[must_use = "a stream does nothing unless it is polled"]
pub struct Batches<T, C, E> {
    pages: Pages<T, C, E>,
}

impl<T, C: Cursor, E> Pages<T, C, E> {
    /// Converts this stream into one whose pages carry the checkpoint after them, to write both in one transaction.
    pub fn with_checkpoints(self) -> Batches<T, C, E> {
        Batches { pages: self }
    }
}

impl<T, C: Cursor, E> Batches<T, C, E> {
    /// Returns the position of the stream, after the last batch yielded.
    ///
    /// At the end of the stream, [`is_done`](Checkpoint::is_done) is `true`; commit this checkpoint, too, if a later run
    /// should not request the last page again.
    pub fn checkpoint(&self) -> Checkpoint<C> {
        self.pages.checkpoint()
    }

    /// Returns the number of items, pages and retries so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.pages.progress()
    }

    /// Returns the [extra value](crate::pages::Page::extra) of the last page, even if that page is not yielded because it
    /// only marks the end; `None` if it has none of this type.
    #[must_use]
    pub fn extra<X: Any>(&self) -> Option<&X> {
        self.pages.extra()
    }
}

impl<T, C, E> Batches<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// Returns the next batch, or the error that ended the stream; `None` at the end and from then on.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no page is lost or fetched twice.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name of the method on every stream; the type is not an iterator"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Batch<T, C>, Error<E>>>> + Send + Unpin {
        poll_fn(|cx| self.poll_batch(cx))
    }

    /// Returns the next batch; `Ok(None)` at the end and from then on.
    ///
    /// # Errors
    ///
    /// Returns the [`Error`] that ended the stream, once.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no page is lost or fetched twice.
    pub fn try_next(&mut self) -> impl Future<Output = Result<Option<Batch<T, C>>, Error<E>>> + Send + Unpin {
        poll_fn(|cx| self.poll_batch(cx).map(Option::transpose))
    }

    /// Reopens the stream after an error, as [`AsyncGetDocs::retry_failed`](crate::pages::AsyncGetDocs::retry_failed)
    /// does. Returns `false`, and changes nothing, if there is nothing to retry.
    pub fn retry_failed(&mut self) -> bool {
        self.pages.retry_failed()
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> PollBatch<T, C, E> {
        let page = ready!(self.pages.poll_page(cx));
        Poll::Ready(page.map(|items| {
            let (checkpoint, extra) = (self.pages.checkpoint(), self.pages.extra_value().cloned());
            Ok(Batch { items: items?, checkpoint, extra })
        }))
    }
}

impl<T, C, E> Stream for Batches<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    type Item = Result<Batch<T, C>, Error<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_batch(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pages.size_hint()
    }
}

impl<T, C, E> FusedStream for Batches<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.pages.is_terminated()
    }
}

impl<T, C: Cursor, E> fmt::Debug for Batches<T, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("progress", &self.progress())
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}

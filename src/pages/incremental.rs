use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};

use super::checkpoint::Checkpoint;
use super::cursor::Cursor;
use super::error::Error;
use super::event::Progress;
use super::stream::async_get_docs::AsyncGetDocs;

/// A stream over the items that changed since the last crawl, as far as the API can select them.
///
/// It is created by [`incremental`]. Each crawl starts at the *watermark* of the one before: the largest value of a field
/// that any item had, such as the time of its last change.
///
/// # Guarantees
///
/// - The watermark of a crawl becomes the start of the next one only when the crawl has reached its end, because the
///   items need not be in the order of the field. Until then, a crawl that [resumes](IncrementalCheckpoint) keeps its start,
///   for which its cursors are valid.
/// - A watermark never decreases, even if the items that had it are deleted.
///
/// # Limitations
///
/// - Many APIs make changes visible late, or set times by clocks that differ: a change may appear whose time is before the
///   watermark. Subtract a lag that covers this from the value of each item, as in the example. Items within the lag, and
///   at least those at the watermark itself, are yielded again by the next crawl, so write them in a way that may be
///   repeated, such as an upsert.
/// - Items that were deleted are not reported.
///
/// # Cancel safety
///
/// Dropping the future that `next` or `try_next` returned loses nothing: the stream keeps the page in progress.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Incremental<T, C, E, W> {
    items: AsyncGetDocs<T, C, E>,
    watermark: Box<dyn FnMut(&T) -> W + Send>,
    since: Option<W>,
    largest: Option<W>,
}

/// A position in a series of crawls by [`incremental`]: within a crawl, or between two of them.
///
/// # Serialization
///
/// With the feature `serde`, the checkpoint is serializable if the watermark is. In JSON:
///
/// ```json
/// {"format":"withal/pages/incremental/1","since":1700000000,"largest":1700003600,"pages":{..}}
/// ```
///
/// `pages` has the [format of a `Checkpoint`](Checkpoint#serialization). Deserialization fails if a field is missing or
/// unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct IncrementalCheckpoint<C, W> {
    since: Option<W>,
    largest: Option<W>,
    pages: Checkpoint<C>,
}

/// Creates a stream over the items that changed since an earlier crawl: `checkpoint` is that of the earlier crawl, or
/// `IncrementalCheckpoint::default()` for the first one.
///
/// `open` receives the start of the crawl, `None` for all items, and returns the stream of its pages. `watermark` returns
/// the value of an item from which the next crawl may start. It is usually the time of its last change, minus a lag; see
/// [Limitations](Incremental#limitations).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::{AsyncGetDocs, IncrementalCheckpoint, PageNumber, by_page_number, incremental};
///
/// #[derive(Clone)]
/// struct Item { id: u32, changed_at: u64 }
///
/// /// The items of an API that have changed at or after `since`.
/// fn changed(since: Option<u64>) -> AsyncGetDocs<Item, PageNumber, std::io::Error> {
///     by_page_number(0, move |page| async move {
///         let all = [Item { id: 1, changed_at: 1000 }, Item { id: 2, changed_at: 1300 }];
///         let changed = all.into_iter().filter(|item| item.changed_at >= since.unwrap_or(0));
///         Ok(if page == 0 { changed.collect() } else { vec![] })
///     })
/// }
///
/// // Changes become visible within 60 seconds.
/// let crawl = |checkpoint| incremental(checkpoint, changed, |item: &Item| item.changed_at - 60);
///
/// let mut items = crawl(IncrementalCheckpoint::default());
/// while let Some(item) = items.try_next().await? {
///     // Write the item, together with `items.checkpoint()`.
/// }
///
/// // An hour later:
/// let mut items = crawl(items.checkpoint());
/// assert_eq!(items.since(), Some(&1240));
/// assert_eq!(items.try_next().await?.unwrap().id, 2);
/// # Ok(())
/// # }
/// ```
#[doc(alias("since", "updated_after", "delta", "watermark", "bookmark"))]
pub fn incremental<T, C, E, W, F, K>(
    checkpoint: IncrementalCheckpoint<C, W>,
    open: F,
    watermark: K,
) -> Incremental<T, C, E, W>
where
    C: Cursor,
    W: Ord + Clone,
    F: FnOnce(Option<W>) -> AsyncGetDocs<T, C, E>,
    K: FnMut(&T) -> W + Send + 'static,
{
    let IncrementalCheckpoint { mut since, largest, pages } = checkpoint;
    let watermark = Box::new(watermark);
    // A crawl that has not reached its end continues with its own start.
    if !pages.is_done() {
        let items = open(since.clone()).resume(pages);
        return Incremental { items, watermark, since, largest };
    }
    since = largest.clone().max(since);
    Incremental { items: open(since.clone()), watermark, since, largest }
}

impl<T, C: Cursor, E, W: Clone> Incremental<T, C, E, W> {
    /// Returns the position after the last item yielded, with which another run, or the next crawl, starts.
    ///
    /// If the crawl has reached its end, the position is that before the next crawl.
    pub fn checkpoint(&self) -> IncrementalCheckpoint<C, W> {
        let (since, largest) = (self.since.clone(), self.largest.clone());
        IncrementalCheckpoint { since, largest, pages: self.items.checkpoint() }
    }
}

impl<T, C: Cursor, E, W> Incremental<T, C, E, W> {
    /// Returns the start of this crawl; `None` if it is the first.
    #[must_use]
    pub fn since(&self) -> Option<&W> {
        self.since.as_ref()
    }

    /// Returns the number of items, pages and retries so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.items.progress()
    }
}

impl<T, C, E, W> Incremental<T, C, E, W>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
    W: Ord + Send,
{
    /// Returns the next item, or the error that ended the stream; `None` at the end and from then on.
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
        poll_fn(|cx| self.poll_item(cx).map(Option::transpose))
    }

    /// Reopens the stream after an error, as [`AsyncGetDocs::retry_failed`] does. Returns `false`, and changes nothing,
    /// if there is nothing to retry.
    pub fn retry_failed(&mut self) -> bool {
        self.items.retry_failed()
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error<E>>>> {
        if let Err(error) = ready!(self.items.poll_buffer(cx)) {
            return Poll::Ready(Some(Err(error)));
        }
        // The item is still buffered while its watermark is computed: if that panics, the item is not lost.
        if let Some(item) = self.items.peek() {
            let watermark = (self.watermark)(item);
            if self.largest.as_ref().is_none_or(|largest| *largest < watermark) {
                self.largest = Some(watermark);
            }
        }
        self.items.poll_item(cx)
    }
}

impl<T, C, E, W> Stream for Incremental<T, C, E, W>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
    W: Ord + Send,
{
    type Item = Result<T, Error<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<T, C, E, W> FusedStream for Incremental<T, C, E, W>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
    W: Ord + Send,
{
    fn is_terminated(&self) -> bool {
        self.items.is_terminated()
    }
}

/// No field is pinned.
impl<T, C, E, W> Unpin for Incremental<T, C, E, W> {}

impl<T, C: Cursor, E, W: fmt::Debug> fmt::Debug for Incremental<T, C, E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incremental")
            .field("since", &self.since)
            .field("largest", &self.largest)
            .field("items", &self.items)
            .finish_non_exhaustive()
    }
}

impl<C, W> IncrementalCheckpoint<C, W> {
    /// Returns the start of the crawl; `None` if it is the first.
    #[must_use]
    pub fn since(&self) -> Option<&W> {
        self.since.as_ref()
    }

    /// Returns the largest watermark of all items yielded, in this crawl and the earlier ones.
    #[must_use]
    pub fn largest(&self) -> Option<&W> {
        self.largest.as_ref()
    }

    /// Returns the position in the pages of the crawl.
    pub fn pages(&self) -> &Checkpoint<C> {
        &self.pages
    }
}

/// The start of the first crawl.
impl<C, W> Default for IncrementalCheckpoint<C, W> {
    fn default() -> Self {
        Self { since: None, largest: None, pages: Checkpoint::default() }
    }
}

#[cfg(feature = "serde")]
mod serialized {
    use super::{Checkpoint, IncrementalCheckpoint};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(
        rename = "IncrementalCheckpoint",
        deny_unknown_fields,
        bound(
            serialize = "C: Serialize, W: Serialize",
            deserialize = "C: Deserialize<'de>, W: Deserialize<'de>"
        )
    )]
    struct Serialized<C, W> {
        format: Format,
        // Otherwise serde would read a missing field as `None`.
        #[serde(deserialize_with = "Option::deserialize")]
        since: Option<W>,
        #[serde(deserialize_with = "Option::deserialize")]
        largest: Option<W>,
        pages: Checkpoint<C>,
    }

    #[derive(Serialize, Deserialize)]
    enum Format {
        #[serde(rename = "withal/pages/incremental/1")]
        V1,
    }

    impl<C: Serialize + Clone, W: Serialize> Serialize for IncrementalCheckpoint<C, W> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self { since, largest, pages } = self;
            let (since, largest, pages) = (since.as_ref(), largest.as_ref(), pages.clone());
            Serialized { format: Format::V1, since, largest, pages }.serialize(serializer)
        }
    }

    impl<'de, C: Deserialize<'de>, W: Deserialize<'de>> Deserialize<'de> for IncrementalCheckpoint<C, W> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Serialized { format: Format::V1, since, largest, pages } =
                Serialized::deserialize(deserializer)?;
            Ok(Self { since, largest, pages })
        }
    }
}

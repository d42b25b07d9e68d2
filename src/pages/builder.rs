//! The builder methods of `AsyncGetDocs` that configure what it yields, and when it ends.

use std::collections::HashSet;
use std::hash::Hash;

use super::checkpoint::Checkpoint;
use super::cursor::Cursor;
use super::event::Event;
use super::policy::{OnBlankCursor, OnCycle, OnEmpty, OnRepeat};
use super::stream::async_get_docs::AsyncGetDocs;

/// # Configuration
///
/// These methods must be called before the stream is first polled. They panic if they are called later.
impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    /// Ends the stream after `max` items, including those of the runs before a [`resume`](Self::resume).
    ///
    /// Pages that are not needed for these items are not requested, as far as the page size is known from the pages
    /// before. If the stream ends inside a page, its checkpoint is inside that page: a later run with a larger `max`
    /// continues there.
    #[doc(alias = "limit", alias = "take")]
    #[track_caller]
    pub fn max_items(mut self, max: u64) -> Self {
        self.pager().set_max_items(max);
        self
    }

    /// Ends the stream after `max` pages, including empty ones and those of the runs before a [`resume`](Self::resume).
    #[track_caller]
    pub fn max_pages(mut self, max: u64) -> Self {
        self.pager().set_max_pages(max);
        self
    }

    /// Sets the reaction to a cursor cycle, in which a page points to an earlier page. By default, it is an error.
    #[track_caller]
    pub fn on_cycle(mut self, on_cycle: OnCycle) -> Self {
        self.pager().config("on_cycle").policies.on_cycle = Some(on_cycle);
        self
    }

    /// Sets the reaction to a page whose content repeats that of an earlier page, under another cursor, number or
    /// offset. By default, it is an error.
    ///
    /// Pages are compared by their [fingerprints](super::Page::fingerprint). Those of `pages::http` have one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// use withal::pages::{OnRepeat, Page, by_page_number};
    ///
    /// // This server has two pages, and returns the second for every number beyond it.
    /// let mut items = by_page_number(1, |page| async move {
    ///     let item = page.min(2);
    ///     Ok::<_, std::io::Error>(Page::new(vec![item], None).fingerprint(item.to_le_bytes()))
    /// })
    /// .on_repeat(OnRepeat::End);
    /// assert_eq!(items.try_next().await?, Some(1));
    /// assert_eq!(items.try_next().await?, Some(2));
    /// assert_eq!(items.try_next().await?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn on_repeat(mut self, on_repeat: OnRepeat) -> Self {
        self.pager().config("on_repeat").policies.on_repeat = Some(on_repeat);
        self
    }

    /// Sets the meaning of a blank cursor: an empty string or byte slice. By default, it is none.
    #[track_caller]
    pub fn on_blank_cursor(mut self, on_blank_cursor: OnBlankCursor) -> Self {
        self.pager().config("on_blank_cursor").policies.on_blank_cursor = on_blank_cursor;
        self
    }

    /// Sets whether an empty page ends the stream. By default, it does with page numbers and offsets, but not with
    /// cursors.
    #[track_caller]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.pager().config("on_empty").policies.on_empty = Some(on_empty);
        self
    }

    /// Sets how many pages without a new item may follow each other. The default is 250.
    ///
    /// It bounds a stream whose server returns empty pages with ever new cursors. One page more than `max` is the error
    /// [`ErrorKind::TooManyEmptyPages`](super::ErrorKind::TooManyEmptyPages), unless it is the last page. Pages count in
    /// this run of the stream if they are empty, or have only items that [`unique_by`](Self::unique_by) removes.
    ///
    /// APIs that filter items after paging, such as a scan of `DynamoDB` with a filter, may need a larger bound; with
    /// `u64::MAX`, there is none.
    #[track_caller]
    pub fn max_empty_pages(mut self, max: u64) -> Self {
        self.pager().set_max_empty_pages(max);
        self
    }

    /// Makes it an error to end with fewer items than the API reported.
    ///
    /// When the pages end, the number of items yielded is compared with the largest [`total`](super::Page::total) of
    /// all pages, including those before a [`resume`](Self::resume). If it is smaller, the stream reports
    /// [`ErrorKind::EndedShort`](super::ErrorKind::EndedShort), and its checkpoint requests the last page again. A stream
    /// that ends at [`max_items`](Self::max_items) or [`max_pages`](Self::max_pages), or whose pages report no total, is
    /// not checked. Items that [`unique_by`](Self::unique_by) removes do not count: a duplicate means that another item
    /// is missing.
    ///
    /// Without this setting, the observer is notified with [`Event::EndedShort`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use withal::pages::{Page, by_cursor};
    ///
    /// let mut items = by_cursor(|_: Option<u8>| async {
    ///     Ok::<_, std::io::Error>(Page::new(vec!["a", "b"], None).total(3))
    /// })
    /// .expect_total();
    /// assert_eq!(items.try_next().await.unwrap(), Some("a"));
    /// assert_eq!(items.try_next().await.unwrap(), Some("b"));
    /// let error = items.try_next().await.unwrap_err();
    /// assert_eq!(error.to_string(), "page 1: the stream ended after 2 of 3 items");
    /// # }
    /// ```
    #[track_caller]
    pub fn expect_total(mut self) -> Self {
        self.pager().set_expect_total();
        self
    }

    /// Removes each item whose key was yielded before.
    ///
    /// Items repeat if pages shift while they are read, or after a [restart](super::OnError::Restart).
    ///
    /// All keys are kept in memory. A stream that resumes knows only the keys of its own run.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// # use withal::pages::by_page_number;
    /// // An item was inserted at the front between the two requests, so `2` has moved to the second page.
    /// let mut items = by_page_number(1, |page| async move {
    ///     Ok::<_, std::io::Error>(match page {
    ///         1 => vec![1, 2],
    ///         2 => vec![2, 3],
    ///         _ => vec![],
    ///     })
    /// })
    /// .unique_by(|item| *item);
    ///
    /// let mut all = Vec::new();
    /// while let Some(item) = items.try_next().await? {
    ///     all.push(item);
    /// }
    /// assert_eq!(all, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "unique", alias = "dedup", alias = "distinct", alias = "deduplicate")]
    #[track_caller]
    pub fn unique_by<K, F>(mut self, mut key: F) -> Self
    where
        K: Eq + Hash + Send + 'static,
        F: FnMut(&T) -> K + Send + 'static,
    {
        let mut seen = HashSet::new();
        self.pager().set_filter(Box::new(move |item| seen.insert(key(item))));
        self
    }

    /// Sets an observer, which is notified of each [`Event`] as it happens.
    ///
    /// The code that fetches pages calls the observer, possibly on another task, so the observer should return quickly.
    /// It can send its results through a channel, or store them in an atomic.
    #[doc(alias = "observe", alias = "metrics", alias = "log")]
    #[track_caller]
    pub fn on_event<F>(mut self, observer: F) -> Self
    where
        F: FnMut(&Event<'_, C, E>) + Send + 'static,
    {
        self.pager().config("on_event").hooks.on_event = Some(Box::new(observer));
        self
    }

    /// Resumes from a [`checkpoint`](Self::checkpoint) instead of starting at the first page.
    #[track_caller]
    pub fn resume(mut self, checkpoint: Checkpoint<C>) -> Self {
        self.pager().resume(checkpoint);
        self
    }
}

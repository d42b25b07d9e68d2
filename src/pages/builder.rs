//! How an `AsyncGetDocs` is set up: one method a setting.

use std::any::Any;
use std::collections::HashSet;
use std::future::Future;
use std::hash::Hash;

use super::checkpoint::Checkpoint;
use super::cursor::{Cursor, RandomAccess};
use super::event::Event;
use super::fetch::hooks::Permit;
use super::policy::{OnCycle, OnEmpty, OnError};
use super::stream::items::AsyncGetDocs;

/// # Set-up
///
/// Each of these is called before the first poll, and panics after it.
impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    /// Fetches up to `pages` pages ahead, on a task, while the consumer works on the one it has; 0, the default, fetches
    /// a page when it is wanted.
    ///
    /// The request for the next page has left before the first document of this one is handed out. The task is aborted
    /// when the stream is dropped. Errors and panics of a page read ahead come when it is that page's turn. Nothing is
    /// read ahead beyond `max_items` and `max_pages`.
    ///
    /// A consumer that computes for long without awaiting needs a second worker thread for the fetch to go on beside it;
    /// on a single thread only the request is under way meanwhile. Without a tokio runtime the page ahead is begun, and
    /// goes on when the stream is polled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// # use withal::pages::AsyncGetDocs;
    /// # async fn fetch_page(page: u64) -> Result<Vec<u64>, std::io::Error> {
    /// #     Ok(if page < 2 { vec![page] } else { vec![] })
    /// # }
    /// let mut docs = AsyncGetDocs::new(fetch_page).read_ahead(1);
    /// while let Some(doc) = docs.try_next().await? {
    ///     // The next page is on its way here.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn read_ahead(mut self, pages: usize) -> Self {
        self.pager().config("read_ahead").read_ahead = pages;
        self
    }

    /// Asks again for a page that could not be fetched, after the pauses of a [backon] policy.
    ///
    /// Each page gets the whole policy anew. When it is used up, or [`classify`](Self::classify) says that the error is
    /// fatal, the error is handed out. Without a policy nothing is asked for twice.
    ///
    /// A pause is tokio's `sleep`: a policy whose pauses are not zero needs a runtime with its timer enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), withal::pages::Error<&'static str>> {
    /// use withal::backon::ExponentialBuilder;
    /// use withal::pages::AsyncGetDocs;
    ///
    /// let mut asked = 0;
    /// let mut docs = AsyncGetDocs::new(move |_page| {
    ///     asked += 1;
    ///     async move { if asked <= 2 { Err("503") } else { Ok(vec!["a"]) } }
    /// })
    /// .retry(ExponentialBuilder::default().with_max_times(3));
    ///
    /// assert_eq!(docs.try_next().await?, Some("a"));
    /// assert_eq!(docs.progress().retries, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "backon")]
    #[track_caller]
    pub fn retry<B>(mut self, policy: B) -> Self
    where
        B: backon::BackoffBuilder<Backoff: 'static> + Clone + 'static,
    {
        self.pager().config("retry").hooks.backoff = Some(Box::new(move || Box::new(policy.clone().build())));
        self
    }

    /// Decides what each error of the fetch function means: ask again, go on elsewhere, or give up.
    ///
    /// How often, the [`retry`](Self::retry) policy says: without one, `Retry` is as good as `Fatal`, and one `Restart`
    /// for each page is allowed. Without this method every error is `Retry { after: None }`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use withal::pages::{AsyncGetDocs, OnError};
    /// # #[derive(Debug)] enum ApiError { TooManyRequests { retry_after: Duration }, Unauthorized }
    /// # async fn fetch_page(page: u64) -> Result<Vec<u64>, ApiError> { Ok(vec![]) }
    /// let docs = AsyncGetDocs::new(fetch_page)
    ///     .retry(withal::backon::ConstantBuilder::default())
    ///     .classify(|error| match error {
    ///         ApiError::TooManyRequests { retry_after } => OnError::Retry { after: Some(*retry_after) },
    ///         ApiError::Unauthorized => OnError::Fatal,
    ///     });
    /// ```
    #[track_caller]
    pub fn classify<F>(mut self, classify: F) -> Self
    where
        F: FnMut(&E) -> OnError<C> + Send + 'static,
    {
        self.pager().config("classify").hooks.classify = Some(Box::new(classify));
        self
    }

    /// Awaits `gate` before every attempt, and holds what it gives until the attempt has ended: a rate limit, a permit.
    ///
    /// What it gives is not looked at: an `Err` is as good a pass as any.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use withal::pages::AsyncGetDocs;
    /// # async fn fetch_page(page: u64) -> Result<Vec<u64>, std::io::Error> { Ok(vec![]) }
    /// // At most two requests at a time, over however many walks share the semaphore.
    /// let slots = Arc::new(tokio::sync::Semaphore::new(2));
    /// let docs = AsyncGetDocs::new(fetch_page).before_request(move || {
    ///     let slots = Arc::clone(&slots);
    ///     async move { slots.acquire_owned().await.expect("this semaphore is never closed") }
    /// });
    /// ```
    #[track_caller]
    pub fn before_request<F, Fut>(mut self, mut before_request: F) -> Self
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output: Any + Send> + Send + 'static,
    {
        self.pager().config("before_request").hooks.before_request = Some(Box::new(move || {
            let permit = before_request();
            Box::pin(async move { Box::new(permit.await) as Permit })
        }));
        self
    }

    /// Ends the stream after `max` documents, over all runs of a walk that is resumed. No page is asked for beyond
    /// them, as far as the pages before it told how much a page holds.
    ///
    /// The checkpoint stays inside the page: a later run with a larger `max` goes on from there.
    #[track_caller]
    pub fn max_items(mut self, max: u64) -> Self {
        self.pager().set_max_items(max);
        self
    }

    /// Ends the stream after `max` pages, empty ones included, over all runs of a walk that is resumed.
    #[track_caller]
    pub fn max_pages(mut self, max: u64) -> Self {
        self.pager().set_max_pages(max);
        self
    }

    /// Says what to do about a cursor that was there before; an error by default.
    #[track_caller]
    pub fn on_cycle(mut self, on_cycle: OnCycle) -> Self {
        self.pager().config("on_cycle").on_cycle = on_cycle;
        self
    }

    /// Says what an empty page means; by default nothing over cursors, and the end over numbers.
    #[track_caller]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.pager().config("on_empty").on_empty = Some(on_empty);
        self
    }

    /// Leaves out documents whose key was there before: pages that shift while they are read, restarts.
    ///
    /// Remembers every key, so memory grows with the walk. A run that is resumed knows only the keys of its own run.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// # use withal::pages::by_page_number;
    /// // A document was inserted at the front between the two requests: `2` has moved to the second page.
    /// let mut docs = by_page_number(1, |page| async move {
    ///     Ok::<_, std::io::Error>(match page {
    ///         1 => vec![1, 2],
    ///         2 => vec![2, 3],
    ///         _ => vec![],
    ///     })
    /// })
    /// .unique_by(|doc| *doc);
    ///
    /// let mut all = Vec::new();
    /// while let Some(doc) = docs.try_next().await? {
    ///     all.push(doc);
    /// }
    /// assert_eq!(all, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Tells `observer` what happens, as it happens: see [`Event`].
    ///
    /// It is called where the fetching goes on, which may be another task, so it must be quick; what it counts for
    /// others, it counts in an atomic or a channel.
    #[track_caller]
    pub fn on_event<F>(mut self, observer: F) -> Self
    where
        F: FnMut(&Event<'_, C, E>) + Send + 'static,
    {
        self.pager().config("on_event").hooks.on_event = Some(Box::new(observer));
        self
    }

    /// Starts where a walk stood when its [`checkpoint`](Self::checkpoint) was taken, instead of at the beginning.
    #[track_caller]
    pub fn resume(mut self, checkpoint: Checkpoint<C>) -> Self {
        self.pager().resume(checkpoint);
        self
    }

    /// Keeps up to `pages` pages under way at once, each on a task of its own, and delivers them in order.
    ///
    /// An error of page *k* comes when it is *k*'s turn, after every document before it. Pages beyond the end may be
    /// asked for, and are dropped. An offset follows the items received here, too: if a page is shorter than was asked
    /// for, what was fetched after it on another assumption is dropped, and fetched from the right offset.
    ///
    /// 0 and 1 fetch one page at a time. More than 1 reads ahead by itself, and [`read_ahead`](Self::read_ahead) adds
    /// nothing.
    ///
    /// Only pages that are known in advance can be fetched at once; over cursors this does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use withal::pages::by_cursor;
    /// # async fn fetch(cursor: Option<String>) -> Result<(Vec<u64>, Option<String>), std::io::Error> { Ok((vec![], cursor)) }
    /// let docs = by_cursor(fetch).concurrency(4);
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// # use withal::pages::by_offset;
    /// # async fn fetch(offset: u64, limit: u64) -> Result<Vec<u64>, std::io::Error> {
    /// #     Ok((offset..20.min(offset + limit)).collect())
    /// # }
    /// let mut docs = by_offset(5, fetch).concurrency(4);
    /// while let Some(doc) = docs.try_next().await? {
    ///     // In order.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn concurrency(mut self, pages: usize) -> Self
    where
        C: RandomAccess,
    {
        self.pager().config("concurrency").concurrency = pages;
        self
    }
}

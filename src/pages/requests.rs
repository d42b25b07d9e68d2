//! The builder methods of `AsyncGetDocs` that configure its requests.

use std::any::Any;
use std::future::Future;

use super::cursor::{Cursor, RandomAccess};
use super::fetch::hooks::Permit;
use super::policy::OnError;
use super::stream::async_get_docs::AsyncGetDocs;

/// # Requests
///
/// These methods must be called before the stream is first polled. They panic if they are called later.
impl<T, C: Cursor, E> AsyncGetDocs<T, C, E> {
    /// Fetches up to `pages` pages ahead, on a tokio task, while the consumer processes the current page.
    ///
    /// The default is 0: each page is requested when the consumer needs it.
    ///
    /// The request for the next page is sent before the first item of the current page is yielded. If fetching a page
    /// ahead fails or panics, the stream reports the error or panics only after it has yielded all items of the pages
    /// before. Pages beyond `max_items` and `max_pages` are not fetched ahead. Dropping the stream aborts the task.
    ///
    /// If the consumer computes for a long time without awaiting, the task needs a second worker thread to make
    /// progress. On a current-thread runtime, the request has been sent by then, but its response is processed only
    /// when the consumer awaits. Without a tokio runtime, the request for the next page is started ahead, and makes
    /// progress when the stream is polled.
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
    /// let mut items = AsyncGetDocs::new(fetch_page).read_ahead(1);
    /// while let Some(item) = items.try_next().await? {
    ///     // The next page is being fetched while this code runs.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "prefetch", alias = "buffered", alias = "background")]
    #[track_caller]
    pub fn read_ahead(mut self, pages: usize) -> Self {
        self.pager().config("read_ahead").read_ahead = pages;
        self
    }

    /// Fetches up to `pages` pages at once, each on its own tokio task, and delivers them in order.
    ///
    /// If a page cannot be fetched, the stream reports the error after all items of the pages before it. Pages beyond
    /// the end may be requested; they are dropped. Offsets advance by the number of items received, here too: if a page
    /// is shorter than expected, the pages that were requested after it are dropped, and requested again with the right
    /// offsets.
    ///
    /// With 0 or 1, one page is fetched at a time. More than 1 implies reading ahead, so
    /// [`read_ahead`](Self::read_ahead) has no effect.
    ///
    /// Only cursors that are known in advance, page numbers and offsets, allow this. With other cursors, it does not
    /// compile:
    ///
    /// ```compile_fail,E0277
    /// # use withal::pages::by_cursor;
    /// # async fn fetch(cursor: Option<String>) -> Result<(Vec<u64>, Option<String>), std::io::Error> { Ok((vec![], cursor)) }
    /// let items = by_cursor(fetch).concurrency(4);
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
    /// let mut items = by_offset(5, fetch).concurrency(4);
    /// while let Some(item) = items.try_next().await? {
    ///     // The items arrive in order.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "concurrent", alias = "parallel", alias = "buffered", alias = "buffer_unordered")]
    #[track_caller]
    pub fn concurrency(mut self, pages: usize) -> Self
    where
        C: RandomAccess,
    {
        self.pager().config("concurrency").concurrency = pages;
        self
    }

    /// Retries a page that could not be fetched, with the delays and the limit of a [backon] policy.
    ///
    /// The policy starts again for each page. If all its retries are used, or [`classify`](Self::classify) returns
    /// [`Fatal`](OnError::Fatal), the stream yields the error. Without a policy, no page is retried.
    ///
    /// Delays use tokio's `sleep`, so a policy with delays other than zero requires a runtime with its timer enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), withal::pages::Error<&'static str>> {
    /// use withal::backon::ExponentialBuilder;
    /// use withal::pages::AsyncGetDocs;
    ///
    /// let mut attempts = 0;
    /// let mut items = AsyncGetDocs::new(move |_page| {
    ///     attempts += 1;
    ///     async move { if attempts <= 2 { Err("503") } else { Ok(vec!["a"]) } }
    /// })
    /// .retry(ExponentialBuilder::default().with_max_times(3));
    ///
    /// assert_eq!(items.try_next().await?, Some("a"));
    /// assert_eq!(items.progress().retries, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "backon")]
    #[doc(alias = "backoff", alias = "retries")]
    #[track_caller]
    pub fn retry<B>(mut self, policy: B) -> Self
    where
        B: backon::BackoffBuilder<Backoff: 'static> + Clone + 'static,
    {
        self.pager().config("retry").hooks.backoff = Some(Box::new(move || Box::new(policy.clone().build())));
        self
    }

    /// Removes the retry policy, so that the first error of a page ends the stream, even if it is transient.
    ///
    /// The streams of [`pages::http`](crate::pages::http) have a policy by default; all others have none.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "http")]
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// let items = endpoint.by_link::<String>().no_retry();
    /// # }
    /// ```
    #[track_caller]
    pub fn no_retry(mut self) -> Self {
        self.pager().config("no_retry").hooks.backoff = None;
        self
    }

    /// Sets a function that chooses the reaction to each error of the fetch function: a retry, a restart at another
    /// cursor, the end of the stream, or the error.
    ///
    /// By default, every error is classified as [`Retry { after: None }`](OnError::Retry). The [`retry`](Self::retry)
    /// policy limits the number of retries and restarts of each page. Without a policy, `Retry` has the effect of
    /// `Fatal`, and each page may restart once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use withal::pages::{AsyncGetDocs, OnError};
    /// # #[derive(Debug)] enum ApiError { TooManyRequests { retry_after: Duration }, Unauthorized }
    /// # impl withal::AsError for ApiError {}
    /// # async fn fetch_page(page: u64) -> Result<Vec<u64>, ApiError> { Ok(vec![]) }
    /// let items = AsyncGetDocs::new(fetch_page)
    ///     .retry(withal::backon::ConstantBuilder::default())
    ///     .classify(|error| match error {
    ///         ApiError::TooManyRequests { retry_after } => OnError::Retry { after: Some(*retry_after) },
    ///         ApiError::Unauthorized => OnError::Fatal,
    ///     });
    /// ```
    #[doc(alias = "retry_after", alias = "is_transient")]
    #[track_caller]
    pub fn classify<F>(mut self, classify: F) -> Self
    where
        F: FnMut(&E) -> OnError<C> + Send + 'static,
    {
        let pager = self.pager();
        pager.config("classify").hooks.classify = Some(Box::new(classify));
        // Its restarts may begin at any item.
        pager.set_restarts_in_place(false);
        self
    }

    /// Awaits a future before every attempt to fetch a page, and holds its output until the attempt has ended.
    ///
    /// Use it for a rate limiter, or for a permit of a semaphore.
    ///
    /// The output is not inspected: the attempt is made even if the output is an `Err`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use withal::pages::AsyncGetDocs;
    /// # async fn fetch_page(page: u64) -> Result<Vec<u64>, std::io::Error> { Ok(vec![]) }
    /// // At most two requests at a time, in all streams that share the semaphore.
    /// let permits = Arc::new(tokio::sync::Semaphore::new(2));
    /// let items = AsyncGetDocs::new(fetch_page).before_request(move || {
    ///     let permits = Arc::clone(&permits);
    ///     async move { permits.acquire_owned().await.expect("semaphore closed") }
    /// });
    /// ```
    #[doc(alias = "throttle", alias = "rate_limit", alias = "semaphore")]
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
}

//! Pagination of APIs, as streams that never silently skip, duplicate or lose an item.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
//! use withal::pages::by_cursor;
//!
//! # async fn get(cursor: Option<String>) -> Result<(Vec<&'static str>, Option<String>), std::io::Error> {
//! #     Ok(if cursor.is_none() { (vec!["a", "b"], Some("2".into())) } else { (vec!["c"], None) })
//! # }
//! // `get` returns the items of a page and the cursor of the next one.
//! let mut items = by_cursor(|cursor| get(cursor)).read_ahead(1);
//! while let Some(item) = items.try_next().await? {
//!     println!("{item}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Choosing
//!
//! A *source* is one of the functions below. It creates a stream from your *fetch function*, `fetch_page`, which
//! requests one page and returns it. A *cursor* identifies a page: a token, a key, a URL, a page number or an offset.
//!
//! | the API | source | `fetch_page` receives | the stream ends |
//! |---|---|---|---|
//! | returns a token or key of the next page | [`by_cursor`] | `Option<C>`, first `None` | after a page without a cursor |
//! | returns a link to the next page | [`by_link`] | the URL | after a page without a link |
//! | numbers its pages | [`by_page_number`]; [`AsyncGetDocs::new`] starts at 0 | the number, from 0 or 1 | at an empty page |
//! | takes an offset and a limit | [`by_offset`] | the offset and the limit | at an empty page |
//! | speaks HTTP and JSON | `http` (feature `http`) | no function: `http` sends the requests | as above |
//!
//! Each source returns an [`AsyncGetDocs`], a stream over items. [`into_pages`](AsyncGetDocs::into_pages) converts it
//! into [`Pages`], a stream over whole pages. Both implement [`Stream`](futures_core::Stream) and have their own `next`
//! and `try_next`, so that no extension trait has to be imported.
//!
//! | to | use |
//! |---|---|
//! | write each page and the position after it in one transaction | [`Pages::with_checkpoints`] |
//! | follow each item to pages of its own, such as the issues of each repository | [`try_flat_map`](AsyncGetDocs::try_flat_map) |
//! | crawl again only what has changed since the last crawl | [`incremental`] |
//! | read what the API returns beside the items | [`Page::extra`] |
//!
//! # Configuration
//!
//! These methods of [`AsyncGetDocs`] configure a stream. They must be called before the stream is first polled:
//!
//! | to | call |
//! |---|---|
//! | fetch the next pages while processing the current one | [`read_ahead`](AsyncGetDocs::read_ahead) |
//! | fetch several numbered pages at once | [`concurrency`](AsyncGetDocs::concurrency) |
//! | retry with backoff | [`retry`](AsyncGetDocs::retry), [`classify`](AsyncGetDocs::classify) |
//! | limit the rate of requests | [`before_request`](AsyncGetDocs::before_request) |
//! | end early | [`max_items`](AsyncGetDocs::max_items), [`max_pages`](AsyncGetDocs::max_pages) |
//! | remove duplicates | [`unique_by`](AsyncGetDocs::unique_by) |
//! | resume where another run stopped | [`resume`](AsyncGetDocs::resume) |
//! | observe requests and retries | [`on_event`](AsyncGetDocs::on_event); with the feature `tracing`, a [span](crate#tracing) for each page |
//! | require as many items as the API reports | [`expect_total`](AsyncGetDocs::expect_total) |
//! | handle unusual pages | [`on_empty`](AsyncGetDocs::on_empty), [`on_cycle`](AsyncGetDocs::on_cycle), [`on_repeat`](AsyncGetDocs::on_repeat), [`on_blank_cursor`](AsyncGetDocs::on_blank_cursor), [`max_empty_pages`](AsyncGetDocs::max_empty_pages) |
//!
//! The fetch function is called for each page and each retry, so it cannot move a captured value into its future. It
//! clones the value instead:
//!
//! ```
//! # use std::sync::Arc;
//! # use withal::pages::{AsyncGetDocs, by_cursor};
//! # struct Client;
//! # impl Client {
//! #     async fn get(&self, _: Option<String>) -> Result<(Vec<u64>, Option<String>), std::io::Error> { Ok((vec![], None)) }
//! # }
//! # fn items(client: Arc<Client>) -> AsyncGetDocs<u64, String, std::io::Error> {
//! by_cursor(move |cursor| {
//!     let client = Arc::clone(&client);
//!     async move { client.get(cursor).await }
//! })
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **No item is skipped.** By default, neither an empty nor a short page ends a cursor stream. An empty string counts
//!   as no cursor. A page that reports more pages but has no cursor is an error. An offset advances by the number of
//!   items *received*. The total that an API reports is treated as an estimate, and never ends the stream. If the stream
//!   ends with fewer items, the observer is notified, and [`expect_total`](AsyncGetDocs::expect_total) makes it an error.
//! - **No item is duplicated.** A *cursor cycle*, in which a page points to an earlier page, is an error by default
//!   ([`OnCycle`]). The items of the page that points back are yielded first. If the cycle has at most eight pages,
//!   none of them is fetched twice; for longer cycles, see [Limitations](#limitations). A retry
//!   requests only the page that failed.
//! - **No page comes again unnoticed.** A page that has the same content as an earlier one, under another cursor, number or
//!   offset, is an error by default ([`OnRepeat`]), before any of its items is yielded. This requires pages with a
//!   [fingerprint](Page::fingerprint), as those of `pages::http` are.
//! - **Every stream ends, or yields an item.** More than 250 consecutive pages without a new item are an error; see
//!   [`max_empty_pages`](AsyncGetDocs::max_empty_pages).
//! - **No item is lost by an error.** If a page cannot be fetched, even with the retries of
//!   [`retry`](AsyncGetDocs::retry), the stream yields the error once, with the position and the cursor of the page,
//!   and ends. [`retry_failed`](AsyncGetDocs::retry_failed) reopens the stream, which then requests the same page
//!   again. A [`Checkpoint`], from which another run can resume, can be taken at any moment, even after an error.
//! - **No item is lost by cancellation.** The page in progress belongs to the stream, not to the future that `next`
//!   returns. If that future is dropped, for example by `select!` or `timeout`, no item is lost and no page is fetched
//!   twice.
//! - **Fetching overlaps with processing**, if configured: by [`read_ahead`](AsyncGetDocs::read_ahead) for any source,
//!   by [`concurrency`](AsyncGetDocs::concurrency) for page numbers and offsets. Dropping the stream cancels all
//!   fetches.
//! - **Other tasks make progress.** The pages consume tokio's [cooperative scheduling](tokio::task::coop) budget: one
//!   unit each, or one unit for eight consecutive pages of a stream without settings. Every stream yields to the
//!   executor after every 512 items of a large page, and a stream without settings also after 128 pages that were ready
//!   at once.
//!
//! # Limitations
//!
//! - If the data changes while the stream reads it, the API's pages may shift, and the API may return an item twice or
//!   not at all. A client cannot detect the missing items; [`unique_by`](AsyncGetDocs::unique_by) removes the
//!   duplicates.
//! - A checkpoint contains the API's own cursor. If the API no longer accepts that cursor, the fetch function returns
//!   an error: see [`OnError::Restart`].
//! - A cycle of more than eight pages is detected only after some of its pages were delivered twice. With
//!   [`by_cursor`], the first page has no cursor, so a cycle through it is detected after that page was delivered
//!   twice. Where pages have fingerprints, the first of them that comes again is detected by its content instead.
//! - A total that an API reports wrongly is not detected: see [`Event::EndedShort`].
//! - A request has no timeout: add one to the fetch function.
//!
//! # Comparison
//!
//! The same items, from a synchronous iterator, an async generator and an [`AsyncGetDocs`]. The iterator and the
//! generator are plain loops: they do not retry, resume, detect cycles or fetch ahead.
//!
//! ```
//! use futures::{Stream, TryStreamExt};
//! use std::convert::Infallible;
//! use withal::generator::try_generator;
//! use withal::pages::AsyncGetDocs;
//!
//! fn page(number: u64) -> Vec<String> {
//!     if number < 2 { vec![format!("item {number}")] } else { vec![] }
//! }
//!
//! async fn fetch_page(number: u64) -> Result<Vec<String>, Infallible> {
//!     Ok(page(number))
//! }
//!
//! // The iterator blocks its thread while it waits for a page.
//! fn iterator() -> impl Iterator<Item = String> {
//!     (0..).map(page).take_while(|items| !items.is_empty()).flatten()
//! }
//!
//! // The async generator contains the same loop.
//! fn generator() -> impl Stream<Item = Result<String, Infallible>> {
//!     try_generator(async |mut y| {
//!         for number in 0.. {
//!             let items = fetch_page(number).await?;
//!             if items.is_empty() {
//!                 break;
//!             }
//!             for item in items {
//!                 y.yield_(item).await?;
//!             }
//!         }
//!         Ok(())
//!     })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // With `AsyncGetDocs`, the loop is in the library.
//! let class = AsyncGetDocs::new(fetch_page);
//!
//! let expected: Vec<_> = iterator().collect();
//! assert_eq!(generator().try_collect::<Vec<_>>().await?, expected);
//! assert_eq!(class.try_collect::<Vec<_>>().await?, expected);
//! # Ok(())
//! # }
//! ```

mod builder;
mod checkpoint;
mod cursor;
mod error;
mod event;
mod fetch;
mod fingerprint;
#[cfg(feature = "http")]
pub mod http;
mod incremental;
mod mask;
mod nested;
mod page;
mod policy;
mod requests;
mod sources;
mod stream;

pub use self::checkpoint::Checkpoint;
pub use self::cursor::{Cursor, Offset, PageNumber, RandomAccess};
pub use self::error::{Error, ErrorKind};
pub use self::event::{Event, Progress};
pub use self::incremental::{Incremental, IncrementalCheckpoint, incremental};
pub use self::nested::checkpoint::NestedCheckpoint;
pub use self::nested::error::NestedError;
pub use self::nested::nested::Nested;
pub use self::page::Page;
pub use self::policy::{OnBlankCursor, OnCycle, OnEmpty, OnError, OnRepeat};
pub use self::sources::{by_cursor, by_link, by_offset, by_page_number};
pub use self::stream::async_get_docs::AsyncGetDocs;
pub use self::stream::batch::Batch;
pub use self::stream::batches::Batches;
pub use self::stream::pages::Pages;

//! Streams over paginated APIs that never silently skip, duplicate or lose an item.
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
//! | the API | source | `fetch_page` receives | the stream ends |
//! |---|---|---|---|
//! | returns a token or key of the next page | [`by_cursor`] | `Option<C>`, first `None` | after a page without a cursor |
//! | returns a link to the next page | [`by_link`] | the URL | after a page without a link |
//! | numbers its pages | [`by_page_number`] | the number, from 0 or 1 | at an empty page |
//! | takes an offset and a limit | [`by_offset`] | both | at an empty page |
//! | numbers its pages from 0 | [`AsyncGetDocs::new`] | 0, 1, 2, … | at an empty page |
//! | speaks HTTP and JSON | `http` (feature `http`) | any of the above | as above |
//!
//! Each source is an [`AsyncGetDocs`], a stream over items. [`into_pages`](AsyncGetDocs::into_pages) converts it into
//! [`Pages`], a stream over whole pages. Both implement [`Stream`](futures_core::Stream) and have their own `next` and
//! `try_next`, so that no extension trait has to be imported.
//!
//! # Configuration
//!
//! The methods of [`AsyncGetDocs`] configure a stream before its first poll:
//!
//! | to | call |
//! |---|---|
//! | fetch while the consumer works | [`read_ahead`](AsyncGetDocs::read_ahead) |
//! | fetch several numbered pages at once | [`concurrency`](AsyncGetDocs::concurrency) |
//! | retry with backoff | [`retry`](AsyncGetDocs::retry), [`classify`](AsyncGetDocs::classify) |
//! | limit the rate of requests | [`before_request`](AsyncGetDocs::before_request) |
//! | end early | [`max_items`](AsyncGetDocs::max_items), [`max_pages`](AsyncGetDocs::max_pages) |
//! | remove duplicates | [`unique_by`](AsyncGetDocs::unique_by) |
//! | continue where another run stopped | [`resume`](AsyncGetDocs::resume) |
//! | observe requests and retries | [`on_event`](AsyncGetDocs::on_event) |
//! | handle unusual pages | [`on_empty`](AsyncGetDocs::on_empty), [`on_cycle`](AsyncGetDocs::on_cycle) |
//!
//! The fetch function is called once per attempt, so it clones what its future needs:
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
//! - **No item is skipped.** Neither an empty nor a short page ends a cursor stream. An empty string is not a cursor. A
//!   page with `has_more` but without a cursor is an error. An offset advances by the number of items *received*. A total
//!   is only an estimate, and never ends the stream.
//! - **No item is duplicated.** A cursor cycle is detected ([`OnCycle`]), after the page with the repeated cursor was
//!   delivered. If the cycle has at most eight pages, none of them is fetched twice. A retry requests the page that failed,
//!   and no other.
//! - **No item is lost by an error.** A failed page is retried first ([`retry`](AsyncGetDocs::retry)). Then the stream
//!   yields the error once, with the page and its cursor, and has ended, until
//!   [`retry_failed`](AsyncGetDocs::retry_failed) requests the same page again. A [`Checkpoint`] can be taken at any
//!   moment, also after an error.
//! - **No item is lost by cancellation.** The page in progress belongs to the stream, not to the future that `next`
//!   returns. With `select!`, with `timeout`, or when that future is dropped, no item is lost and no page is fetched twice.
//! - **Fetching overlaps with processing**, if configured: [`read_ahead`](AsyncGetDocs::read_ahead) for any source,
//!   [`concurrency`](AsyncGetDocs::concurrency) for numbered pages. Dropping the stream cancels all fetches.
//! - **Other tasks make progress.** Each page consumes a unit of tokio's coop budget, and within a large page the stream
//!   yields to the executor after every 128 items.
//!
//! # Limitations
//!
//! - If the data changes while it is read, its pages may shift, and the API may return an item twice or not at all. A
//!   client cannot detect this; [`unique_by`](AsyncGetDocs::unique_by) removes the duplicates.
//! - A checkpoint contains the API's own cursor. If the API no longer accepts it, the fetch function fails: see
//!   [`OnError::Restart`].
//! - A cycle of more than eight pages is detected only after some of its pages were delivered twice.
//! - A fetch has no timeout: add one to the fetch function.
//!
//! # Comparison
//!
//! The same stream as an [`AsyncGetDocs`], as an async generator, and as a synchronous iterator. The other two are
//! plain loops: they do not retry, resume, detect cycles or fetch ahead.
//!
//! ```
//! use futures::{Stream, TryStreamExt};
//! use std::convert::Infallible;
//! use withal::generator::try_generator;
//! use withal::pages::AsyncGetDocs;
//!
//! fn page(number: u64) -> Vec<String> {
//!     if number < 2 { vec![format!("doc {number}")] } else { vec![] }
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
//! // With `AsyncGetDocs`, the library contains the loop.
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
#[cfg(feature = "http")]
pub mod http;
mod page;
mod policy;
mod sources;
mod stream;

pub use self::checkpoint::Checkpoint;
pub use self::cursor::{Cursor, Offset, PageNumber, RandomAccess};
pub use self::error::{Error, ErrorKind};
pub use self::event::{Event, Progress};
pub use self::page::Page;
pub use self::policy::{OnCycle, OnEmpty, OnError};
pub use self::sources::{by_cursor, by_link, by_offset, by_page_number};
pub use self::stream::items::AsyncGetDocs;
pub use self::stream::pages::Pages;

//! Paginated APIs as streams: any of them, in one closure, and no document skipped, repeated or lost in silence.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
//! use withal::pages::by_cursor;
//!
//! # async fn get(cursor: Option<String>) -> Result<(Vec<&'static str>, Option<String>), std::io::Error> {
//! #     Ok(if cursor.is_none() { (vec!["a", "b"], Some("2".into())) } else { (vec!["c"], None) })
//! # }
//! let mut docs = by_cursor(|cursor| get(cursor)).read_ahead(1);
//! while let Some(doc) = docs.try_next().await? {
//!     println!("{doc}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The fetch function is called once an attempt, so what it uses is cloned for each: a client, say.
//!
//! ```
//! # use std::sync::Arc;
//! # use withal::pages::{AsyncGetDocs, by_cursor};
//! # struct Client;
//! # impl Client {
//! #     async fn get(&self, _: Option<String>) -> Result<(Vec<u64>, Option<String>), std::io::Error> { Ok((vec![], None)) }
//! # }
//! # fn docs(client: Arc<Client>) -> AsyncGetDocs<u64, String, std::io::Error> {
//! by_cursor(move |cursor| {
//!     let client = Arc::clone(&client);
//!     async move { client.get(cursor).await }
//! })
//! # }
//! ```
//!
//! # Which source
//!
//! | the API | the source | asks with | ends with |
//! |---|---|---|---|
//! | names the next page by a token or key | [`by_cursor`] | `Option<C>`, `None` first | a page without one |
//! | links to the next page | [`by_link`] | the URL | a page without a link |
//! | numbers its pages | [`by_page_number`] | 0 or 1, then one more | an empty page |
//! | counts items | [`by_offset`] | the items received so far, and a limit | an empty page |
//! | the article's `fetch_page(n)` | [`AsyncGetDocs::new`] | 0, 1, 2, … | an empty page |
//! | speaks HTTP and JSON | `http`, a feature | all of the above | all of the above |
//!
//! Each gives an [`AsyncGetDocs`], the documents one by one; [`into_pages`](AsyncGetDocs::into_pages) gives [`Pages`].
//! Both are [`Stream`](futures_core::Stream)s, and have `next` and `try_next` of their own, so nothing has to be
//! imported.
//!
//! # What is promised
//!
//! - **Nothing is skipped.** An empty page inside a chain is no end, a short page is none, an empty string is no cursor, a
//!   `has_more` without a cursor is an error, an offset advances by the items *received*. A total is an estimate.
//! - **Nothing is repeated.** A cursor that leads back is noticed ([`OnCycle`]), after its page was delivered; in a loop of
//!   eight pages or fewer, before any is fetched twice. A page that failed is asked for again, and no other is.
//! - **Nothing is lost by an error.** Retries come first ([`retry`](AsyncGetDocs::retry)); then the error, once, naming
//!   page and cursor; then the stream has ended, until [`retry_failed`](AsyncGetDocs::retry_failed) asks the same page
//!   again. A [`Checkpoint`] is good at any moment, also then.
//! - **Nothing is lost by cancellation.** The page under way lives in the stream, not in the future that `next` returns:
//!   `select!`, `timeout` and dropping lose no document and fetch no page twice.
//! - **Fetching overlaps with work**, if asked to: [`read_ahead`](AsyncGetDocs::read_ahead) over any source,
//!   [`concurrency`](AsyncGetDocs::concurrency) over numbers. Dropping the stream ends every fetch.
//! - **Others get their turn.** A page takes a unit of tokio's budget, and a large page is interrupted about every 128
//!   items.
//!
//! # What is not
//!
//! - An API that changes while it is read may show a document twice or not at all when its pages shift; no client can
//!   know. [`unique_by`](AsyncGetDocs::unique_by) leaves out what comes twice.
//! - A checkpoint is a place in the API's own terms. An API that forgets its cursors answers with an error: see
//!   [`OnError::Restart`].
//! - A loop of more than eight pages is found, but not before some of its pages came twice.
//! - A fetch that never ends is waited for: put a time-out into the fetch function.
//!
//! # The three forms of `get_docs`
//!
//! The class, the async generator and the plain iterator of the article, side by side; they give the same documents.
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
//! // The plain iterator: waits for each page, and its thread with it.
//! fn iterator() -> impl Iterator<Item = String> {
//!     (0..).map(page).take_while(|docs| !docs.is_empty()).flatten()
//! }
//!
//! // The async generator: the same loop, written out.
//! fn generator() -> impl Stream<Item = Result<String, Infallible>> {
//!     try_generator(async |mut y| {
//!         for number in 0.. {
//!             let docs = fetch_page(number).await?;
//!             if docs.is_empty() {
//!                 break;
//!             }
//!             for doc in docs {
//!                 y.yield_(doc).await?;
//!             }
//!         }
//!         Ok(())
//!     })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The class: the loop is the library's, with all that is promised above.
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

//! Pagination of JSON APIs over HTTP, on [reqwest]: finds the next page, sends the requests, checks the responses.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use withal::pages::http;
//!
//! #[derive(serde::Deserialize)]
//! struct Issue {
//!     title: String,
//! }
//!
//! let client = http::Client::new(reqwest::Client::builder().user_agent("me/1.0"))?;
//! let mut issues = client
//!     .endpoint("https://api.github.com/repos/rust-lang/rust/issues?per_page=100")?
//!     .by_link::<Issue>()
//!     .retry(withal::backon::ExponentialBuilder::default())
//!     .read_ahead(1);
//! while let Some(issue) = issues.try_next().await? {
//!     println!("{}", issue.title);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] makes [`Endpoint`]s. An endpoint holds the URL of an API, and the places of the items in its responses.
//! One of its paginators then makes a stream of items:
//!
//! | the next page is named by | paginator | cursor |
//! |---|---|---|
//! | the `Link` header (RFC 8288) | [`by_link`](Endpoint::by_link) | URL |
//! | a URL in the JSON | [`by_next_url`](Endpoint::by_next_url) | URL |
//! | a cursor in the JSON | [`by_cursor`](Endpoint::by_cursor) | `String` |
//! | a cursor in a header | [`by_cursor_header`](Endpoint::by_cursor_header) | `String` |
//! | its number | [`by_page_number`](Endpoint::by_page_number) | [`PageNumber`](super::PageNumber) |
//! | its offset | [`by_offset`](Endpoint::by_offset) | [`Offset`](super::Offset) |
//! | `pageInfo` (GraphQL, Relay) | [`by_relay_connection`](Endpoint::by_relay_connection) | `String` |
//!
//! Each returns an [`AsyncGetDocs`](super::AsyncGetDocs) that [`classify`] is already set for. To retry failed
//! requests, add a retry policy.
//!
//! # Guarantees
//!
//! - **Requests stay on their origin.** A link or a redirect to another scheme, host or port is an [`Error`], and
//!   nothing is sent there, unless the origin is [allowed](Endpoint::allow_origin). A link from https to http is an
//!   error, too, unless the http origin is allowed by name. [`header`](Endpoint::header) and
//!   [`map_request`](Endpoint::map_request) apply to the endpoint's origin and to the origins allowed by name, and to
//!   no other. The `default_headers` of reqwest's builder go to every origin.
//! - **Redirects are followed here**, at most ten in a row. reqwest would send a header such as `X-Api-Key` to the
//!   target of a redirect, which is why [`Client::new`] takes a builder.
//! - **The size of a response is bounded** by [`max_body`](Endpoint::max_body), which counts bytes after decompression.
//! - **Only a valid response ends the stream.** A truncated body is an error, and so is a `Link` header or a cursor
//!   that cannot be parsed.
//! - **Errors contain the URL**, without user name and password.
//!
//! A cursor that is a URL is relative to the endpoint's origin (`/docs?page=3`), so that a checkpoint remains valid
//! when the host or the port changes. A URL on another origin is absolute; resuming from it is checked like a link.
//!
//! # Limitations
//!
//! - An *absent* field ends the stream, because that is how APIs mark their last page. A typing error in a JSON pointer
//!   therefore ends the stream after the first page. [`has_more_at`](Endpoint::has_more_at) guards against that.
//! - Errors and checkpoints contain the query of the URL. Send a secret in a header.
//! - Timeouts are reqwest's. Without `read_timeout`, a stalled server blocks the stream for ever.
//! - The runtime must be tokio's, with I/O and time enabled, as `#[tokio::main]` has it. An error waits up to one
//!   second for the body that explains it.
//! - This crate enables no TLS backend. Choose one by a feature of your own `reqwest` dependency.
//!
//! [reqwest]: https://docs.rs/reqwest

mod classify;
mod client;
mod endpoint;
mod error;
mod excerpt;
mod graphql_query;
mod json_pointers;
mod link_header;
mod origins;
mod paginators;
mod request;
mod response;
mod retry_after;
mod url;

pub use self::classify::classify;
pub use self::client::Client;
pub use self::endpoint::Endpoint;
pub use self::error::Error;
pub use self::graphql_query::GraphQlQuery;

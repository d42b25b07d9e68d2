//! Paginated HTTP APIs over [reqwest]: the links, cursors and numbers found, the requests made, the answers checked.
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
//! A [`Client`] makes [`Endpoint`]s; an endpoint is told where its answers keep their items, and how one page leads to
//! the next:
//!
//! | the next page is | method | cursor |
//! |---|---|---|
//! | in the `Link` header (RFC 8288) | [`by_link`](Endpoint::by_link) | URL |
//! | a URL in the JSON | [`by_next_url`](Endpoint::by_next_url) | URL |
//! | a cursor in the JSON | [`by_cursor`](Endpoint::by_cursor) | `String` |
//! | a cursor in a header | [`by_cursor_header`](Endpoint::by_cursor_header) | `String` |
//! | the next number | [`by_page_number`](Endpoint::by_page_number) | [`PageNumber`](super::PageNumber) |
//! | the next offset | [`by_offset`](Endpoint::by_offset) | [`Offset`](super::Offset) |
//! | in `pageInfo` (GraphQL, Relay) | [`by_relay_connection`](Endpoint::by_relay_connection) | `String` |
//!
//! Each gives a plain [`AsyncGetDocs`](super::AsyncGetDocs), with [`classify`] as its classification: a retry policy is
//! all that is left to add.
//!
//! # What is promised
//!
//! - **Nothing goes off the origin.** A link or a redirect to another scheme, host or port is an [`Error`] before
//!   anything is sent there, unless [allowed](Endpoint::allow_origin); so is one from https to http. Redirects are
//!   followed here and not by reqwest, which would carry an `X-Api-Key` along: that is why [`Client::new`] takes a
//!   builder. What [`header`](Endpoint::header) and [`map_request`](Endpoint::map_request) add goes to the endpoint's origin and
//!   to those allowed by name, and to no other. The builder's own `default_headers` go wherever requests go.
//! - **The size of an answer is bounded**: [`max_body`](Endpoint::max_body), of the body as decompressed.
//! - **An end is an end.** A body cut short is an error, and so is a `Link` header or a cursor that cannot be read; none
//!   of them is taken for the last page. But a field that is *absent* is the end, for that is how APIs say it: a pointer
//!   with a typing error ends the walk after its first page.
//! - **Errors name the URL**, without user name and password. A URL stands in errors and in checkpoints: a secret
//!   belongs into a header, not into the query.
//! - **How long to wait** is reqwest's: without `read_timeout` in the builder, a server that falls silent is waited for.
//!
//! A cursor that is a URL is kept relative to the endpoint (`/docs?page=3`), so a checkpoint stays good when the host or
//! the port changes. On a foreign origin it is absolute, and resuming from it is checked like any link.
//!
//! It needs tokio's runtime with IO and timer, as `#[tokio::main]` has it: an error waits a second at most for the body
//! that explains it.
//!
//! reqwest comes here without TLS: choose a backend by a feature of your own `reqwest` dependency.
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

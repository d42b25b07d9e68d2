//! Pagination of JSON APIs over HTTP, on [reqwest]: sends requests, checks responses, and finds the next page.
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
//!     .read_ahead(1);
//! while let Some(issue) = issues.try_next().await? {
//!     println!("{}", issue.title);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] creates [`Endpoint`]s. An endpoint is the URL of an API, together with the location of the items in its
//! responses and other settings. One of its *paginators*, the methods below, then creates a stream over the items:
//!
//! | the next page is identified by | paginator | cursor |
//! |---|---|---|
//! | the `Link` header (RFC 8288) | [`by_link`](Endpoint::by_link) | URL |
//! | a URL in another header | [`by_next_url_header`](Endpoint::by_next_url_header) | URL |
//! | a URL in the JSON | [`by_next_url`](Endpoint::by_next_url) | URL |
//! | a link with a relation in an array (FHIR, STAC) | [`by_link_array`](Endpoint::by_link_array) | URL |
//! | a cursor in the JSON | [`by_cursor`](Endpoint::by_cursor) | `String` |
//! | a cursor that is sent in the body (Notion, `DynamoDB`, MCP) | [`by_body_cursor`](Endpoint::by_body_cursor) | JSON |
//! | a cursor in a header | [`by_cursor_header`](Endpoint::by_cursor_header) | `String` |
//! | several parameters (`MediaWiki`) | [`by_parameters`](Endpoint::by_parameters) | JSON |
//! | its last item (Stripe, Mastodon) | [`by_last_item`](Endpoint::by_last_item) | `String` |
//! | the sort key of its last item (Elasticsearch) | [`by_last_item_in_body`](Endpoint::by_last_item_in_body) | JSON |
//! | its number | [`by_page_number`](Endpoint::by_page_number) | [`PageNumber`](super::PageNumber) |
//! | its offset | [`by_offset`](Endpoint::by_offset), [`by_offset_from`](Endpoint::by_offset_from), [`by_offset_steps`](Endpoint::by_offset_steps) | [`Offset`](super::Offset) |
//! | `pageInfo` (GraphQL, Relay) | [`by_relay_connection`](Endpoint::by_relay_connection) | `String` |
//! | the rules of a convention | [`by_odata`](Endpoint::by_odata), [`by_hal`](Endpoint::by_hal), [`by_json_api`](Endpoint::by_json_api), [`by_kubernetes`](Endpoint::by_kubernetes), [`by_scim`](Endpoint::by_scim) | |
//! | anything else | [`by_response`](Endpoint::by_response) | any type |
//!
//! [`detect()`] proposes a paginator for a first response, and [`Endpoint::detect`] also requests that response.
//! [`from_dlt`] compares the paginators with those of dlt, a Python library.
//!
//! Each paginator returns an [`AsyncGetDocs`](super::AsyncGetDocs).
//!
//! # Retries
//!
//! With the feature `backon`, which is enabled by default, each stream of this module retries the errors that
//! [`classify`] considers transient. A page is requested at most four times. The delays before the three retries are
//! 0.2, 0.4 and 0.8 seconds, and each is extended by up to its own length at random, so that a page fails after at most
//! 2.8 seconds of delays. A delay that the server requests, by `Retry-After` or the reset time of a rate limit,
//! replaces the next of these delays if it is at most an hour; otherwise, the error is final.
//!
//! [`retry`](super::AsyncGetDocs::retry) replaces this policy, [`classify`](super::AsyncGetDocs::classify) replaces the
//! selection of errors, and [`no_retry`](super::AsyncGetDocs::no_retry) turns retries off.
//!
//! Retries assume that the requests only read. All requests of the paginators do, even those by POST, if the server gives
//! them their usual meaning. For an API whose requests change something, turn retries off.
//!
//! # Authentication
//!
//! | credentials | method |
//! |---|---|
//! | a token (RFC 6750) | [`bearer`](Endpoint::bearer) |
//! | a user name and a password (RFC 7617) | [`basic`](Endpoint::basic), or in the URL |
//! | an API key | [`api_key_header`](Endpoint::api_key_header), [`api_key_query`](Endpoint::api_key_query) |
//! | tokens that expire (OAuth 2.0) | [`token_source`](Endpoint::token_source) |
//! | anything else | [`header`](Endpoint::header), [`map_request`](Endpoint::map_request) |
//!
//! # Repeated crawls
//!
//! [`skip_unmodified`](Endpoint::skip_unmodified) sends the `ETag` of each page with its request in the next crawl, and
//! skips the pages that have not changed. [`incremental`](super::incremental) requests only the items that have changed
//! since the previous crawl.
//!
//! # Items with pages of their own
//!
//! [`try_flat_map`](super::AsyncGetDocs::try_flat_map) requests the pages of each item, such as the issues of each
//! repository, with one checkpoint for both levels:
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use withal::pages::http;
//!
//! let client = http::Client::new(reqwest::Client::builder())?;
//! let ids = client.endpoint("https://api.example/repositories")?.by_link::<u64>();
//! let mut issues = ids
//!     .try_flat_map(move |id| {
//!         let url = format!("https://api.example/repositories/{id}/issues");
//!         client.endpoint(&url).expect("the URL is valid for any number").by_link::<String>()
//!     })
//!     .concurrency(4);
//! while let Some((id, issue)) = issues.try_next().await? {
//!     println!("{id}: {issue}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Flags
//!
//! Many APIs send a cursor or a link on their last page, too, and mark that page with a flag. Others send an empty page
//! between pages with items. The location of the flag is set with [`has_more_at`](Endpoint::has_more_at) or
//! [`is_last_at`](Endpoint::is_last_at). If neither is set, a member with one of these names counts, beside the cursor,
//! or at the top of the body if the cursor or the items are there:
//!
//! - for more pages: `has_more`, `hasMore`, `has-more`, `HasMore`, `hasNextPage`, `has_next_page`, `hasNext`,
//!   `has_next`, `moreResults`, `more_items`, `more_items_in_collection`, `isTruncated`, `IsTruncated`,
//!   `hasMoreItems`, `hasMorePages`, `hasMoreRecords`, `hasMoreResults`, `has_more_items`, `has_more_page`,
//!   `has_more_pages`, `has_more_results`, `more`, `moreRecords`, `more_records`, `more_results`; its value is a
//!   boolean, `"true"`, `"false"`, 1 or 0;
//! - for the last page: `isLast`, `is_last`, `isLastPage`, `is_last_page`, `last`, `done`, `end_of_stream`,
//!   `endOfStream`, `endOfRecords`, `isEnd`, `is_end`, `lastPage`, `last_page`; its value is a boolean, `"true"` or
//!   `"false"`. `done: true` or `last: true` in a response with a cursor counts only if the flag was `false` on the
//!   first page that had it, since it may be the state of something else. Likewise, `more: false` at the top, with the
//!   cursor in an object, counts only if `more` was `true` on the first page that had it.
//!
//! In a cursor stream, a flag for more pages without a cursor is an error,
//! [`MissingCursor`](super::ErrorKind::MissingCursor).
//!
//! Streams of numbered pages accept other reports of a next page, too: a flag in an object such as `meta` or
//! `pagination`, a `Link` header with `rel="next"`, a URL or a larger number in `next`, `next_page` or `X-Next-Page`, a
//! cursor in `next_cursor`, and a larger `total_pages` or `X-Total-Pages`. If an empty page reports a next page, the
//! stream continues, up to [`max_empty_pages`](super::AsyncGetDocs::max_empty_pages). If the page after a page that
//! reports one fails, its error does not mark the end. [`on_empty`](super::AsyncGetDocs::on_empty) and
//! [`classify`](super::AsyncGetDocs::classify) overrule these reports. A stream that begins at page 1 fails if that
//! page reports a page before it, because it would lack page 0; [`ignore_reports`](Endpoint::ignore_reports) turns this
//! check off.
//!
//! # Guarantees
//!
//! - **Requests stay on their origin**, the scheme, host and port of the endpoint. A link or a redirect to another
//!   origin is an [`Error`], and nothing is sent there, unless that origin is allowed, either by name with
//!   [`allow_origin`](Endpoint::allow_origin), or together with all others by
//!   [`allow_any_origin`](Endpoint::allow_any_origin).
//!   A link from https to http is an error unless the http origin is allowed by name. For a server behind a proxy,
//!   [`links_stay_home`](Endpoint::links_stay_home) requests all links on the endpoint's origin.
//! - **Credentials, headers and bodies stay on named origins**: those of the endpoint and of
//!   [`map_request`](Endpoint::map_request) are sent only to the endpoint's origin and to the origins allowed by name.
//!   One exception: the `default_headers` of reqwest's builder are sent to every origin.
//! - **Redirects are followed by this module**, at most ten in a row, and not by reqwest, which would send a header
//!   such as `X-Api-Key` to the target of a redirect. [`Client::new`] takes a builder in order to disable reqwest's
//!   redirects.
//! - **The size of a response is bounded** by [`max_body`](Endpoint::max_body), which counts bytes after decompression.
//! - **Only a valid response ends the stream.** A truncated body is an error, and so is a malformed `Link` header or
//!   cursor, a body without items that [reports an error](Endpoint::error_at), and a status 400 or 404 after numbered
//!   pages, unless there is [evidence](Endpoint::by_page_number) that the page is beyond the last. A body without items
//!   that reports a state such as `pending` is requested again.
//! - **Overlapping pages are detected** in streams by offset or by last item: a page that begins with the last items of
//!   the page before is an error, [`RepeatedItems`](super::ErrorKind::RepeatedItems), unless
//!   [`unique_by`](super::AsyncGetDocs::unique_by) removes duplicates. Pages of more than 10,000 items are not compared.
//! - **Errors contain the response**: its status, headers and the beginning of its body. No text of an error exceeds
//!   2 KiB or contains control or format characters.
//! - **Secrets are masked** in errors, events and `Debug` output: user names and passwords of URLs, and the values of
//!   [query parameters](Endpoint::secret_parameter) such as `access_token` or those that you declare. The texts of an
//!   [`Error`] also mask the credentials of the endpoint.
//! - **The last request of a quota is followed by a pause**, of at most [a minute](Endpoint::max_quota_pause), until the
//!   server accepts requests again.
//!
//! If the cursor is a URL, it is relative to the endpoint's origin (`/docs?page=3`), so that a checkpoint remains valid
//! when the host or the port changes. The URL of a page on another origin is absolute, and is checked like a link when
//! a stream resumes from it.
//!
//! # Limitations
//!
//! - A page without the field or header for the next page ends the stream, because that is how APIs mark their last
//!   page. A typo in the JSON pointer to that field therefore ends the stream after the first page, unless the page has
//!   a cursor with a well-known name, such as `next_cursor`. [`has_more_at`](Endpoint::has_more_at) guards against that.
//! - Errors in a body with status 2xx are recognized by [well-known names and words](Endpoint::error_at), and only
//!   without items. [`error_at`](Endpoint::error_at) and [`ok_at`](Endpoint::ok_at) name those of an API.
//! - If an item is inserted while pages are read by their numbers, another item is yielded twice; and if one is
//!   removed, another is skipped. [`unique_by`](super::AsyncGetDocs::unique_by) removes the former, and
//!   [`expect_total`](super::AsyncGetDocs::expect_total) detects the latter if the API reports a total.
//! - A page that repeats the one before with its members in another order, or with other values, is detected by the
//!   `id`s of its first two items, or by members with a similar name. Without such members, it is not detected.
//!   [`max_pages`](super::AsyncGetDocs::max_pages) bounds such a stream.
//! - A serialized checkpoint contains the secrets in the query of a link, unless the endpoint's URL contains them, too, or
//!   [`strip_secrets`](Endpoint::strip_secrets) removes them.
//! - Timeouts are those of reqwest's builder. Without a `timeout` or `read_timeout`, a stalled server blocks the stream
//!   forever.
//! - The streams require a tokio runtime with I/O and time enabled, as `#[tokio::main]` creates it.
//! - If the status of a response is an error, reading the error message in its body may take up to one second.
//! - This crate enables no TLS backend. Choose one with a feature of your own `reqwest` dependency, such as `rustls` or
//!   `native-tls`; without one, an https request fails with [`Error::NoTls`]. With `rustls-no-provider`, install a
//!   crypto provider before the client is built; otherwise, [`Client::new`] fails, and reqwest's panic is printed by
//!   the panic hook.
//!
//! [reqwest]: https://docs.rs/reqwest

mod additions;
mod auth;
mod body;
mod by_response;
mod classify;
mod client;
mod conditional;
mod credentials;
mod defaults;
mod describe;
mod detect;
mod detected;
mod endpoint;
mod ends;
mod envelope;
mod envelope_names;
mod error;
mod excerpt;
mod extent;
mod extra;
mod graphql_query;
mod identity;
mod item_fingerprints;
mod json_array;
mod json_edit;
mod json_index;
mod json_outline;
mod json_pointers;
mod json_slices;
mod known_cursors;
mod known_flags;
mod link;
mod link_object;
mod links;
mod locations;
mod missing_items;
mod neighbors;
mod next_in;
mod next_url;
mod origins;
mod other_cursors;
mod other_origins;
mod paginators;
mod past_the_end;
mod proposal;
mod quota;
mod rate_limit;
mod reference;
mod reported_error;
mod reported_names;
mod request;
mod response;
mod response_cursor;
mod response_error;
mod response_info;
mod response_items;
mod response_page;
mod retry_after;
mod secret_parameters;
mod secrets;
mod send;
mod timestamp;
mod tls;
mod token;
mod token_source;
mod total_header;
mod total_pages;
mod try_item;
mod url;
mod url_cursor;
mod usual_names;
mod validators;
mod words;

pub mod from_dlt {
    #![doc(alias = "RESTClient")]
    #![doc = include_str!("from_dlt.md")]
}

pub use self::classify::classify;
pub use self::client::Client;
pub use self::detect::detect;
pub use self::detected::Detected;
pub use self::endpoint::Endpoint;
pub use self::error::Error;
pub use self::extra::Extra;
pub use self::graphql_query::GraphQlQuery;
pub use self::link::Link;
pub use self::links::{InvalidLinkHeader, Links};
pub use self::missing_items::MissingItems;
pub use self::proposal::Proposal;
pub use self::request::Request;
pub use self::response::Response;
pub use self::response_info::ResponseInfo;
pub use self::retry_after::retry_after;
pub use self::token::Token;
pub use self::token_source::TokenSource;
pub use self::try_item::{InvalidItem, TryItem};
pub use self::validators::Validators;

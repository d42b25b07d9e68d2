use std::time::Duration;

use reqwest::StatusCode;

/// Why a page could not be had over HTTP; the `source` of [`ErrorKind::Fetch`](crate::pages::ErrorKind::Fetch).
///
/// URLs are without user name and password, and with their query. [`classify`](super::classify) says which of these are
/// worth another attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered, but not with success.
    #[error("{url} answered {status}{}", after_colon(body))]
    #[non_exhaustive]
    Status {
        /// What was asked for.
        url: String,
        /// The status; a redirect that cannot be followed is here, too.
        status: StatusCode,
        /// The `Retry-After` header, as the time from the answer on.
        retry_after: Option<Duration>,
        /// The beginning of the body: 200 characters at most, without control characters.
        body: String,
    },
    /// There was no answer: no connection, a time-out, a connection closed too early.
    #[error("{url} could not be reached")]
    #[non_exhaustive]
    Transport {
        /// What was asked for.
        url: String,
        /// What reqwest says.
        source: reqwest::Error,
    },
    /// The answer began, and its body did not come to its end.
    #[error("the body of {url} was cut short")]
    #[non_exhaustive]
    IncompleteBody {
        /// What was asked for.
        url: String,
        /// What reqwest says.
        source: reqwest::Error,
    },
    /// The body is larger than [`max_body`](super::Endpoint::max_body) allows.
    #[error("the body of {url} is larger than {limit} bytes")]
    #[non_exhaustive]
    BodyTooLarge {
        /// What was asked for.
        url: String,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The body is not JSON.
    #[error("the body of {url} is not JSON")]
    #[non_exhaustive]
    InvalidJson {
        /// What was asked for.
        url: String,
        /// Where the JSON is wrong.
        source: serde_json::Error,
    },
    /// The body is JSON, and its items are not where they should be.
    #[error("the body of {url} has {found} at {pointer:?} instead of an array")]
    #[non_exhaustive]
    ItemsNotArray {
        /// What was asked for.
        url: String,
        /// The JSON pointer; empty for the whole body.
        pointer: String,
        /// What is there.
        found: &'static str,
    },
    /// An item is not what it should be.
    #[error("item {index} of {url} does not fit its type")]
    #[non_exhaustive]
    InvalidItem {
        /// What was asked for.
        url: String,
        /// Its index in the array, from 0.
        index: usize,
        /// Why it does not fit.
        source: serde_json::Error,
    },
    /// What should name the next page is something else.
    #[error("{url} has {found} at {location:?} instead of a cursor")]
    #[non_exhaustive]
    InvalidCursor {
        /// What was asked for.
        url: String,
        /// The JSON pointer, or the name of the header.
        location: String,
        /// What is there.
        found: &'static str,
    },
    /// What should say whether there are more pages is neither `true` nor `false`.
    #[error("{url} has {found} at {pointer:?} instead of true or false")]
    #[non_exhaustive]
    InvalidHasMore {
        /// What was asked for.
        url: String,
        /// The JSON pointer.
        pointer: String,
        /// What is there.
        found: &'static str,
    },
    /// No `Link` header names a next page, but one of them cannot be read.
    #[error("the link header of {url} cannot be read: {value}")]
    #[non_exhaustive]
    InvalidLink {
        /// What was asked for.
        url: String,
        /// The header: 200 characters at most.
        value: String,
    },
    /// A GraphQL query failed.
    #[error("the query at {url} failed: {message}")]
    #[non_exhaustive]
    GraphQl {
        /// What was asked.
        url: String,
        /// The first of the errors it answered with.
        message: String,
    },
    /// A link, a redirect or a checkpoint leads to another origin. Nothing was sent there.
    #[error("{from} leads to {to}, on another origin")]
    #[non_exhaustive]
    CrossOrigin {
        /// The page that was redirected; otherwise the endpoint.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// A link, a redirect or a checkpoint leads from https to http. Nothing was sent there.
    #[error("{from} leads to {to}, from https to http")]
    #[non_exhaustive]
    HttpsDowngrade {
        /// The page that was redirected; otherwise the endpoint.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// One redirect led to the next, too often.
    #[error("{url} was redirected more than {limit} times")]
    #[non_exhaustive]
    TooManyRedirects {
        /// What was asked for last.
        url: String,
        /// How many are followed.
        limit: usize,
    },
    /// This is no URL, or none that can be asked.
    #[error("{url:?} is no URL to ask")]
    #[non_exhaustive]
    InvalidUrl {
        /// The text, without user name and password.
        url: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync + 'static>,
    },
    /// This cannot be sent as a header.
    #[error("the header {name:?} cannot be sent")]
    #[non_exhaustive]
    InvalidHeader {
        /// The header's name.
        name: String,
        /// What is wrong with its name or its value; the value is not shown.
        source: Box<dyn std::error::Error + Send + Sync + 'static>,
    },
    /// The client could not be built.
    #[error("the HTTP client could not be built")]
    #[non_exhaustive]
    Client {
        /// What reqwest says.
        source: reqwest::Error,
    },
}

fn after_colon(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}

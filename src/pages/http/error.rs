use std::time::Duration;

use reqwest::StatusCode;

/// The error of a failed request; the `source` of [`ErrorKind::Fetch`](crate::pages::ErrorKind::Fetch).
///
/// The URLs contain their query, but neither user name nor password. [`classify`](super::classify) decides which errors
/// are retried.
///
/// # Examples
///
/// ```
/// use withal::pages::http;
///
/// fn advice(error: &http::Error) -> &'static str {
///     match error {
///         error if error.is_timeout() || error.is_connect() => "try again later",
///         error if error.status().is_some_and(|status| status == 401) => "log in again",
///         http::Error::CrossOrigin { .. } => "check the link, then allow its origin",
///         _ => "report a bug",
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The response has a status other than 2xx.
    #[error("{url} returned {status}{}", after_colon(body))]
    #[non_exhaustive]
    Status {
        /// The URL of the request.
        url: String,
        /// The status. It may be the status of a redirect that cannot be followed.
        status: StatusCode,
        /// The delay in the `Retry-After` header, counted from the response.
        retry_after: Option<Duration>,
        /// The beginning of the body: at most 200 characters, without control characters.
        body: String,
    },
    /// No response was received: the connection failed, timed out or was closed.
    #[error("request to {url} failed")]
    #[non_exhaustive]
    Transport {
        /// The URL of the request.
        url: String,
        /// The error that reqwest returned.
        source: reqwest::Error,
    },
    /// The response ended before its body was complete.
    #[error("incomplete response body from {url}")]
    #[non_exhaustive]
    IncompleteBody {
        /// The URL of the request.
        url: String,
        /// The error that reqwest returned.
        source: reqwest::Error,
    },
    /// The body is larger than [`max_body`](super::Endpoint::max_body) allows.
    #[error("response body from {url} exceeds {limit} bytes")]
    #[non_exhaustive]
    BodyTooLarge {
        /// The URL of the request.
        url: String,
        /// The largest size allowed, in bytes.
        limit: usize,
    },
    /// The body is not valid JSON.
    #[error("invalid JSON from {url}")]
    #[non_exhaustive]
    InvalidJson {
        /// The URL of the request.
        url: String,
        /// The syntax error, with its line and column.
        source: serde_json::Error,
    },
    /// The JSON has no array of items at the [configured](super::Endpoint::items_at) pointer.
    #[error("expected an array at {pointer:?} in the response from {url}, found {found}")]
    #[non_exhaustive]
    ItemsNotArray {
        /// The URL of the request.
        url: String,
        /// The JSON pointer; empty for the whole body.
        pointer: String,
        /// The JSON type of the value at the pointer, or "nothing".
        found: &'static str,
    },
    /// An item cannot be deserialized.
    #[error("failed to deserialize item {index} from {url}")]
    #[non_exhaustive]
    InvalidItem {
        /// The URL of the request.
        url: String,
        /// The index of the item in its array, from 0.
        index: usize,
        /// The error that serde returned.
        source: serde_json::Error,
    },
    /// The cursor of the next page is neither a string nor a number.
    #[error("expected a cursor at {location:?} in the response from {url}, found {found}")]
    #[non_exhaustive]
    InvalidCursor {
        /// The URL of the request.
        url: String,
        /// The JSON pointer, or the name of the header.
        location: String,
        /// The JSON type of the value, "nothing", or "bytes" for a header that is not text.
        found: &'static str,
    },
    /// The flag for more pages is not a boolean. It is the value at [`has_more_at`](super::Endpoint::has_more_at), or
    /// Relay's `hasNextPage`.
    #[error("expected true or false at {pointer:?} in the response from {url}, found {found}")]
    #[non_exhaustive]
    InvalidHasMore {
        /// The URL of the request.
        url: String,
        /// The JSON pointer.
        pointer: String,
        /// The JSON type of the value, or "nothing".
        found: &'static str,
    },
    /// A `Link` header is malformed, and no other `Link` header contains a link to the next page.
    #[error("invalid Link header from {url}: {value}")]
    #[non_exhaustive]
    InvalidLink {
        /// The URL of the request.
        url: String,
        /// The beginning of the header: at most 200 characters.
        value: String,
    },
    /// The response to a GraphQL query contains errors.
    #[error("GraphQL query to {url} failed: {message}")]
    #[non_exhaustive]
    GraphQl {
        /// The URL of the request.
        url: String,
        /// The message of the first error.
        message: String,
    },
    /// A link, a redirect or a checkpoint points to another origin. Nothing was sent there.
    #[error("{from} points to another origin: {to} (use `allow_origin` to follow it)")]
    #[non_exhaustive]
    CrossOrigin {
        /// The URL that redirected, or else the URL of the endpoint.
        from: String,
        /// The URL on the other origin.
        to: String,
    },
    /// A link, a redirect or a checkpoint points from https to http. Nothing was sent there.
    #[error("{from} points from https to http: {to}")]
    #[non_exhaustive]
    HttpsDowngrade {
        /// The URL that redirected, or else the URL of the endpoint.
        from: String,
        /// The http URL.
        to: String,
    },
    /// The server sent more than ten redirects in a row.
    #[error("more than {limit} redirects in a row, the last one to {url}")]
    #[non_exhaustive]
    TooManyRedirects {
        /// The URL of the last redirect's target.
        url: String,
        /// The largest number of redirects allowed.
        limit: usize,
    },
    /// The text is not an absolute `http` or `https` URL.
    #[error("invalid URL {url:?}")]
    #[non_exhaustive]
    InvalidUrl {
        /// The text, without user name and password.
        url: String,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync + 'static>,
    },
    /// The name or the value of a header contains characters that HTTP does not allow.
    #[error("invalid header {name:?}")]
    #[non_exhaustive]
    InvalidHeader {
        /// The header's name.
        name: String,
        /// The reason; it does not contain the value.
        source: Box<dyn std::error::Error + Send + Sync + 'static>,
    },
    /// The client could not be built.
    #[error("failed to build the HTTP client")]
    #[non_exhaustive]
    Client {
        /// The error that reqwest returned.
        source: reqwest::Error,
    },
}

impl Error {
    /// Returns the status of the response, if this error is [`Status`](Self::Status).
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns `true` if the connection to the server could not be established.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Transport { source, .. } if source.is_connect())
    }

    /// Returns `true` if one of reqwest's timeouts elapsed, before the response or within its body.
    ///
    /// A status such as 504 is not a timeout: the server has responded.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Transport { source, .. } | Self::IncompleteBody { source, .. } => source.is_timeout(),
            _ => false,
        }
    }
}

fn after_colon(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}

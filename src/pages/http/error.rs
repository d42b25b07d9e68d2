use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::describe::{
    Status, after_colon, before_colon, hint, invalid_json, missing_items, past_the_end, redirect,
};
use super::response_info::{PastTheEnd, ResponseInfo};

/// Any error, as the source of an [`Error`].
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The error of a failed request; the `source` of [`ErrorKind::Fetch`](crate::pages::ErrorKind::Fetch).
///
/// [`classify`](super::classify) decides which errors are retried. An error about a response has its
/// [status](Self::status), [headers](Self::headers) and the [beginning of its body](Self::excerpt), so that a function of
/// your own can decide, too.
///
/// Neither `Display` nor `Debug` exceeds 2 KiB, apart from the `Debug` output of an error that a function of your own
/// has returned. Both contain the URL without user name and password, and with `***` instead of the values of query
/// parameters such as `access_token`; see [`secret_parameter`](super::Endpoint::secret_parameter).
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
///         error if error.excerpt().contains("dailyLimitExceeded") => "try again tomorrow",
///         http::Error::CrossOrigin { .. } => "check the link, then allow its origin",
///         _ => "report a bug",
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The response has a status other than 2xx.
    #[error(
        "{} returned {}{}{}{}", response.url(), Status(*status), redirect(response), past_the_end(response),
        after_colon(response.excerpt())
    )]
    #[non_exhaustive]
    Status {
        /// The status. It may be the status of a redirect that cannot be followed.
        status: StatusCode,
        /// The delay after which the server accepts requests again; see [`Error::retry_after`].
        retry_after: Option<Duration>,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// The server has accepted the request, but the page is not ready: status 202, 204 with `Retry-After`, or a body without
    /// items that [reports](super::Endpoint::error_at) a state such as `pending`.
    #[error(
        "the page at {} is not ready: {}{}{}", response.url(), Status(response.status()), hint(*setting),
        after_colon(response.excerpt())
    )]
    #[non_exhaustive]
    NotReady {
        /// The method of [`Endpoint`](super::Endpoint) that accepts such a response as an empty page, if there is one.
        setting: Option<&'static str>,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// The status is 2xx, but the response is not a page, for example because its body reports an error.
    #[error(
        "the response from {} is not a page: {message}{}{}", response.url(), hint(*setting),
        after_colon(response.excerpt())
    )]
    #[non_exhaustive]
    NotAPage {
        /// The method of [`Endpoint`](super::Endpoint) that accepts such a response as a page, if there is one.
        setting: Option<&'static str>,
        /// The reason: at most 240 bytes.
        message: String,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// A function of [`by_response`](super::Endpoint::by_response) failed to read the page.
    #[error("cannot read the page from {}", response.url())]
    #[non_exhaustive]
    Reader {
        /// The response.
        response: Box<ResponseInfo>,
        /// The error of the function.
        source: BoxError,
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
    #[error("incomplete response body from {}", response.url())]
    #[non_exhaustive]
    IncompleteBody {
        /// The response, with the part of the body that was received.
        response: Box<ResponseInfo>,
        /// The error that reqwest returned.
        source: reqwest::Error,
    },
    /// The body is larger than [`max_body`](super::Endpoint::max_body) allows.
    #[error("response body from {} exceeds {limit} bytes", response.url())]
    #[non_exhaustive]
    BodyTooLarge {
        /// The largest size allowed, in bytes.
        limit: usize,
        /// The response. Its body is empty if it was not read.
        response: Box<ResponseInfo>,
    },
    /// The body is not valid JSON.
    #[error("{}", invalid_json(response))]
    #[non_exhaustive]
    InvalidJson {
        /// The response.
        response: Box<ResponseInfo>,
        /// The syntax error, with its line and column.
        source: serde_json::Error,
    },
    /// The JSON has no array of items at the [configured](super::Endpoint::items_at) pointer.
    #[error(
        "expected an array at {pointer:?} in the response from {}, found {found}{}{}", response.url(),
        missing_items(found), after_colon(response.excerpt())
    )]
    #[non_exhaustive]
    ItemsNotArray {
        /// The JSON pointer; empty for the whole body.
        pointer: String,
        /// The JSON type of the value at the pointer, or "nothing".
        found: &'static str,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// An item cannot be deserialized.
    #[error("failed to deserialize item {index} from {}", response.url())]
    #[non_exhaustive]
    InvalidItem {
        /// The index of the item in its array, from 0.
        index: usize,
        /// The response.
        response: Box<ResponseInfo>,
        /// The error that serde returned. A message of more than 240 bytes is shortened.
        source: serde_json::Error,
    },
    /// The cursor of the next page is neither a string nor a number, or is longer than 64 KiB.
    #[error("expected a cursor at {location:?} in the response from {}, found {found}", response.url())]
    #[non_exhaustive]
    InvalidCursor {
        /// The JSON pointer, or the name of the header.
        location: String,
        /// The JSON type of the value, "nothing", "bytes" for a header that is not text, or "more than 64 KiB".
        found: &'static str,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// The flag for more pages is not a boolean. It is the value at [`has_more_at`](super::Endpoint::has_more_at), or
    /// Relay's `hasNextPage`.
    #[error("expected true or false at {pointer:?} in the response from {}, found {found}", response.url())]
    #[non_exhaustive]
    InvalidHasMore {
        /// The JSON pointer.
        pointer: String,
        /// The JSON type of the value, or "nothing".
        found: &'static str,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// A `Link` header is malformed, and no other `Link` header contains a link to the next page.
    #[error("invalid Link header from {}: {value}", response.url())]
    #[non_exhaustive]
    InvalidLink {
        /// The beginning of the header: at most 240 bytes.
        value: String,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// The response to a GraphQL query contains errors.
    #[error("GraphQL query to {} failed: {}{message}", response.url(), before_colon(code.as_deref()))]
    #[non_exhaustive]
    GraphQl {
        /// The message of the first error.
        message: String,
        /// The `type` or `extensions.code` of the first error, for example `RATE_LIMITED`.
        code: Option<String>,
        /// The response.
        response: Box<ResponseInfo>,
    },
    /// A link, a redirect or a checkpoint points to another origin. Nothing was sent there.
    #[error("{from} points to {to}, which is on another origin (use `allow_origin` to follow it)")]
    #[non_exhaustive]
    CrossOrigin {
        /// The URL that redirected, or else the URL of the endpoint.
        from: String,
        /// The URL on the other origin.
        to: String,
    },
    /// A link, a redirect or a checkpoint points from https to http. Nothing was sent there.
    #[error("{from} points from https to http: {to} (use `links_stay_home` if a proxy terminates TLS)")]
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
        /// The beginning of the text, without user name and password.
        url: String,
        /// The reason.
        source: BoxError,
    },
    /// The name or the value of a header contains characters that HTTP does not allow.
    #[error("invalid header {name:?}")]
    #[non_exhaustive]
    InvalidHeader {
        /// The header's name.
        name: String,
        /// The reason; it does not contain the value.
        source: BoxError,
    },
    /// The URL is https, but reqwest was built without a TLS backend.
    #[error(
        "cannot request {url}: reqwest has no TLS backend (enable its feature `rustls` or `native-tls` in Cargo.toml)"
    )]
    #[non_exhaustive]
    NoTls {
        /// The URL of the request.
        url: String,
    },
    /// The client could not be built.
    #[error("failed to build the HTTP client")]
    #[non_exhaustive]
    Client {
        /// The error that reqwest returned, or a message about the missing TLS backend.
        source: BoxError,
    },
    /// The [source of access tokens](super::TokenSource) failed.
    #[error("failed to obtain an access token")]
    #[non_exhaustive]
    Token {
        /// The error of the source. All requests that waited for the token share it.
        source: std::sync::Arc<dyn std::error::Error + Send + Sync + 'static>,
    },
    /// An error that was created by [`Error::new`].
    #[error(transparent)]
    Other(BoxError),
}

impl Error {
    /// Creates an error with a message or a source of your own, for a function that reads pages.
    ///
    /// Use [`Response::error`](super::Response::error) for an error about a response.
    /// [`classify`](super::classify) retries neither of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use withal::pages::http::Error;
    ///
    /// assert_eq!(Error::new("no such user").to_string(), "no such user");
    /// ```
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self::Other(source.into())
    }

    /// Returns the response that the error is about; `None` if there was none.
    #[must_use]
    pub fn response(&self) -> Option<&ResponseInfo> {
        match self {
            Self::Status { response, .. }
            | Self::NotReady { response, .. }
            | Self::NotAPage { response, .. }
            | Self::Reader { response, .. }
            | Self::IncompleteBody { response, .. }
            | Self::BodyTooLarge { response, .. }
            | Self::InvalidJson { response, .. }
            | Self::ItemsNotArray { response, .. }
            | Self::InvalidItem { response, .. }
            | Self::InvalidCursor { response, .. }
            | Self::InvalidHasMore { response, .. }
            | Self::InvalidLink { response, .. }
            | Self::GraphQl { response, .. } => Some(response),
            _ => None,
        }
    }

    /// Returns the URL that the error is about: at most 240 bytes, without user name and password, and with `***` instead
    /// of secrets.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Transport { url, .. }
            | Self::NoTls { url }
            | Self::TooManyRedirects { url, .. }
            | Self::InvalidUrl { url, .. } => Some(url),
            Self::CrossOrigin { to, .. } | Self::HttpsDowngrade { to, .. } => Some(to),
            _ => self.response().map(ResponseInfo::url),
        }
    }

    /// Returns the status of the response, if there was one. It is 2xx if the error is about the body or the headers.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(ResponseInfo::status)
    }

    /// Returns the headers of the response, if there was one.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.response().map(ResponseInfo::headers)
    }

    /// Returns the beginning of the response's body, at most 8 KiB, byte for byte. It may contain secrets.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.response().map_or(&[], ResponseInfo::body)
    }

    /// Returns the beginning of the response's body as one line: at most 500 bytes, without control and format
    /// characters, and with `***` instead of secrets.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        self.response().map_or("", ResponseInfo::excerpt)
    }

    /// Returns the delay after which the server accepts requests again, counted from the response; see
    /// [`ResponseInfo::retry_after`].
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.response().and_then(ResponseInfo::retry_after)
    }

    /// Returns `true` if the error marks the end of a stream of numbered pages: status 400, 404 or 416 for a page beyond
    /// the last. [`by_page_number`](super::Endpoint::by_page_number) documents the conditions.
    #[must_use]
    pub fn is_past_the_end(&self) -> bool {
        matches!(self, Self::Status { response, .. } if response.is_past_the_end())
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

    /// Marks the error as that of another page than the one that was requested.
    pub(super) fn after_redirect(mut self) -> Self {
        if let Self::Status { response, .. } = &mut self {
            response.mark_redirected();
        }
        self
    }

    pub(super) fn mark_past_the_end(&mut self, past_the_end: PastTheEnd) {
        if let Self::Status { response, .. } = self {
            response.mark_past_the_end(past_the_end);
        }
    }
}

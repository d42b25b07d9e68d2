use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, HeaderMap, LOCATION};
use reqwest::{StatusCode, Url};
use serde::de::Error as _;

use super::excerpt::{MAX_PART, excerpt, one_line};
use super::rate_limit::server_delay;
use super::secrets::Secrets;

/// The largest part of a body that an error keeps, in bytes.
pub(super) const MAX_KEPT_BODY: usize = 8 << 10;

/// Decides whether a page is beyond the last one. The pages before it may contradict that, and may arrive after it.
pub(super) type PastTheEnd = Arc<dyn Fn() -> bool + Send + Sync>;

/// The response that an [`Error`](super::Error) is about: its URL, status and headers, and the beginning of its body.
///
/// # Examples
///
/// Google reports its rate limit with status 403 and a reason in the body:
///
/// ```
/// # fn items(endpoint: withal::pages::http::Endpoint) {
/// use withal::pages::{OnError, http};
///
/// let items = endpoint.by_link::<String>().classify(|error| match error.response() {
///     Some(response) if response.excerpt().contains("dailyLimitExceeded") => OnError::Fatal,
///     _ => http::classify(error),
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct ResponseInfo {
    url: String,
    status: StatusCode,
    headers: HeaderMap,
    retry_after: Option<Duration>,
    body: Vec<u8>,
    excerpt: String,
    /// `true` if this is the response to a page beyond the last.
    past_the_end: Option<PastTheEnd>,
    /// `true` if a redirect led away from the page that was requested.
    is_redirected: bool,
    secrets: Arc<Secrets>,
}

impl ResponseInfo {
    /// Keeps what an error shows of a response. The body may be its beginning.
    #[cold]
    pub(super) fn new(
        url: &Url,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
        secrets: &Arc<Secrets>,
    ) -> Box<Self> {
        let body = &body[..body.len().min(MAX_KEPT_BODY)];
        Box::new(Self {
            url: secrets.url(url),
            status,
            retry_after: server_delay(status, &headers, body, SystemTime::now()),
            headers,
            excerpt: excerpt(&secrets.mask(&String::from_utf8_lossy(body))),
            body: body.to_vec(),
            past_the_end: None,
            is_redirected: false,
            secrets: Arc::clone(secrets),
        })
    }

    /// Returns the URL of the response, after redirects: at most 240 bytes, without user name and password, and with
    /// `***` instead of secrets.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the delay after which the server accepts requests again, counted from the response: its
    /// [`Retry-After`](super::retry_after), or else the reset time of its rate limit.
    ///
    /// The reset time counts if the status is 429, or if no requests remain. It is that of `RateLimit`, `RateLimit-Reset`
    /// (drafts of the IETF), `X-RateLimit-Reset`, `X-RateLimit-Reset-After`, `X-RateLimit-Reset-Requests` or
    /// `X-Rate-Limit-Reset`: a number of seconds, a Unix time in seconds or milliseconds, or a date.
    ///
    /// Without such a header, a member of the JSON body of a response with status 429 or 503 counts, for example
    /// `retry_after` or `retryDelay` in seconds, or `retry_after_ms`. It may be in an object at most four levels below
    /// the top.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the beginning of the body, at most 8 KiB, byte for byte. It may contain secrets.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the beginning of the body as one line: at most 500 bytes, without control and format characters, and with
    /// `***` instead of secrets.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    pub(super) fn is_redirected(&self) -> bool {
        self.is_redirected
    }

    pub(super) fn mark_redirected(&mut self) {
        self.is_redirected = true;
    }

    pub(super) fn is_past_the_end(&self) -> bool {
        self.past_the_end.as_ref().is_some_and(|is_past_the_end| is_past_the_end())
    }

    /// Returns `true` if this may be the response to a page beyond the last, but there is no evidence.
    pub(super) fn may_be_past_the_end(&self) -> bool {
        self.past_the_end.is_some() && !self.is_past_the_end()
    }

    pub(super) fn mark_past_the_end(&mut self, past_the_end: PastTheEnd) {
        self.past_the_end = Some(past_the_end);
    }

    /// Returns the beginning of another text of the response as errors show it.
    pub(super) fn show(&self, text: &str) -> String {
        one_line(&self.secrets.mask(text), MAX_PART)
    }

    /// Bounds the message of an error of serde, which may contain a whole string of the body.
    pub(super) fn show_json_error(&self, source: serde_json::Error) -> serde_json::Error {
        let text = source.to_string();
        let shown = self.show(&text);
        if shown == text {
            return source;
        }
        // serde finds the position at the end of the message again.
        let (line, column) = (source.line(), source.column());
        let is_cut = line > 0 && !shown.ends_with(&format!(" column {column}"));
        serde_json::Error::custom(if is_cut {
            format!("{shown} at line {line} column {column}")
        } else {
            shown
        })
    }

    /// Returns the target of a redirect, as errors show it.
    pub(super) fn redirect_target(&self) -> Option<String> {
        if !matches!(self.status.as_u16(), 301..=303 | 307 | 308) {
            return None;
        }
        let location = String::from_utf8_lossy(self.headers.get(LOCATION)?.as_bytes());
        let target = Url::parse(&self.url).ok().and_then(|url| url.join(&location).ok());
        Some(match target {
            Some(target) => self.secrets.url(&target),
            None => self.secrets.invalid_url(&location),
        })
    }

    /// Returns the encoding of a body that reqwest has not decoded, and reqwest's feature for it.
    ///
    /// reqwest removes the header of a body that it decodes.
    pub(super) fn encoding(&self) -> Option<(&'static str, &'static str)> {
        let value =
            self.headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let last = value.rsplit(',').next().unwrap_or_default().trim().to_ascii_lowercase();
        match last.as_str() {
            "gzip" | "x-gzip" => Some(("gzip", "gzip")),
            "br" => Some(("brotli", "brotli")),
            "zstd" => Some(("zstd", "zstd")),
            "deflate" => Some(("deflate", "deflate")),
            // Some servers forget the header.
            _ if self.body.starts_with(b"\x1F\x8B") => Some(("gzip", "gzip")),
            _ if self.body.starts_with(b"\x28\xB5\x2F\xFD") => Some(("zstd", "zstd")),
            _ => None,
        }
    }

    /// Names the format of a body that is not JSON.
    pub(super) fn format(&self) -> Option<&'static str> {
        let text = self.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.body).trim_ascii_start();
        let starts_with =
            |tag: &str| text.get(..tag.len()).is_some_and(|text| text.eq_ignore_ascii_case(tag.as_bytes()));
        match text.first() {
            None => Some("an empty body"),
            Some(b'<') if starts_with("<?xml") => Some("XML"),
            Some(b'<')
                if ["<!doctype html", "<html", "<head", "<body", "<!--"]
                    .iter()
                    .any(|tag| starts_with(tag)) =>
            {
                Some("HTML")
            }
            Some(b'<') => Some("XML or HTML"),
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => None,
            Some(_) if std::str::from_utf8(text).is_err() => Some("bytes that are not text"),
            Some(_) => Some("text"),
        }
    }
}

/// Without the body and the values of the headers, which may contain secrets.
impl fmt::Debug for ResponseInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseInfo")
            .field("url", &self.url)
            .field("status", &self.status.as_u16())
            .field("retry_after", &self.retry_after)
            .field("excerpt", &self.excerpt)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_serde_are_bounded_and_keep_their_position() {
        let url = "http://a".parse().unwrap();
        let response = ResponseInfo::new(&url, StatusCode::OK, HeaderMap::new(), b"", &Arc::default());
        for (string, column) in [("x\u{202e}".repeat(1000), 4002), ("/?token=SECRET".to_owned(), 16)] {
            let text = format!("[\n\"{string}\"]");
            let error = response.show_json_error(serde_json::from_str::<Vec<u8>>(&text).unwrap_err());
            assert!(error.to_string().len() < MAX_PART + 50, "{error}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
            assert!(error.is_data());
            assert_eq!((error.line(), error.column()), (2, column));
        }
    }
}

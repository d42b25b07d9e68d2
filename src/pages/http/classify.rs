use std::time::Duration;

use super::error::Error;
use crate::pages::policy::OnError;

/// The longest `Retry-After` after which a request is retried. For longer delays, the caller decides.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);
/// The delay that GitHub's documentation requires if a response for its secondary rate limit has no `Retry-After`.
const SECONDARY_LIMIT: Duration = Duration::from_secs(60);
/// The codes of rate limits and of servers that are busy, without punctuation. A limit per day is not among them.
const THROTTLE_CODES: &[&str] = &[
    // Google.
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    // AWS.
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    // GraphQL: GitHub, Shopify, and others. Slack.
    "RateLimit",
    "RateLimited",
    "RateLimitReached",
    "RateLimitedError",
    "Throttled",
    "TooManyRequests",
    "429",
    "503",
    "GatewayTimeout",
    "ServiceUnavailable",
    "Timeout",
];

/// Decides which errors can be retried. Every stream of this module uses this function by default.
///
/// | error | result |
/// |---|---|
/// | status 408, 420, 425, 429, 430, 500, 502, 503, 504, 509 | `Retry` |
/// | status 409, 413, 423, with `Retry-After` | `Retry` |
/// | status 520 to 530 (Cloudflare), 598, 599 (proxies) | `Retry` |
/// | status 403 with `Retry-After`, or with an exhausted rate limit (GitHub) | `Retry` |
/// | status 400 or 403 with a code of a rate limit in the body, such as `rateLimitExceeded` (Google), `ThrottlingException` (AWS) | `Retry` |
/// | status 403 for GitHub's secondary rate limit without `Retry-After` | `Retry` after a minute |
/// | status 202, 204 with `Retry-After`, or a state such as `pending` without items: the page is not ready | `Retry` |
/// | a status 2xx that is not a page, with `Retry-After` or a code such as `ratelimited` | `Retry` |
/// | a GraphQL error with a code such as `RATE_LIMITED` (GitHub) or `THROTTLED` (Shopify) | `Retry` |
/// | no connection, a timeout, an incomplete body | `Retry` |
/// | JSON that ends early, as a truncated body does | `Retry` |
/// | status 400, 404 or 416 with evidence that the page or offset is [beyond the last](Error::is_past_the_end) | `End` |
/// | [`Error::Token`], for a timeout or a failed connection of reqwest, or an [`Error`] of this table | `Retry` |
/// | anything else | `Fatal`, because another attempt would fail the same way |
///
/// `Retry` is after the delay that the server requests, [`Error::retry_after`], if there is one.
///
/// If this delay is 0 or in the past, the delay of the retry policy applies. If it is more than an hour, the error
/// is `Fatal`, and contains the delay. After that time, [`retry_failed`](crate::pages::AsyncGetDocs::retry_failed) or a
/// checkpoint resumes the stream.
///
/// # Examples
///
/// An API that returns status 410 (Gone) for an expired cursor:
///
/// ```
/// # fn items(endpoint: withal::pages::http::Endpoint) {
/// use withal::pages::{OnError, http};
///
/// let items = endpoint.by_cursor::<String>("/next", "cursor").classify(|error| match error {
///     http::Error::Status { status, .. } if status.as_u16() == 410 => OnError::Restart { cursor: None },
///     other => http::classify(other),
/// });
/// # }
/// ```
#[must_use]
pub fn classify<C>(error: &Error) -> OnError<C> {
    if error.is_past_the_end() {
        return OnError::End;
    }
    if let Error::Token { source } = error {
        return of_token_source(&**source);
    }
    let after = error.retry_after();
    let retry = match error {
        Error::Status { status, response, .. } => match status.as_u16() {
            408 | 420 | 425 | 429 | 430 | 500 | 502 | 503 | 504 | 509 | 520..=530 | 598 | 599 => true,
            // With a delay, these are temporary.
            409 | 413 | 423 if after.is_some() => true,
            403 if after.is_some() || is_throttled(response.body()) => true,
            403 if contains(response.body(), b"secondary rate limit") => {
                return retry_within_limit(Some(SECONDARY_LIMIT));
            }
            400 => is_throttled(response.body()),
            _ => false,
        },
        Error::NotReady { .. } | Error::IncompleteBody { .. } => true,
        Error::NotAPage { message, response, .. } => {
            after.is_some() || is_throttle_code(message) || is_throttled(response.body())
        }
        Error::GraphQl { code, .. } => code.as_deref().is_some_and(is_throttle_code),
        // An invalid request stays invalid.
        Error::Transport { source, .. } => !source.is_builder(),
        // Without a length, a body lasts until the connection is closed: only the JSON shows that it is incomplete.
        Error::InvalidJson { source, .. } => source.is_eof(),
        _ => false,
    };
    if retry { retry_within_limit(after) } else { OnError::Fatal }
}

/// The source of tokens may have used this module, or reqwest.
fn of_token_source<C>(source: &(dyn std::error::Error + 'static)) -> OnError<C> {
    if let Some(error) = source.downcast_ref::<Error>() {
        return classify(error);
    }
    let is_transient = |error: &reqwest::Error| {
        let status = error.status().map(|status| status.as_u16());
        error.is_timeout() || error.is_connect() || matches!(status, Some(429 | 500 | 502..=504))
    };
    match source.downcast_ref() {
        Some(error) if is_transient(error) => retry_within_limit(None),
        _ => OnError::Fatal,
    }
}

/// Returns `true` if a code, or a message that consists of one, stands for a rate limit or a server that is busy.
pub(super) fn is_throttle_code(code: &str) -> bool {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    THROTTLE_CODES.iter().any(|known| known.eq_ignore_ascii_case(&plain))
}

/// Returns `true` if a string of the body is the code of a rate limit: `"ratelimited"`, `"aws.api#ThrottlingException"`.
pub(super) fn is_throttled(body: &[u8]) -> bool {
    let strings = body.split(|byte| *byte == b'"').skip(1);
    let codes =
        strings.filter_map(|string| std::str::from_utf8(string.rsplit(|byte| *byte == b'#').next()?).ok());
    codes.filter(|code| code.len() < 64).any(is_throttle_code)
}

fn contains(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window.eq_ignore_ascii_case(words))
}

fn retry_within_limit<C>(after: Option<Duration>) -> OnError<C> {
    if after.is_some_and(|after| after > MAX_RETRY_AFTER) {
        return OnError::Fatal;
    }
    // Zero would replace the delay of the retry policy, and the retry would follow at once.
    OnError::Retry { after: after.filter(|after| !after.is_zero()) }
}

#[cfg(test)]
mod tests {
    use super::super::response_info::ResponseInfo;
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::{HeaderName, HeaderValue};
    use std::sync::Arc;

    type Headers = &'static [(&'static str, &'static str)];

    fn response(status: u16, headers: Headers, body: &str) -> Box<ResponseInfo> {
        let status = StatusCode::from_u16(status).unwrap();
        let value = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let (url, headers) = ("http://a".parse().unwrap(), headers.iter().map(value).collect());
        ResponseInfo::new(&url, status, headers, body.as_bytes(), &Arc::default())
    }

    fn of_status(status: u16, headers: Headers, body: &str) -> OnError<()> {
        classify(&Error::status_error(response(status, headers, body)))
    }

    fn retry(after: impl Into<Option<u64>>) -> OnError<()> {
        OnError::Retry { after: after.into().map(Duration::from_secs) }
    }

    #[test]
    fn transient_statuses_are_retried() {
        for status in (520..=530).chain([408, 425, 429, 500, 502, 503, 504, 598, 599]) {
            assert_eq!(of_status(status, &[], ""), retry(None), "{status}");
        }
        for status in [301, 304, 400, 401, 403, 404, 409, 410, 422, 501, 505, 531] {
            assert_eq!(of_status(status, &[], ""), OnError::Fatal, "{status}");
        }
        assert_eq!(of_status(403, &[("retry-after", "7")], ""), retry(7));
        assert_eq!(of_status(401, &[("retry-after", "7")], ""), OnError::Fatal);
    }

    #[test]
    fn rate_limits_are_found_in_headers_and_bodies() {
        const EXHAUSTED: Headers = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7")];
        for (status, headers, body, want) in [
            (403, EXHAUSTED, "", retry(7)),
            (401, EXHAUSTED, "", OnError::Fatal),
            (403, &[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "7")], "", OnError::Fatal),
            (429, &[("retry-after", "3, 3")], "", retry(3)),
            (429, &[("x-ratelimit-reset", "7")], "", retry(7)),
            (403, &[], r#"{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}"#, retry(None)),
            (403, &[], r#"{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}"#, retry(None)),
            (403, &[], r#"{"error":{"errors":[{"reason": "quotaExceeded"}]}}"#, retry(None)),
            (403, &[], r#"{"error":{"details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}"#, retry(None)),
            (403, &[], r#"{"error":{"errors":[{"reason":"dailyLimitExceeded"}]}}"#, OnError::Fatal),
            (403, &[], r#"{"message":"see rateLimitExceeded"}"#, OnError::Fatal),
            (404, &[], r#"{"reason":"rateLimitExceeded"}"#, OnError::Fatal),
            (400, &[], r#"{"__type":"com.amazonaws#ProvisionedThroughputExceededException"}"#, retry(None)),
            (400, &[], r#"{"__type":"ThrottlingException"}"#, retry(None)),
            (400, &[], r#"{"__type":"ValidationException"}"#, OnError::Fatal),
            (403, &[], r#"{"message":"You have exceeded a secondary rate limit."}"#, retry(60)),
        ] {
            assert_eq!(of_status(status, headers, body), want, "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn responses_that_are_not_pages_are_retried_if_they_are_not_ready() {
        assert_eq!(
            classify(&Error::NotReady { setting: None, response: response(202, &[], "") }),
            retry(None)
        );
        assert_eq!(
            classify(&Error::NotReady {
                setting: None,
                response: response(204, &[("retry-after", "7")], "")
            }),
            retry(7)
        );
        for (message, headers, want) in [
            ("ratelimited", &[][..], retry(None)),
            ("Too Many Requests", &[], retry(None)),
            ("invalid_cursor", &[], OnError::Fatal),
            ("busy", &[("retry-after", "7")], retry(7)),
        ] {
            assert_eq!(classify(&Error::not_a_page(message, response(200, headers, ""))), want, "{message}");
        }
        for (code, want) in [
            (Some("RATE_LIMITED"), retry(7)),
            (Some("RATE_LIMIT"), retry(7)),
            (Some("THROTTLED"), retry(7)),
            (Some("TOO_MANY_REQUESTS"), retry(7)),
            (Some("429"), retry(7)),
            (Some("FORBIDDEN"), OnError::Fatal),
            (Some(""), OnError::Fatal),
            (None, OnError::Fatal),
        ] {
            let error = Error::graph_ql("", code, response(200, &[("retry-after", "7")], ""));
            assert_eq!(classify(&error), want, "{code:?}");
        }
        assert_eq!(classify::<()>(&Error::new("mine")), OnError::Fatal);
    }

    #[test]
    fn retry_after_is_neither_zero_nor_longer_than_an_hour() {
        for (after, want) in [
            ("0", retry(None)),
            ("0.5", OnError::Retry { after: Some(Duration::from_millis(500)) }),
            ("3600", retry(3600)),
            ("3601", OnError::Fatal),
            ("99999999999999999999999", OnError::Fatal),
        ] {
            let headers = Box::leak(Box::new([("retry-after", after)]));
            assert_eq!(of_status(503, headers, ""), want, "{after}");
        }
    }
}

use std::time::Duration;

use super::error::Error;
use crate::pages::policy::OnError;

/// The longest `Retry-After` after which a request is retried. For longer delays, the caller decides.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Decides which errors can be retried. Every stream of this module uses this function by default.
///
/// | error | result |
/// |---|---|
/// | status 408, 425, 429, 500, 502, 503, 504 | `Retry`, after its `Retry-After` if it has one |
/// | status 403 with `Retry-After` (GitHub's rate limit) | `Retry`, after its `Retry-After` |
/// | no connection, a timeout, an incomplete body | `Retry` |
/// | JSON that ends early, as a truncated body does | `Retry` |
/// | anything else | `Fatal`, because another attempt would fail the same way |
///
/// If `Retry-After` is 0 or in the past, the delay of the retry policy applies. If it is more than an hour, the error
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
    match error {
        Error::NotReady { response } => retry_within_limit(response.retry_after()),
        Error::Status { status, retry_after, .. } => match (status.as_u16(), *retry_after) {
            (408 | 425 | 429 | 500 | 502 | 503 | 504, after) | (403, after @ Some(_)) => {
                retry_within_limit(after)
            }
            _ => OnError::Fatal,
        },
        // An invalid request stays invalid.
        Error::Transport { source, .. } if source.is_builder() => OnError::Fatal,
        Error::Transport { .. } | Error::IncompleteBody { .. } => retry_within_limit(None),
        // Without a length, a body lasts until the connection is closed: only the JSON shows that it is incomplete.
        Error::InvalidJson { source, .. } if source.is_eof() => retry_within_limit(None),
        _ => OnError::Fatal,
    }
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
    use super::super::secrets::Secrets;
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::RETRY_AFTER;

    fn of_status(status: u16, retry_after: Option<u64>) -> OnError<()> {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = retry_after.map(|seconds| (RETRY_AFTER, seconds.into())).into_iter().collect();
        let url = "http://a".parse().unwrap();
        classify(&Error::status_error(ResponseInfo::new(&url, status, headers, b"", &Secrets::default())))
    }

    #[test]
    fn transient_statuses_are_retried() {
        let retry = OnError::Retry { after: None };
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(of_status(status, None), retry);
        }
        for status in [301, 304, 400, 401, 403, 404, 409, 410, 422, 501, 505] {
            assert_eq!(of_status(status, None), OnError::Fatal);
        }
        assert_eq!(of_status(403, Some(7)), OnError::Retry { after: Some(Duration::from_secs(7)) });
        assert_eq!(of_status(401, Some(7)), OnError::Fatal);
    }

    #[test]
    fn retry_after_is_neither_zero_nor_longer_than_an_hour() {
        assert_eq!(of_status(503, Some(0)), OnError::Retry { after: None });
        assert_eq!(of_status(503, Some(3600)), OnError::Retry { after: Some(Duration::from_secs(3600)) });
        assert_eq!(of_status(503, Some(3601)), OnError::Fatal);
        assert_eq!(of_status(429, Some(u64::MAX)), OnError::Fatal);
    }
}

use std::time::Duration;

use super::error::Error;
use crate::pages::policy::OnError;

/// A longer `Retry-After` is the caller's to decide about.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Which errors are worth another attempt; what every walk of this module is set up with.
///
/// | error | answer |
/// |---|---|
/// | status 408, 425, 429, 500, 502, 503, 504 | `Retry`, after its `Retry-After` if it has one |
/// | status 403 with `Retry-After`: GitHub's rate limit | likewise |
/// | no connection, a time-out, a body cut short | `Retry` |
/// | anything else | `Fatal`: it would be the same again |
///
/// A `Retry-After` of 0, or in the past, leaves the pause to the retry policy. One of more than an hour is `Fatal`: the
/// error has it, and [`retry_failed`](crate::pages::AsyncGetDocs::retry_failed) or a checkpoint goes on later.
///
/// # Examples
///
/// An API whose tokens expire, otherwise like any:
///
/// ```
/// # fn docs(endpoint: withal::pages::http::Endpoint) {
/// use withal::pages::{OnError, http};
///
/// let docs = endpoint.by_cursor::<String>("/next", "cursor").classify(|error| match error {
///     http::Error::Status { status, .. } if status.as_u16() == 410 => OnError::Restart { cursor: None },
///     other => http::classify(other),
/// });
/// # }
/// ```
#[must_use]
pub fn classify<C>(error: &Error) -> OnError<C> {
    match error {
        Error::Status { status, retry_after, .. } => match (status.as_u16(), *retry_after) {
            (408 | 425 | 429 | 500 | 502 | 503 | 504, after) | (403, after @ Some(_)) => retry(after),
            _ => OnError::Fatal,
        },
        Error::Transport { source, .. } if source.is_builder() => OnError::Fatal,
        Error::Transport { .. } | Error::IncompleteBody { .. } => retry(None),
        // A body that goes on until the connection is closed shows only here that it was cut short.
        Error::InvalidJson { source, .. } if source.is_eof() => retry(None),
        _ => OnError::Fatal,
    }
}

fn retry<C>(after: Option<Duration>) -> OnError<C> {
    if after.is_some_and(|after| after > LONGEST_PAUSE) {
        return OnError::Fatal;
    }
    OnError::Retry { after: after.filter(|after| !after.is_zero()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    fn of_status(status: u16, retry_after: Option<u64>) -> OnError<()> {
        let status = StatusCode::from_u16(status).unwrap();
        let retry_after = retry_after.map(Duration::from_secs);
        classify(&Error::Status { url: String::new(), status, retry_after, body: String::new() })
    }

    #[test]
    fn statuses_are_told_apart() {
        let now = OnError::Retry { after: None };
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(of_status(status, None), now);
        }
        for status in [301, 304, 400, 401, 403, 404, 409, 410, 422, 501, 505] {
            assert_eq!(of_status(status, None), OnError::Fatal);
        }
        assert_eq!(of_status(403, Some(7)), OnError::Retry { after: Some(Duration::from_secs(7)) });
        assert_eq!(of_status(401, Some(7)), OnError::Fatal);
    }

    #[test]
    fn a_pause_is_neither_nothing_nor_for_ever() {
        assert_eq!(of_status(503, Some(0)), OnError::Retry { after: None });
        assert_eq!(of_status(503, Some(3600)), OnError::Retry { after: Some(Duration::from_secs(3600)) });
        assert_eq!(of_status(503, Some(3601)), OnError::Fatal);
        assert_eq!(of_status(429, Some(u64::MAX)), OnError::Fatal);
    }
}

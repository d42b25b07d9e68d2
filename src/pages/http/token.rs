use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// An access token, as a [`TokenSource`](super::TokenSource) returns it. It is sent as `Authorization: Bearer ..`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use withal::pages::http::Token;
///
/// let token = Token::new("2YotnFZFEjr1zCsicMWpAA").expires_in(Duration::from_secs(3600));
/// assert!(!format!("{token:?}").contains("2Yot"));
/// ```
#[derive(Clone)]
pub struct Token {
    value: String,
    lifetime: Option<Duration>,
}

impl Token {
    /// Creates a token that does not expire.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), lifetime: None }
    }

    /// Sets the time from now after which the server rejects the token.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    pub(super) fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

impl From<String> for Token {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Token {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

/// Without the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// Returns `true` if a server has rejected the token itself, rather than what the token permits.
pub(super) fn is_rejected(status: StatusCode, headers: &HeaderMap) -> bool {
    if !status.is_client_error() {
        return false;
    }
    // RFC 6750, section 3.1, requires status 401 with `error="invalid_token"`, but some servers respond with another.
    let is_invalid_token = |value: &str| {
        let plain: String = value.chars().filter(|char| !matches!(char, ' ' | '\t' | '"' | '\'')).collect();
        plain.to_ascii_lowercase().contains("error=invalid_token")
    };
    status == StatusCode::UNAUTHORIZED
        || headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .any(|value| is_invalid_token(&String::from_utf8_lossy(value.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_rejected_token_differs_from_a_lack_of_permission() {
        for (status, challenge, want) in [
            (401, "", true),
            (401, "Bearer error=\"insufficient_scope\"", true),
            (403, "Bearer realm=\"a, b\", error=\"invalid_token\"", true),
            (403, "bearer error = invalid_token", true),
            (403, "Basic realm=\"x\", DPoP error=\"invalid_token\", algs=\"ES256\"", true),
            (400, "Bearer error='INVALID_TOKEN'", true),
            (403, "Bearer error=\"insufficient_scope\", error_description=\"an invalid_token\"", false),
            (403, "Bearer", false),
            (403, "", false),
            (500, "Bearer error=\"invalid_token\"", false),
        ] {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))]);
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_rejected(status, &headers), want, "{status} {challenge}");
        }
    }
}

use std::fmt;
use std::time::Duration;

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

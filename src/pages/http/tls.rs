//! Messages about TLS, which the application configures on its own dependency on reqwest.

use std::error::Error as StdError;

use reqwest::{ClientBuilder, Url};

use super::error::Error;
use crate::panic::{Payload, catch_panic};

/// Builds a client. Without a crypto provider for rustls, reqwest panics.
pub(super) fn build(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    match catch_panic(|| builder.build()) {
        Ok(built) => built.map_err(|source| Error::Client { source: source.into() }),
        Err(payload) if is_about_provider(&payload) => Err(Error::Client {
            source: "rustls has no crypto provider: call `rustls::crypto::ring::default_provider().install_default()` \
                     first, or enable the feature `rustls` of `reqwest` instead of `rustls-no-provider`"
                .into(),
        }),
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

fn is_about_provider(payload: &Payload) -> bool {
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    message.is_some_and(|message| message.contains("crypto provider"))
}

/// Returns `true` if a request failed because reqwest has no TLS backend: its connector then accepts `http` only.
pub(super) fn is_missing(url: &Url, error: &(dyn StdError + 'static)) -> bool {
    let mut error = Some(error).filter(|_| url.scheme() == "https");
    while let Some(cause) = error {
        if cause.to_string().contains("scheme is not http") {
            return true;
        }
        error = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_panic_about_the_provider_is_an_error() {
        let payload = |text: &str| -> Payload { Box::new(text.to_owned()) };
        assert!(is_about_provider(&payload("No rustls crypto provider is configured. When using ..")));
        assert!(!is_about_provider(&payload("index out of bounds")));
        let payload: Payload = Box::new("No rustls crypto provider is configured");
        assert!(is_about_provider(&payload));
    }

    #[test]
    fn a_missing_backend_is_recognized_for_https_only() {
        let error = std::io::Error::other("invalid URL, scheme is not http");
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(is_missing(&url("https://a/"), &error));
        assert!(!is_missing(&url("http://a/"), &error));
        assert!(!is_missing(&url("https://a/"), &std::io::Error::other("refused")));
    }
}

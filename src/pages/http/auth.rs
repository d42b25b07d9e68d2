use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Url};

use super::error::Error;
use super::token_source::{Current, TokenSource};
use super::url::with_parameter;

/// The credentials of an endpoint, other than its headers.
#[derive(Clone, Default)]
pub(super) struct Auth {
    pub(super) basic: Option<(String, String)>,
    /// Query parameters and their values.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) tokens: Option<TokenSource>,
}

impl Auth {
    /// Adds the parameters to the URL of a request.
    pub(super) fn url(&self, url: Url) -> Url {
        self.parameters.iter().fold(url, |url, (name, value)| with_parameter(&url, name, value))
    }

    /// Adds the headers to a request.
    pub(super) fn authorize(
        &self,
        mut request: RequestBuilder,
        token: Option<&Current>,
    ) -> Result<RequestBuilder, Error> {
        if let Some((user, password)) = &self.basic {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(current) = token {
            request = request.header(AUTHORIZATION, bearer(current.token.value())?);
        }
        Ok(request)
    }

    /// Returns `true` if each request has its own value of this query parameter.
    pub(super) fn has_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|(own, _)| own == name)
    }
}

/// Parses a header whose value may be a credential.
pub(super) fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let invalid = |source| Error::InvalidHeader { name: name.to_owned(), source };
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|source| invalid(source.into()))?;
    let mut value = HeaderValue::from_str(value).map_err(|source| invalid(source.into()))?;
    // Keeps the value out of `Debug` output.
    value.set_sensitive(true);
    Ok((key, value))
}

/// The value of an `Authorization` header.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    Ok(parse_header("authorization", &format!("Bearer {token}"))?.1)
}

//! The methods of [`Endpoint`] that set its credentials.

use std::sync::Arc;

use reqwest::header::AUTHORIZATION;

use super::auth::{bearer, parse_header};
use super::endpoint::Endpoint;
use super::error::Error;
use super::token_source::TokenSource;

/// # Authentication
///
/// Credentials are sent to the endpoint's origin and to the origins that are [allowed by name](Self::allow_origin). No
/// text of an [`http::Error`](Error) and no `Debug` output contains them: if a response repeats a credential of at
/// least six bytes, the error has `***` in its place. If a server puts a credential into a cursor, the cursors in
/// errors and events contain it, unless it is the value of a [secret parameter](Self::secret_parameter). For all other
/// schemes, use [`header`](Self::header) or [`map_request`](Self::map_request).
impl Endpoint {
    /// Sends `Authorization: Bearer ..` (RFC 6750) with each request.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client, token: &str) -> Result<(), withal::pages::http::Error> {
    /// let items = client.endpoint("https://api.example/docs")?.bearer(token)?.by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHeader`] if the token contains characters that HTTP does not allow, such as a line break.
    #[doc(alias("bearer_auth", "authorization"))]
    pub fn bearer(mut self, token: &str) -> Result<Self, Error> {
        self.headers.insert(AUTHORIZATION, bearer(token)?);
        Arc::make_mut(&mut self.secrets).add_value(token);
        Ok(self)
    }

    /// Sends a user name and a password with each request (RFC 7617), like those in the URL of the endpoint, but also to
    /// origins that are allowed by name.
    #[doc(alias("basic_auth", "authorization"))]
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        let request = self.client.get(self.url.clone());
        Arc::make_mut(&mut self.secrets).add_basic(user, password, request);
        self.auth.basic = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Sends an API key in a header of each request, such as `X-Api-Key`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHeader`] if the name or the key contains characters that HTTP does not allow.
    pub fn api_key_header(mut self, name: &str, key: &str) -> Result<Self, Error> {
        let (name, value) = parse_header(name, key)?;
        self.headers.insert(name, value);
        Arc::make_mut(&mut self.secrets).add_header(key);
        Ok(self)
    }

    /// Sends an API key as a query parameter of each request, also of those whose link lacks it.
    ///
    /// Neither cursors nor checkpoints contain the parameter.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client, key: &str) -> Result<(), withal::pages::http::Error> {
    /// // GET https://api.example/docs?apiKey=..
    /// let items = client.endpoint("https://api.example/docs")?.api_key_query("apiKey", key).by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    pub fn api_key_query(mut self, name: &str, key: &str) -> Self {
        let secrets = Arc::make_mut(&mut self.secrets);
        secrets.add_name(name);
        secrets.add_value(key);
        self.auth.parameters.retain(|(other, _)| other != name);
        self.auth.parameters.push((name.to_owned(), key.to_owned()));
        self
    }

    /// Sends `Authorization: Bearer ..` with a token that expires, and replaces it if a response has status 401.
    ///
    /// See [`TokenSource`] for an example. Clones of the source, and of this endpoint, share the token.
    #[doc(alias("oauth", "refresh"))]
    pub fn token_source(mut self, source: TokenSource) -> Self {
        self.auth.tokens = Some(source);
        self
    }
}

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

use super::endpoint::Endpoint;
use super::error::Error;
use super::tls;

/// A factory of [`Endpoint`]s that share a [`reqwest::Client`] and its connection pool.
///
/// Clones are cheap, and share the client and its pool.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), withal::pages::http::Error> {
/// use std::time::Duration;
/// use withal::pages::http;
///
/// let builder = reqwest::Client::builder().user_agent("me/1.0").read_timeout(Duration::from_secs(30));
/// let client = http::Client::new(builder)?;
/// let users = client.endpoint("https://api.example/users")?.by_link::<String>();
/// let groups = client.endpoint("https://api.example/groups")?.by_link::<String>();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
}

impl Client {
    /// Builds a client. The redirect policy of the builder is replaced; all its other settings are kept.
    ///
    /// It takes a builder, because a finished `reqwest::Client` follows redirects, and sends headers such as
    /// `X-Api-Key` to their targets.
    ///
    /// # Errors
    ///
    /// [`Error::Client`] if reqwest cannot build the client, for example because of its TLS settings, or because its
    /// feature `rustls-no-provider` is enabled and no crypto provider is installed.
    pub fn new(builder: ClientBuilder) -> Result<Self, Error> {
        Ok(Self { inner: tls::build(builder.redirect(Policy::none()))? })
    }

    /// Creates an endpoint with this URL. Every request contains the query of this URL.
    ///
    /// A user name and a password in the URL are sent as basic authentication. Neither errors nor `Debug` output
    /// contain them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if the text is not an absolute `http` or `https` URL.
    pub fn endpoint(&self, url: &str) -> Result<Endpoint, Error> {
        Endpoint::new(self.inner.clone(), url)
    }
}

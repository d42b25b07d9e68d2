use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

use super::endpoint::Endpoint;
use super::error::Error;

/// A [`reqwest::Client`] that leaves redirects to this module; makes the [`Endpoint`]s.
///
/// Cheap to clone: the clones share their connections.
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
    /// A client with the builder's settings, but for its redirect policy.
    ///
    /// A finished `reqwest::Client` would follow redirects by itself, and carry every header but `Authorization` and
    /// `Cookie` to wherever they lead.
    ///
    /// # Errors
    ///
    /// [`Error::Client`] if reqwest cannot build it: its TLS, mostly.
    pub fn new(builder: ClientBuilder) -> Result<Self, Error> {
        let inner = builder.redirect(Policy::none()).build().map_err(|source| Error::Client { source })?;
        Ok(Self { inner })
    }

    /// The API at a URL; its query goes with every request.
    ///
    /// A user name and a password in the URL are sent as basic authentication, and shown nowhere.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if it is no absolute `http` or `https` URL.
    pub fn endpoint(&self, url: &str) -> Result<Endpoint, Error> {
        Endpoint::new(self.inner.clone(), url)
    }
}

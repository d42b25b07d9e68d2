//! The methods of [`Endpoint`] that allow links to other origins.

use reqwest::Url;

use super::endpoint::Endpoint;
use super::error::Error;
use super::url::parse;

/// # Links to other origins
impl Endpoint {
    /// Allows links and redirects to another origin, and sends the endpoint's headers there, too.
    ///
    /// The user name and the password of the endpoint's URL are not sent there.
    ///
    /// **Warning:** if the endpoint's URL is https and the origin is http, the headers, which may contain credentials, are
    /// sent without encryption, and anyone on the network can read them and change the pages. If the links are http only
    /// because a proxy terminates TLS, use [`links_stay_home`](Self::links_stay_home) instead.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// let items = client
    ///     .endpoint("https://api.example/docs")?
    ///     .allow_origin("https://mirror.example")?
    ///     .by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if the text is not an absolute `http` or `https` URL.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, Error> {
        self.origins.allow(parse(origin)?);
        Ok(self)
    }

    /// Allows links and redirects to every origin, but not from https to http.
    ///
    /// Requests to other origins contain nothing from [`header`](Self::header) and [`map_request`](Self::map_request),
    /// unless the origin is [allowed by name](Self::allow_origin), too. A request with a body is sent only to the
    /// endpoint's origin and to those allowed by name: a redirect elsewhere, with status 307 or 308, is an error.
    pub fn allow_any_origin(mut self) -> Self {
        self.origins.allow_any();
        self
    }

    /// Requests the path and the query of each link on the endpoint's own origin, whatever host the link names.
    ///
    /// Use it for a server that is not aware of the proxy in front of it: its links name an internal host, or `http`
    /// although the proxy terminates TLS. Redirects are treated like links. Links to an origin that is [allowed by
    /// name](Self::allow_origin) are followed there. If the proxy changes the path, too, the server has to be
    /// configured.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// // link: <http://10.0.0.7:8080/docs?page=2>; rel="next"
    /// //
    /// // The next request is GET https://api.example/docs?page=2.
    /// let items = client.endpoint("https://api.example/docs")?.links_stay_home().by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("proxy", "rewrite", "x_forwarded_proto"))]
    pub fn links_stay_home(mut self) -> Self {
        self.origins.stay_home();
        self
    }

    /// Checks that a request may be sent to a URL, as for each link and redirect.
    ///
    /// # Errors
    ///
    /// [`Error::CrossOrigin`] or [`Error::HttpsDowngrade`] if it may not.
    pub fn check_origin(&self, url: &Url) -> Result<(), Error> {
        self.origins.check(&self.url, url, false, &self.secrets).map(drop)
    }
}

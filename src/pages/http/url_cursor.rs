//! Cursors that are URLs.

use reqwest::Url;

use super::endpoint::Endpoint;
use super::error::Error;
use super::reference::resolve;
use super::url::{strip_userinfo_and_fragment, with_missing_parameters};

impl Endpoint {
    /// Converts a URL into a cursor. On the endpoint's own origin, the cursor is relative, so that the host may change
    /// between two runs.
    pub(super) fn cursor_of(&self, url: &Url) -> String {
        match (self.origins.is_same_origin(url), url.query()) {
            (true, Some(query)) => format!("{}?{query}", url.path()),
            (true, None) => url.path().to_owned(),
            (false, _) => url.as_str().to_owned(),
        }
    }

    /// Converts a cursor back into its URL.
    pub(super) fn url_of(&self, cursor: &str) -> Result<Url, Error> {
        // `Url::join` would take a path such as `//docs` for a host.
        let url = if cursor.starts_with("//") {
            let absolute = format!("{}{cursor}", self.url.origin().ascii_serialization());
            resolve(&self.url, &absolute)
        } else {
            resolve(&self.url, cursor)
        };
        url.map(strip_userinfo_and_fragment)
    }

    /// Adds the query parameters of the endpoint's URL that a link lacks.
    pub(super) fn with_own_query(&self, url: Url) -> Url {
        if self.links_as_sent || !self.origins.is_same_origin(&url) {
            return url;
        }
        let has_own_path = url.path() == self.url.path();
        with_missing_parameters(url, &self.url, |name| {
            // OData forbids additions to its links: section 11.2.6.7 of the protocol.
            !name.starts_with('$') && (has_own_path || self.secrets.is_secret(name))
        })
    }
}

//! URLs as cursors: relative on the endpoint's own origin, and without the secrets of its URL.

use reqwest::Url;

use super::endpoint::Endpoint;
use super::error::Error;
use super::reference::{Reference, resolve};
use super::url::{has_parameter, remove_parameters, strip_userinfo_and_fragment, with_missing_parameters};

/// Parameters of links whose servers reject any other parameter beside them: Shopify's `page_info`.
const LONELY_PARAMETERS: &[&str] = &["page_info"];

impl Endpoint {
    /// Converts a reference into a cursor. That of an invalid one is a text whose request fails.
    ///
    /// An invalid link is not an error of its page, whose items are valid: the error is reported when it is requested.
    pub(super) fn cursor_of_reference(&self, reference: Reference) -> String {
        match reference {
            Reference::Url(url) => self.cursor_of(&strip_userinfo_and_fragment(url)),
            Reference::Invalid(text) => {
                let shown = self.secrets.invalid_url(&text);
                // What remains without a password must not become valid by that.
                if resolve(&self.url, &shown).is_ok() { format!("invalid URL: {shown}") } else { shown }
            }
        }
    }

    /// Converts a URL into a cursor. On the endpoint's own origin, the cursor is relative, so that the host may change
    /// between two runs, and it lacks the secrets in the endpoint's URL, which [`fetch`](Self::fetch) adds again.
    pub(super) fn cursor_of(&self, url: &Url) -> String {
        let url = self.origins.rehome(url.clone());
        if !self.origins.is_same_origin(&url) {
            return url.into();
        }
        let known =
            |pair: &str| self.url.query().is_some_and(|query| query.split('&').any(|own| own == pair));
        let is_removed = |name: &str, pair: &str| {
            let is_added_again = !self.links_as_sent && known(pair);
            self.auth.has_parameter(name)
                || self.secrets.is_secret(name) && (self.strip_secrets || is_added_again)
        };
        let url = remove_parameters(&url, is_removed);
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
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
        let is_open = url.path() == self.url.path() && !has_parameter(&url, LONELY_PARAMETERS);
        with_missing_parameters(url, &self.url, |name| {
            // OData forbids additions to its links: section 11.2.6.7 of the protocol.
            !name.starts_with('$') && (is_open || self.secrets.is_secret(name))
        })
    }

    /// Adds the secrets in the endpoint's URL to a URL on its origin that lacks them: [`cursor_of`](Self::cursor_of)
    /// removes them, and some links lack them.
    pub(super) fn with_own_secrets(&self, url: Url) -> Url {
        let url = self.origins.rehome(url);
        if self.links_as_sent && !self.strip_secrets || !self.origins.is_same_origin(&url) {
            return url;
        }
        with_missing_parameters(url, &self.url, |name| self.secrets.is_secret(name))
    }
}

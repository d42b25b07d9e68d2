use reqwest::Url;

use super::error::Error;
use super::url::is_http;

/// Where requests may go, and which of them may carry credentials.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    base: Url,
    allowed: Vec<Url>,
    any: bool,
}

/// What a request to a URL may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Everything: it is the endpoint's own origin.
    SameOrigin,
    /// The user's headers: the origin was allowed by name.
    Allowed,
    /// Nothing of the user's.
    Untrusted,
}

impl Origins {
    pub(super) fn new(base: Url) -> Self {
        Self { base, allowed: Vec::new(), any: false }
    }

    pub(super) fn allow(&mut self, origin: Url) {
        self.allowed.push(origin);
    }

    pub(super) fn allow_any(&mut self) {
        self.any = true;
    }

    pub(super) fn is_same_origin(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Whether a request may go to a URL that was found at another.
    pub(super) fn check(&self, from: &Url, to: &Url) -> Result<Trust, Error> {
        if self.is_same_origin(to) {
            return Ok(Trust::SameOrigin);
        }
        if self.allowed.iter().any(|allowed| allowed.origin() == to.origin()) {
            return Ok(Trust::Allowed);
        }
        let secure = from.scheme() == "https" || self.base.scheme() == "https";
        if secure && to.scheme() == "http" {
            return Err(Error::HttpsDowngrade { from: from.to_string(), to: to.to_string() });
        }
        if self.any && is_http(to) {
            return Ok(Trust::Untrusted);
        }
        Err(Error::CrossOrigin { from: from.to_string(), to: to.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: &str, allowed: &[&str], any: bool, to: &str) -> &'static str {
        let base = Url::parse(base).unwrap();
        let mut origins = Origins::new(base.clone());
        for allowed in allowed {
            origins.allow(Url::parse(allowed).unwrap());
        }
        if any {
            origins.allow_any();
        }
        match origins.check(&base, &Url::parse(to).unwrap()) {
            Ok(Trust::SameOrigin) => "base",
            Ok(Trust::Allowed) => "allowed",
            Ok(Trust::Untrusted) => "any",
            Err(Error::HttpsDowngrade { .. }) => "downgrade",
            Err(Error::CrossOrigin { .. }) => "foreign",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn scheme_host_and_port_are_the_origin() {
        let base = "https://api.example/docs";
        for (to, want) in [
            ("https://api.example/other", "base"),
            ("https://API.example:443/", "base"),
            ("https://api.example:8443/", "foreign"),
            ("https://example/", "foreign"),
            ("https://api.example.evil/", "foreign"),
            ("http://api.example/docs", "downgrade"),
            ("http://other.example/", "downgrade"),
            ("file:///etc/passwd", "foreign"),
            ("data:,x", "foreign"),
        ] {
            assert_eq!(check(base, &[], false, to), want, "{to}");
        }
    }

    #[test]
    fn what_is_allowed_by_name_is_trusted_and_any_origin_is_not() {
        let base = "https://api.example/";
        for (allowed, any, to, want) in [
            (&["https://cdn.example"][..], false, "https://cdn.example/page/2", "allowed"),
            (&["https://cdn.example"], false, "https://evil.example/", "foreign"),
            (&["https://cdn.example"], false, "http://cdn.example/", "downgrade"),
            (&["http://cdn.example"], false, "http://cdn.example/", "allowed"),
            (&["http://api.example"], false, "http://api.example/", "allowed"),
            (&[], true, "https://evil.example/", "any"),
            (&[], true, "http://api.example/", "downgrade"),
            (&[], true, "ftp://api.example/", "foreign"),
        ] {
            assert_eq!(check(base, allowed, any, to), want, "{allowed:?} {any} {to}");
        }
        assert_eq!(check("http://a/", &[], true, "http://b/"), "any");
        assert_eq!(check("http://a/", &[], false, "https://a/"), "foreign");
    }
}

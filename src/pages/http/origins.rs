use reqwest::Url;

use super::error::Error;
use super::secrets::Secrets;
use super::url::is_http;

/// The origins to which requests may be sent: that of the endpoint, those allowed by name, or any.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    base: Url,
    allowed: Vec<Url>,
    any: bool,
    /// Links to other origins mean the endpoint's own.
    stay_home: bool,
}

/// The data that a request to an origin may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Everything, including user name and password: this is the endpoint's own origin.
    SameOrigin,
    /// The endpoint's headers and `map_request`, because the origin was allowed by name.
    Allowed,
    /// Nothing that the user has configured on the endpoint.
    Untrusted,
}

impl Origins {
    pub(super) fn new(base: Url) -> Self {
        Self { base, allowed: Vec::new(), any: false, stay_home: false }
    }

    pub(super) fn allow(&mut self, origin: Url) {
        self.allowed.push(origin);
    }

    pub(super) fn allow_any(&mut self) {
        self.any = true;
    }

    pub(super) fn stay_home(&mut self) {
        self.stay_home = true;
    }

    /// Moves the URL of a link to the endpoint's own origin if that is [set](Self::stay_home), unless its origin is
    /// allowed by name.
    pub(super) fn rehome(&self, url: Url) -> Url {
        if !self.stay_home || !is_http(&url) || self.is_same_origin(&url) || self.is_allowed(&url) {
            return url;
        }
        let mut home = self.base.clone();
        home.set_path(url.path());
        home.set_query(url.query());
        home
    }

    fn is_allowed(&self, url: &Url) -> bool {
        self.allowed.iter().any(|allowed| allowed.origin() == url.origin())
    }

    pub(super) fn is_same_origin(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Decides what a request to the URL `to` may contain. `from` is the URL whose response points there.
    ///
    /// # Errors
    ///
    /// [`Error::HttpsDowngrade`] and [`Error::CrossOrigin`], if no request may be sent there. A body is sent only to
    /// origins that are allowed by name.
    pub(super) fn check(
        &self,
        from: &Url,
        to: &Url,
        has_body: bool,
        secrets: &Secrets,
    ) -> Result<Trust, Error> {
        if self.is_same_origin(to) {
            return Ok(Trust::SameOrigin);
        }
        if self.is_allowed(to) {
            return Ok(Trust::Allowed);
        }
        // If the endpoint is https, a redirect from an allowed http origin to another http origin is a downgrade, too.
        let secure = from.scheme() == "https" || self.base.scheme() == "https";
        if secure && to.scheme() == "http" {
            return Err(Error::HttpsDowngrade { from: secrets.url(from), to: secrets.url(to) });
        }
        if self.any && is_http(to) && !has_body {
            return Ok(Trust::Untrusted);
        }
        Err(Error::CrossOrigin { from: secrets.url(from), to: secrets.url(to) })
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
        match origins.check(&base, &Url::parse(to).unwrap(), false, &Secrets::default()) {
            Ok(Trust::SameOrigin) => "same origin",
            Ok(Trust::Allowed) => "allowed",
            Ok(Trust::Untrusted) => "untrusted",
            Err(Error::HttpsDowngrade { .. }) => "downgrade",
            Err(Error::CrossOrigin { .. }) => "cross origin",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn origin_is_scheme_host_and_port() {
        let base = "https://api.example/docs";
        for (to, want) in [
            ("https://api.example/other", "same origin"),
            ("https://API.example:443/", "same origin"),
            ("https://api.example:8443/", "cross origin"),
            ("https://example/", "cross origin"),
            ("https://api.example.evil/", "cross origin"),
            ("http://api.example/docs", "downgrade"),
            ("http://other.example/", "downgrade"),
            ("file:///etc/passwd", "cross origin"),
            ("data:,x", "cross origin"),
        ] {
            assert_eq!(check(base, &[], false, to), want, "{to}");
        }
    }

    #[test]
    fn origins_allowed_by_name_are_trusted() {
        let base = "https://api.example/";
        for (allowed, any, to, want) in [
            (&["https://cdn.example"][..], false, "https://cdn.example/page/2", "allowed"),
            (&["https://cdn.example"], false, "https://evil.example/", "cross origin"),
            (&["https://cdn.example"], false, "http://cdn.example/", "downgrade"),
            (&["http://cdn.example"], false, "http://cdn.example/", "allowed"),
            (&["http://api.example"], false, "http://api.example/", "allowed"),
            (&[], true, "https://evil.example/", "untrusted"),
            (&[], true, "http://api.example/", "downgrade"),
            (&[], true, "ftp://api.example/", "cross origin"),
        ] {
            assert_eq!(check(base, allowed, any, to), want, "{allowed:?} {any} {to}");
        }
        assert_eq!(check("http://a/", &[], true, "http://b/"), "untrusted");
        assert_eq!(check("http://a/", &[], false, "https://a/"), "cross origin");
    }

    #[test]
    fn links_stay_home_with_their_path_and_query() {
        let mut origins = Origins::new(Url::parse("https://api.example/v1/docs?key=1").unwrap());
        origins.stay_home();
        origins.allow(Url::parse("https://cdn.example").unwrap());
        for (link, want) in [
            ("http://internal:8080/docs?page=2", "https://api.example/docs?page=2"),
            ("http://api.example/docs?page=2", "https://api.example/docs?page=2"),
            ("https://10.0.0.7/", "https://api.example/"),
            ("http://me:pw@internal/docs", "https://api.example/docs"),
            ("http://internal//evil.example/x", "https://api.example//evil.example/x"),
            ("https://cdn.example/2", "https://cdn.example/2"),
            ("https://api.example/docs", "https://api.example/docs"),
            ("ftp://internal/docs", "ftp://internal/docs"),
        ] {
            assert_eq!(origins.rehome(Url::parse(link).unwrap()).as_str(), want);
        }
    }

    #[test]
    fn a_body_is_not_sent_to_an_untrusted_origin() {
        let (base, to) = (Url::parse("https://a/").unwrap(), Url::parse("https://b/").unwrap());
        let mut origins = Origins::new(base.clone());
        origins.allow_any();
        assert!(matches!(
            origins.check(&base, &to, true, &Secrets::default()),
            Err(Error::CrossOrigin { .. })
        ));
        assert!(origins.check(&base, &base, true, &Secrets::default()).is_ok());
        origins.allow(to.clone());
        assert!(origins.check(&base, &to, true, &Secrets::default()).is_ok());
    }
}

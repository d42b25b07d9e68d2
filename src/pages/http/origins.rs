use reqwest::Url;

use super::Error;
use super::url::is_http;

/// Where requests may go, and which of them may carry credentials.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    home: Url,
    named: Vec<Url>,
    any: bool,
}

/// What a request to a URL may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Everything: it is the endpoint's own origin.
    Home,
    /// The user's headers: the origin was allowed by name.
    Named,
    /// Nothing of the user's.
    Any,
}

impl Origins {
    pub(super) fn new(home: Url) -> Self {
        Self { home, named: Vec::new(), any: false }
    }

    pub(super) fn allow(&mut self, origin: Url) {
        self.named.push(origin);
    }

    pub(super) fn allow_any(&mut self) {
        self.any = true;
    }

    pub(super) fn is_home(&self, url: &Url) -> bool {
        url.origin() == self.home.origin()
    }

    /// Whether a request may go to a URL that was found at another.
    pub(super) fn check(&self, from: &Url, to: &Url) -> Result<Trust, Error> {
        if self.is_home(to) {
            return Ok(Trust::Home);
        }
        if self.named.iter().any(|named| named.origin() == to.origin()) {
            return Ok(Trust::Named);
        }
        let secure = from.scheme() == "https" || self.home.scheme() == "https";
        if secure && to.scheme() == "http" {
            return Err(Error::HttpsDowngrade { from: from.to_string(), to: to.to_string() });
        }
        if self.any && is_http(to) {
            return Ok(Trust::Any);
        }
        Err(Error::CrossOrigin { from: from.to_string(), to: to.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(home: &str, named: &[&str], any: bool, to: &str) -> &'static str {
        let home = Url::parse(home).unwrap();
        let mut origins = Origins::new(home.clone());
        for named in named {
            origins.allow(Url::parse(named).unwrap());
        }
        if any {
            origins.allow_any();
        }
        match origins.check(&home, &Url::parse(to).unwrap()) {
            Ok(Trust::Home) => "home",
            Ok(Trust::Named) => "named",
            Ok(Trust::Any) => "any",
            Err(Error::HttpsDowngrade { .. }) => "downgrade",
            Err(Error::CrossOrigin { .. }) => "foreign",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn scheme_host_and_port_are_the_origin() {
        let home = "https://api.example/docs";
        for (to, want) in [
            ("https://api.example/other", "home"),
            ("https://API.example:443/", "home"),
            ("https://api.example:8443/", "foreign"),
            ("https://example/", "foreign"),
            ("https://api.example.evil/", "foreign"),
            ("http://api.example/docs", "downgrade"),
            ("http://other.example/", "downgrade"),
            ("file:///etc/passwd", "foreign"),
            ("data:,x", "foreign"),
        ] {
            assert_eq!(check(home, &[], false, to), want, "{to}");
        }
    }

    #[test]
    fn what_is_allowed_by_name_is_trusted_and_any_origin_is_not() {
        let home = "https://api.example/";
        for (named, any, to, want) in [
            (&["https://cdn.example"][..], false, "https://cdn.example/page/2", "named"),
            (&["https://cdn.example"], false, "https://evil.example/", "foreign"),
            (&["https://cdn.example"], false, "http://cdn.example/", "downgrade"),
            (&["http://cdn.example"], false, "http://cdn.example/", "named"),
            (&["http://api.example"], false, "http://api.example/", "named"),
            (&[], true, "https://evil.example/", "any"),
            (&[], true, "http://api.example/", "downgrade"),
            (&[], true, "ftp://api.example/", "foreign"),
        ] {
            assert_eq!(check(home, named, any, to), want, "{named:?} {any} {to}");
        }
        assert_eq!(check("http://a/", &[], true, "http://b/"), "any");
        assert_eq!(check("http://a/", &[], false, "https://a/"), "foreign");
    }
}

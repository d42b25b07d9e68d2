//! References (RFC 3986, section 4) from one page to another: URLs, absolute or relative.

use reqwest::Url;

use super::error::Error;
use super::url::invalid_url;

/// A reference to the next page.
pub(super) enum Reference {
    Url(Url),
    /// It cannot be resolved. The items of its page are valid, so the error is returned when it is requested.
    Invalid(String),
}

impl Reference {
    pub(super) fn new(text: String, resolve: impl FnOnce(&str) -> Result<Url, Error>) -> Self {
        resolve(&text).map_or(Self::Invalid(text), Self::Url)
    }
}

/// Resolves a reference in the JSON of a response.
///
/// The grammar of a relative reference accepts almost any text, so that `true`, `null` or a bare cursor would be
/// requested as a path beside the current page. Therefore, a reference must be one of these:
///
/// - an absolute URL, with `://`; whether it may be requested is decided by [`Origins`](super::origins::Origins);
/// - a path or a query that begins with `/`, `./`, `../` or `?`;
/// - a relative path that contains `/` or `?`, such as `docs?page=2`, and that does not begin with a host name;
/// - the empty text, which refers to `base` itself.
pub(super) fn resolve(base: &Url, text: &str) -> Result<Url, Error> {
    resolve_if(base, text, |text| text.contains(['/', '?']))
}

/// Resolves the target of a `Link` header, whose brackets mark it as a reference. A name without a slash is a path,
/// but not if it is the name of a missing value.
pub(super) fn resolve_link(base: &Url, text: &str) -> Result<Url, Error> {
    resolve_if(base, text, |text| {
        let missing = ["false", "nan", "nil", "none", "null", "true", "undefined"];
        !text.starts_with('#') && !missing.contains(&text.to_ascii_lowercase().as_str())
    })
}

fn resolve_if(base: &Url, text: &str, is_path: fn(&str) -> bool) -> Result<Url, Error> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    match find_fault(base, text, is_path) {
        Some(reason) => Err(invalid_url(text, reason)),
        None => base.join(text).map_err(|source| invalid_url(text, source)),
    }
}

/// Returns the reason why a text is not a reference. `is_path` decides about one without a prefix.
fn find_fault(base: &Url, text: &str, is_path: fn(&str) -> bool) -> Option<&'static str> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    if has_scheme(path) {
        return (!path.contains("://")).then_some("expected `://` after the scheme");
    }
    if path.contains(['{', '}']) {
        return Some("a URI template must be expanded before it is requested");
    }
    if path.contains(['<', '>', '"', ' ', '\t', '\r', '\n']) {
        return Some("a path contains neither spaces, quotes nor angle brackets");
    }
    if text.starts_with(['/', '?', '\\']) || path.starts_with("./") || path.starts_with("../") {
        return None;
    }
    if !is_path(text) || path.eq_ignore_ascii_case("n/a") {
        return Some("expected an absolute URL, a path or a query; write `./` before a name without a slash");
    }
    begins_with_host(base, path)
        .then_some("a URL that begins with a host name needs a scheme; write `./` before a path")
}

/// Returns `true` for `name:`, the beginning of an absolute URL, and of `localhost:8080`.
fn has_scheme(path: &str) -> bool {
    let is_scheme = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    path.split('/').next().and_then(|first| first.split_once(':')).is_some_and(|(name, _)| is_scheme(name))
}

/// Returns `true` if the first segment of a relative path is the host of `base`, or has the form of a host name:
/// labels, the last of which consists of letters. The names of scripts, such as `index.php`, have that form, too.
fn begins_with_host(base: &Url, path: &str) -> bool {
    let (first, followed_by_path) = path.split_once('/').map_or((path, false), |(first, _)| (first, true));
    if base.host_str().is_some_and(|host| host.eq_ignore_ascii_case(first)) {
        return true;
    }
    let Some((name, last)) = first.rsplit_once('.') else { return false };
    let is_script =
        ["asp", "aspx", "cfm", "cgi", "dll", "do", "jsp", "php", "pl", "py", "svc"].contains(&last);
    let is_domain = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    name.starts_with("www.") || (followed_by_path && is_domain && !is_script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_resolved() {
        let base = Url::parse("https://api.example:8443/v1/docs?page=1").unwrap();
        for (text, want) in [
            ("https://other.example/d?page=2", "https://other.example/d?page=2"),
            ("HTTPS://api.example:8443/d", "https://api.example:8443/d"),
            ("/docs?page=2", "https://api.example:8443/docs?page=2"),
            ("/", "https://api.example:8443/"),
            ("?page=2", "https://api.example:8443/v1/docs?page=2"),
            (" ?page=2\n", "https://api.example:8443/v1/docs?page=2"),
            ("docs?page=2", "https://api.example:8443/v1/docs?page=2"),
            ("docs/2", "https://api.example:8443/v1/docs/2"),
            ("./2", "https://api.example:8443/v1/2"),
            ("../2", "https://api.example:8443/2"),
            ("//other.example/d", "https://other.example/d"),
            ("Orders(1)/Items?$skiptoken=a", "https://api.example:8443/v1/Orders(1)/Items?$skiptoken=a"),
            ("index.php/docs?page=2", "https://api.example:8443/v1/index.php/docs?page=2"),
            ("docs.json?page=2", "https://api.example:8443/v1/docs.json?page=2"),
            ("v1.0/users?page=2", "https://api.example:8443/v1/v1.0/users?page=2"),
            ("/docs?after=2024-01-01T00:00:00", "https://api.example:8443/docs?after=2024-01-01T00:00:00"),
            ("/docs?filter={\"a\": 1}", "https://api.example:8443/docs?filter={%22a%22:%201}"),
            ("docs?page[number]=2", "https://api.example:8443/v1/docs?page[number]=2"),
            ("", "https://api.example:8443/v1/docs?page=1"),
        ] {
            assert_eq!(resolve(&base, text).unwrap().as_str(), want, "{text:?}");
        }
    }

    #[test]
    fn text_that_is_not_a_url_is_an_error() {
        let base = Url::parse("https://api.example:8443/v1/docs?page=1").unwrap();
        for text in [
            "true",
            "false",
            "null",
            "None",
            "nil",
            "undefined",
            "NaN",
            "n/a",
            "N/A",
            "-",
            "#",
            "#next",
            "2",
            "-1",
            "eyJpZCI6MTB9",
            "dXNlcjpVMDYx==",
            "page=2",
            "[object Object]",
            "{\"page\": 2}",
            "/docs{?page}",
            "<a href=\"/docs?page=2\">next</a>",
            "no more / end",
            "api.example",
            "api.example/v1/docs?page=2",
            "API.example?page=2",
            "api.example:8443/v1/docs?page=2",
            "www.other.example?page=2",
            "other.example/docs?page=2",
            "localhost:8080/docs?page=2",
            "api.example:docs",
            "mailto:a@example.com",
            "javascript:void(0)",
            "https:/docs",
            "https:docs",
            "http://[/",
            "https://",
        ] {
            assert!(matches!(resolve(&base, text), Err(Error::InvalidUrl { .. })), "{text:?}");
        }
    }

    #[test]
    fn target_of_a_link_header_may_be_a_name() {
        let base = Url::parse("https://api.example/v1/docs?page=1").unwrap();
        for (text, want) in [
            ("more", Some("https://api.example/v1/more")),
            ("page=2", Some("https://api.example/v1/page=2")),
            ("", Some("https://api.example/v1/docs?page=1")),
            ("null", None),
            ("None", None),
            ("undefined", None),
            ("#", None),
            ("api.example", None),
            ("{next}", None),
            ("a b", None),
        ] {
            let url = resolve_link(&base, text).ok();
            assert_eq!(url.as_ref().map(Url::as_str), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(http|s|:|/|\?|#|\.|a|é| |\\|@|\[|\{|[ -~]){0,12}") {
            let base = Url::parse("https://api.example/v1/docs").unwrap();
            for text in [text.as_str(), &format!("https://{text}"), &format!("/{text}")] {
                drop(resolve(&base, text));
                drop(resolve_link(&base, text));
            }
        }
    }
}

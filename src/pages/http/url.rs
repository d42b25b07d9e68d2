//! URLs: validation, removal of credentials, query parameters.

use std::borrow::Cow;

use reqwest::Url;

use super::error::Error;
use super::secrets::Secrets;

/// Parses an absolute `http` or `https` URL.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    match Url::parse(text) {
        Ok(url) if is_http(&url) => Ok(url),
        Ok(_) => Err(invalid_url(text, "the scheme is neither http nor https")),
        Err(source) => Err(invalid_url(text, source)),
    }
}

pub(super) fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

pub(super) fn invalid_url(
    text: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> Error {
    Error::InvalidUrl { url: Secrets::default().invalid_url(text), source: source.into() }
}

/// Removes the user name, the password and the fragment, none of which identifies a page.
pub(super) fn strip_userinfo_and_fragment(mut url: Url) -> Url {
    // These calls fail only for a URL without a host, which has neither user name nor password.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

/// Removes the query parameters that `is_removed` selects by name and raw text, and keeps all others byte for byte.
pub(super) fn remove_parameters(url: &Url, is_removed: impl Fn(&str, &str) -> bool) -> Url {
    let kept: Vec<&str> =
        pairs(url).filter(|(name, raw)| !is_removed(name, raw)).map(|(_, raw)| raw).collect();
    let mut kept_url = url.clone();
    kept_url.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    kept_url
}

/// The decoded names of the query parameters, each with the raw text of its pair.
fn pairs(url: &Url) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    // `query_pairs` skips empty pairs, too, so both iterators yield the same pairs.
    let raw = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    url.query_pairs().map(|(name, _)| name).zip(raw)
}

/// Sets a query parameter, and keeps all others byte for byte.
pub(super) fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let mut encoded = url.clone();
    encoded.set_query(None);
    encoded.query_pairs_mut().append_pair(name, value);
    // Each server decodes `%20` as a space, but not each one decodes a plus sign.
    let pair = encoded.query().unwrap_or_default().replace('+', "%20");
    let mut url = without_parameter(url, name);
    let query =
        url.query().filter(|query| !query.is_empty()).map_or(pair.clone(), |query| format!("{query}&{pair}"));
    url.set_query(Some(&query));
    url
}

/// Removes a query parameter, and keeps all others byte for byte.
pub(super) fn without_parameter(url: &Url, name: &str) -> Url {
    remove_parameters(url, |other, _| other == name)
}

/// Adds the query parameters of another URL whose names are not in the query yet, byte for byte, if `keep` returns `true`.
pub(super) fn with_missing_parameters(mut url: Url, other: &Url, keep: impl Fn(&str) -> bool) -> Url {
    let is_missing =
        |name: &str| keep(name) && pairs(&url).all(|(own, _)| list_name(&own) != list_name(name));
    let missing: Vec<&str> = pairs(other).filter(|(name, _)| is_missing(name)).map(|(_, raw)| raw).collect();
    if !missing.is_empty() {
        let own = url.query().filter(|query| !query.is_empty());
        let query = own.into_iter().chain(missing).collect::<Vec<_>>().join("&");
        url.set_query(Some(&query));
    }
    url
}

/// Returns `true` if the query has a parameter with one of these names.
pub(super) fn has_parameter(url: &Url, names: &[&str]) -> bool {
    pairs(url).any(|(name, _)| names.contains(&name.as_ref()))
}

/// Returns the name of a list without its index: PHP writes the elements of `x[]` as `x[0]`, `x[1]` in links.
fn list_name(name: &str) -> &str {
    let Some((list, index)) = name.strip_suffix(']').and_then(|name| name.rsplit_once('[')) else {
        return name;
    };
    if index.bytes().all(|byte| byte.is_ascii_digit()) { list } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_no_part_of_the_name_of_a_list() {
        for (url, other, want) in [
            ("?x%5B0%5D=a", "?x[]=a&x[]=b&q=c", "x%5B0%5D=a&q=c"),
            ("?x[0]=a&x[1]=b", "?x%5B%5D=a", "x[0]=a&x[1]=b"),
            ("?x[]=a", "?x=a", "x[]=a"),
            ("?x=a", "?x[7]=a", "x=a"),
            ("?f[a]=1", "?f[b]=2", "f[a]=1&f[b]=2"),
            ("?f[a][]=1", "?f[a][0]=2", "f[a][]=1"),
            ("?f[a][]=1", "?f[b][]=2", "f[a][]=1&f[b][]=2"),
            ("?[]=1", "?[0]=1&]=2", "[]=1&]=2"),
        ] {
            let parse = |query: &str| Url::parse(&format!("http://a/{query}")).unwrap();
            let got = with_missing_parameters(parse(url), &parse(other), |_| true);
            assert_eq!(got.query(), Some(want), "{url} {other}");
        }
    }

    #[test]
    fn one_parameter_is_set_and_the_others_are_kept() {
        for (url, want) in [
            ("http://a/docs", "http://a/docs?page=2"),
            ("http://a/docs?", "http://a/docs?page=2"),
            ("http://a/docs?q=a%20b&page=1&x", "http://a/docs?q=a%20b&x&page=2"),
            ("http://a/docs?page=1&&page=9", "http://a/docs?page=2"),
            ("http://a/docs?p%61ge=1", "http://a/docs?page=2"),
        ] {
            assert_eq!(with_parameter(&Url::parse(url).unwrap(), "page", "2").as_str(), want);
        }
        let url = with_parameter(&Url::parse("http://a/").unwrap(), "after", "a&b=c d");
        assert_eq!(url.query(), Some("after=a%26b%3Dc%20d"));
    }
}

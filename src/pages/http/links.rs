//! A parser for the `Link` header (RFC 8288).
//!
//! ```text
//! links     = link *( "," link )
//! link      = "<" target ">" *( ";" parameter )
//! parameter = name [ "=" ( token / quoted-string ) ]
//! ```
//!
//! Spaces and tabs may surround each part, and a link or a parameter may be empty.

use reqwest::header::{HeaderMap, LINK};

use super::link::Link;

/// The links of all `Link` headers (RFC 8288) of a response.
///
/// # Examples
///
/// ```
/// use reqwest::header::{HeaderMap, LINK};
/// use withal::pages::http::Links;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(LINK, r#"</docs?page=2>; rel="next", </docs?page=9>; rel="last""#.parse()?);
/// let links = Links::parse(&headers);
/// assert_eq!(links.find("next")?.map(|link| link.target()), Some("/docs?page=2"));
/// assert_eq!(links.find("prev")?, None);
/// assert_eq!(links.iter().count(), 2);
///
/// // Single quotes do not quote: the relation type `'next'` does not exist. No link is found, and that is an error.
/// headers.insert(LINK, "</docs?page=2>; rel='next'".parse()?);
/// assert!(Links::parse(&headers).find("next").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    links: Vec<Link>,
    /// The first header value that cannot be understood.
    malformed: Option<String>,
}

/// A `Link` header that does not follow RFC 8288.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed Link header: {value:?}")]
#[non_exhaustive]
pub struct InvalidLinkHeader {
    /// The value of the header.
    pub value: String,
}

impl Links {
    /// Parses all `Link` headers. Of a malformed header, the links before the fault are kept.
    #[must_use]
    pub fn parse(headers: &HeaderMap) -> Self {
        let mut links = Self::default();
        for value in headers.get_all(LINK) {
            // A title may contain bytes outside of ASCII, a target may not.
            let text = String::from_utf8_lossy(value.as_bytes());
            if parse(&text, &mut links.links).is_err() && links.malformed.is_none() {
                links.malformed = Some(text.into_owned());
            }
        }
        links
    }

    /// Returns the links, in the order of the headers.
    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.links.iter()
    }

    /// Returns the first link with a relation type, such as `next`.
    ///
    /// Links with an `anchor` describe another resource (section 3.2), and are skipped.
    ///
    /// # Errors
    ///
    /// The header that does not follow the grammar, unless a link with the relation type was found. The missing link
    /// might be in the part that cannot be parsed, so `None` might end a stream early.
    pub fn find(&self, rel: &str) -> Result<Option<&Link>, InvalidLinkHeader> {
        let found = self.iter().find(|link| link.has_rel(rel) && link.parameter("anchor").is_none());
        match (found, &self.malformed) {
            (None, Some(value)) => Err(InvalidLinkHeader { value: value.clone() }),
            (found, _) => Ok(found),
        }
    }
}

/// The text does not follow the grammar.
#[derive(Debug, PartialEq)]
struct Malformed;

/// Appends the links of one header.
fn parse(text: &str, links: &mut Vec<Link>) -> Result<(), Malformed> {
    let mut result = Ok(());
    let mut rest = text;
    loop {
        // Skip the separator, and empty links.
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return result;
        }
        let (target, parameters) = rest.strip_prefix('<').and_then(|r| r.split_once('>')).ok_or(Malformed)?;
        // The bracket of an earlier target is missing.
        if target.contains('<') {
            return Err(Malformed);
        }
        let (parameters, after) = parse_parameters(parameters)?;
        let link = Link::new(target.trim_matches([' ', '\t']).to_owned(), parameters);
        // The other links can be parsed, even if the relation of this one is malformed.
        if !has_valid_relation(&link) {
            result = Err(Malformed);
        }
        links.push(link);
        rest = after;
    }
}

/// Names and values.
type Parameters = Vec<(String, String)>;

/// Parses the parameters of one link. Also returns the text after them.
fn parse_parameters(text: &str) -> Result<(Parameters, &str), Malformed> {
    let mut parameters = Vec::new();
    let mut rest = text;
    loop {
        rest = trim_start(rest);
        // The link ends at a comma.
        if rest.is_empty() || rest.starts_with(',') {
            return Ok((parameters, rest));
        }
        rest = trim_start(rest.strip_prefix(';').ok_or(Malformed)?);
        let end = rest.find(['=', ';', ',', ' ', '\t']).unwrap_or(rest.len());
        let name = &rest[..end];
        if !name.bytes().all(is_token) {
            return Err(Malformed);
        }
        rest = trim_start(&rest[end..]);
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = parse_value(trim_start(after))?;
        }
        if !name.is_empty() {
            parameters.push((name.to_ascii_lowercase(), value));
        }
    }
}

/// Parses a quoted or bare value. Returns the value without quotes and escapes, and the text after it.
fn parse_value(text: &str) -> Result<(String, &str), Malformed> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([';', ',', ' ', '\t']).unwrap_or(text.len()));
        return Ok((value.to_owned(), rest));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (index, char) in quoted.char_indices() {
        match char {
            _ if escaped => {
                value.push(char);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Ok((value, &quoted[index + 1..])),
            _ => value.push(char),
        }
    }
    Err(Malformed)
}

/// Returns `true` if the link has a relation: a list of registered names (section 3.3) or URIs.
///
/// `rev`, the deprecated inverse, counts as a relation, too, but `find` never returns a link by it.
fn has_valid_relation(link: &Link) -> bool {
    let mut rels = link.rels().peekable();
    match link.parameter("rel") {
        None => link.parameter("rev").is_some(),
        Some(_) => rels.peek().is_some() && rels.all(is_relation),
    }
}

/// The names consist of letters, digits, `.` and `-`; `_`, `+` and `/` are tolerated. Only URIs contain a colon.
fn is_relation(word: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+/".contains(&byte);
    let is_uri = |byte: u8| is_name(byte) || b":?#@!$&*=%~".contains(&byte);
    if word.contains(':') { word.bytes().all(is_uri) } else { word.bytes().all(is_name) }
}

/// The characters of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    /// The target of the first link with this relation; an error if the header is malformed.
    fn find(values: &[&'static str], rel: &str) -> Result<Option<String>, ()> {
        let headers =
            values.iter().map(|value| (LINK, HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect();
        let found = Links::parse(&headers).find(rel).map(|link| link.map(|link| link.target().to_owned()));
        found.map_err(drop)
    }

    #[test]
    fn links_are_found_by_relation() {
        for (header, want) in [
            // GitHub's form.
            (
                r#"<https://a/d?page=2>; rel="next", <https://a/d?page=9>; rel="last""#,
                Some("https://a/d?page=2"),
            ),
            (
                r#"<https://a/d?page=1>; rel="prev", <https://a/d?page=3>; rel="next""#,
                Some("https://a/d?page=3"),
            ),
            (r#"<https://a/d?page=1>; rel="first""#, None),
            // RFC 8288, section 3.5.
            (r#"<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter""#, None),
            (r#"</>; rel="http://example.net/foo""#, None),
            (r##"</terms>; rel="copyright"; anchor="#foo""##, None),
            (
                r#"</TheBook/chapter2>; rel="previous"; title*=UTF-8'de'letztes%20Kapitel, </TheBook/chapter4>; rel="next"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel"#,
                Some("/TheBook/chapter4"),
            ),
            (r#"<http://example.org/>; rel="start http://example.net/relation/other""#, None),
            (r#"<https://example.org/>; rel="start", <https://example.org/index>; rel="index""#, None),
            // Unquoted, with spaces, in lists, in upper case.
            ("<b>;rel=next", Some("b")),
            ("<b> ; ReL = \"NEXT\" ", Some("b")),
            ("<b>\t;\trel=\tnext", Some("b")),
            ("< b >; rel=next", Some("b")),
            (r#"<b>; rel="last next""#, Some("b")),
            (r#"<b>; rel="\next""#, Some("b")),
            ("<b>; rel=nextish", None),
            ("<b>; rel=http://a/rels?x=1", None),
            ("<b>; rel=next_page", None),
            ("<b>; rev=next", None),
            ("<>; rel=next", Some("")),
            // Commas, semicolons and quotes inside of targets and strings.
            (r#"<a,b;c="d">; rel=next"#, Some(r#"a,b;c="d""#)),
            (r#"<a>; title="x, <b>; rel=next"; rel=prev"#, None),
            (r#"<a>; title="say \"next\", <b>"; rel=next"#, Some("a")),
            (", ,<a>; rel=prev,, <b>; rel=next,", Some("b")),
            ("<a>; ; rel=next;", Some("a")),
            // Parameters without a value; several `rel`; an `anchor`.
            ("<a>; crossorigin; rel=next", Some("a")),
            ("<a>; rel=prev; rel=next", None),
            (r#"<a>; rel=next; anchor="/other", <b>; rel=next"#, Some("b")),
            // The fault is not in the way of the link.
            ("<a>; rel=next, nonsense", Some("a")),
            ("<a>; rel='prev', <b>; rel=next", Some("b")),
            ("<b>; title=x, <a>; rel=next", Some("a")),
            ("", None),
        ] {
            assert_eq!(find(&[header], "next"), Ok(want.map(str::to_owned)), "{header}");
        }
        assert_eq!(find(&["<a>; rel=next, <b>; rel=last"], "last"), Ok(Some("b".to_owned())));
    }

    #[test]
    fn malformed_header_is_an_error() {
        for header in [
            "b; rel=next",
            "<b; rel=next",
            "<b>; rel=\"next",
            "<b> rel=next",
            "<a>; rel=prev x, <b>; rel=next",
            "{}",
            r#"{"next": "/docs?page=2"}"#,
            "/docs?page=2",
            "null",
            // Characters that the grammar does not have there.
            "</2>; rel='next', </9>; rel='last'",
            "</2>; rel='next'",
            "</2>; rel=`next`",
            "</2>; rel=\u{201c}next\u{201d}",
            "</2>; rel=\\\"next\\\"",
            "</2>; rel=\"'next'\"",
            "</2>; rel=\"next,last\"",
            "</2>; rel=&quot;next&quot;",
            "&lt;/2&gt;; rel=\"next\"",
            "%3C/2%3E; rel=\"next\"",
            "[</2>; rel=\"next\"]",
            "\"</2>; rel=next\"",
            // Other separators.
            "</2>, rel=\"next\"",
            "</2>; rel: \"next\"",
            "</2>; rel:next",
            "</2>; \"next\"",
            "</1>; rel=\"prev\"; </2>; rel=\"next\"",
            "</1>; rel=\"prev\" </2>; rel=\"next\"",
            "</1; rel=\"prev\", </2>; rel=\"next\"",
            "</1>; rel=\"prev, </2>; rel=\"next\"",
            // Without a relation.
            "</2>",
            "</2>; rel",
            "</2>; rel=",
            "</2>; rel=\"\"",
            "</2>; rel; rel=next",
            "</2>; title=next",
        ] {
            assert_eq!(find(&[header], "next"), Err(()), "{header}");
        }
    }

    #[test]
    fn several_headers_form_one_list() {
        for (values, want) in [
            (&["<a>; rel=prev", "<b>; rel=next"][..], Some(Some("b"))),
            (&["nonsense", "<b>; rel=next"], Some(Some("b"))),
            (&["<b>; rel=next", "nonsense"], Some(Some("b"))),
            (&["nonsense", "<b>; rel=prev"], None),
            (&["<b>; rel=prev", "</2>; rel='next'"], None),
            (&["<b>; rel=prev", ""], Some(None)),
            (&[], Some(None)),
        ] {
            assert_eq!(
                find(values, "next"),
                want.map(|want| want.map(str::to_owned)).ok_or(()),
                "{values:?}"
            );
        }
    }

    #[test]
    fn parameters_are_kept() {
        let value = HeaderValue::from_bytes(b"<a>; Rel=\"next LAST\"; title=\"\xe9 \\\"x\\\"\"; b; rel=no");
        let links = Links::parse(&HeaderMap::from_iter([(LINK, value.unwrap())]));
        let link = links.find("last").unwrap().unwrap();
        assert_eq!(link.rels().collect::<Vec<_>>(), ["next", "LAST"]);
        assert_eq!(link.parameter("TITLE"), Some("\u{fffd} \"x\""));
        assert_eq!(link.parameter("b"), Some(""));
        assert_eq!(link.parameter("c"), None);
        assert_eq!(link.parameters().count(), 4);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"([<>;,="\\ \tab]|rel=|next|é)*"#) {
            let _ = parse(&text, &mut Vec::new());
        }

        #[test]
        fn any_target_is_found_beside_any_title(target in "[!-;=?-~]*", title in "[ -!#-\\[\\]-~]*") {
            let header = format!("</x>; rel=prev; title=\"{title}\", <{target}>; title=\"{title}\"; rel=\"next\"");
            let mut links = Vec::new();
            prop_assert_eq!(parse(&header, &mut links), Ok(()));
            prop_assert_eq!(links[1].target(), target.as_str());
            prop_assert_eq!(links[1].parameter("title"), Some(title.as_str()));
            prop_assert!(links[1].has_rel("next"));
        }
    }
}

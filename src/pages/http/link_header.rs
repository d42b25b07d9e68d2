//! A parser for the `Link` header (RFC 8288) that finds the next page.
//!
//! ```text
//! links     = link *( "," link )
//! link      = "<" target ">" *( ";" parameter )
//! parameter = name [ "=" ( token / quoted-string ) ]
//! ```
//!
//! Spaces and tabs may surround each part, and a link or a parameter may be empty.

use reqwest::header::{HeaderMap, LINK};

/// Returns the target of the first link with `rel="next"`. It may be relative.
///
/// Links with an `anchor` describe another resource, and are skipped.
///
/// # Errors
///
/// Returns the malformed header, unless another header contains a link to the next page. Ignoring it could end the
/// stream early.
pub(super) fn next(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut malformed = None;
    for value in headers.get_all(LINK) {
        // A title may contain bytes outside of ASCII, a target may not.
        let text = String::from_utf8_lossy(value.as_bytes());
        match find_next(&text) {
            Ok(Some(target)) => return Ok(Some(target.to_owned())),
            Ok(None) => {}
            // Another value may still have the link, so the error is returned only at the end.
            Err(Malformed) => malformed = Some(text.into_owned()),
        }
    }
    malformed.map_or(Ok(None), Err)
}

/// The text does not follow the grammar.
#[derive(Debug, PartialEq)]
struct Malformed;

/// Returns the target of the first link to the next page in one header.
fn find_next(text: &str) -> Result<Option<&str>, Malformed> {
    let mut rest = text;
    loop {
        // Skip the separator, and empty links.
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return Ok(None);
        }
        let (target, parameters) = rest.strip_prefix('<').and_then(|r| r.split_once('>')).ok_or(Malformed)?;
        let (is_next, after) = parse_parameters(parameters)?;
        if is_next {
            return Ok(Some(target.trim_matches([' ', '\t'])));
        }
        rest = after;
    }
}

/// Parses the parameters of one link. Returns `true` if they mark it as the link to the next page; also returns the
/// text after the parameters.
fn parse_parameters(text: &str) -> Result<(bool, &str), Malformed> {
    let (mut rel, mut anchored) = (None, false);
    let mut rest = text;
    loop {
        rest = trim_start(rest);
        // The link ends at a comma.
        if rest.is_empty() || rest.starts_with(',') {
            return Ok((rel.unwrap_or(false) && !anchored, rest));
        }
        rest = trim_start(rest.strip_prefix(';').ok_or(Malformed)?);
        let end = rest.find(['=', ';', ',', ' ', '\t']).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = trim_start(&rest[end..]);
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = parse_value(trim_start(after))?;
        }
        if name.eq_ignore_ascii_case("rel") {
            // Only the first `rel` counts (section 3.3).
            rel =
                rel.or_else(|| Some(value.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case("next"))));
        }
        // A link with an anchor has another context than this page (section 3.2).
        anchored |= name.eq_ignore_ascii_case("anchor");
    }
}

/// Parses a quoted or bare value. Returns the value and the text after it. Escapes are kept, because no relation type
/// contains one.
fn parse_value(text: &str) -> Result<(&str, &str), Malformed> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Ok(text.split_at(text.find([';', ',', ' ', '\t']).unwrap_or(text.len())));
    };
    let mut escaped = false;
    for (index, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok((&quoted[..index], &quoted[index + 1..])),
            _ => {}
        }
    }
    Err(Malformed)
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn next_link_is_found() {
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
            ("<b>; rel=nextish", None),
            ("<b>; rev=next", None),
            ("<b>; title=next", None),
            ("<>; rel=next", Some("")),
            // Commas, semicolons and quotes inside of targets and strings.
            (r#"<a,b;c="d">; rel=next"#, Some(r#"a,b;c="d""#)),
            (r#"<a>; title="x, <b>; rel=next"; rel=prev"#, None),
            (r#"<a>; title="say \"next\", <b>"; rel=next"#, Some("a")),
            (", ,<a>; rel=prev,, <b>; rel=next,", Some("b")),
            ("<a>; ; rel=next;", Some("a")),
            // Parameters without a value; several `rel`; an `anchor`.
            ("<a>; crossorigin; rel=next", Some("a")),
            ("<a>; rel; rel=next", None),
            ("<a>; rel=prev; rel=next", None),
            (r#"<a>; rel=next; anchor="/other", <b>; rel=next"#, Some("b")),
            ("", None),
        ] {
            assert_eq!(find_next(header), Ok(want), "{header}");
        }
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
        ] {
            assert_eq!(find_next(header), Err(Malformed), "{header}");
        }
        assert_eq!(find_next("<a>; rel=next, nonsense"), Ok(Some("a")));
    }

    #[test]
    fn several_headers_form_one_list() {
        let headers = |values: &[&'static str]| {
            values.iter().map(|value| (LINK, HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        assert_eq!(next(&headers(&["<a>; rel=prev", "<b>; rel=next"])), Ok(Some("b".to_owned())));
        assert_eq!(next(&headers(&["nonsense", "<b>; rel=next"])), Ok(Some("b".to_owned())));
        assert_eq!(next(&headers(&["nonsense", "<b>; rel=prev"])), Err("nonsense".to_owned()));
        assert_eq!(next(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn title_in_another_encoding_is_ignored() {
        let value = HeaderValue::from_bytes(b"<a>; title=\"\xe9\"; rel=next").unwrap();
        assert_eq!(next(&HeaderMap::from_iter([(LINK, value)])), Ok(Some("a".to_owned())));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"([<>;,="\\ \tab]|rel=|next|é)*"#) {
            let _ = find_next(&text);
        }

        #[test]
        fn any_target_is_found_beside_any_title(target in "[!-;=?-~]*", title in "[ -!#-\\[\\]-~]*") {
            let header = format!("</x>; rel=prev; title=\"{title}\", <{target}>; title=\"{title}\"; rel=\"next\"");
            prop_assert_eq!(find_next(&header), Ok(Some(target.as_str())));
        }
    }
}

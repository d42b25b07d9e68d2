//! The `Link` header (RFC 8288), as far as the next page is concerned.

use reqwest::header::{HeaderMap, LINK};

/// The target of the first link with `rel="next"`, as it stands there: relative, maybe.
///
/// Links with an `anchor` are about another resource, and passed over.
///
/// # Errors
///
/// A header that cannot be read, if no link to the next page was found: this may be it.
pub(super) fn next(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut unreadable = None;
    for value in headers.get_all(LINK) {
        // A title may have bytes beyond ASCII; a target has none.
        let text = String::from_utf8_lossy(value.as_bytes());
        match find_next(&text) {
            Ok(Some(target)) => return Ok(Some(target.to_owned())),
            Ok(None) => {}
            Err(Malformed) => unreadable = Some(text.into_owned()),
        }
    }
    unreadable.map_or(Ok(None), Err)
}

/// The text does not follow the grammar from some place on.
#[derive(Debug, PartialEq)]
struct Malformed;

fn find_next(text: &str) -> Result<Option<&str>, Malformed> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return Ok(None);
        }
        let (target, parameters) = rest.strip_prefix('<').and_then(|r| r.split_once('>')).ok_or(Malformed)?;
        let (is_next, after) = parameters_of(parameters)?;
        if is_next {
            return Ok(Some(target.trim_matches([' ', '\t'])));
        }
        rest = after;
    }
}

/// Reads the parameters of one link: whether they make it the link to the next page, and what follows them.
fn parameters_of(text: &str) -> Result<(bool, &str), Malformed> {
    let (mut rel, mut anchored) = (None, false);
    let mut rest = text;
    loop {
        rest = trim(rest);
        if rest.is_empty() || rest.starts_with(',') {
            return Ok((rel.unwrap_or(false) && !anchored, rest));
        }
        rest = trim(rest.strip_prefix(';').ok_or(Malformed)?);
        let end = rest.find(['=', ';', ',', ' ', '\t']).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = trim(&rest[end..]);
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = value_of(trim(after))?;
        }
        if name.eq_ignore_ascii_case("rel") {
            // Of several, the first counts (section 3.3).
            rel =
                rel.or_else(|| Some(value.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case("next"))));
        }
        anchored |= name.eq_ignore_ascii_case("anchor");
    }
}

/// A quoted or a bare value, and what follows it. Escapes stay as they are: no relation type has one.
fn value_of(text: &str) -> Result<(&str, &str), Malformed> {
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

fn trim(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn the_next_link_is_found() {
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
            // Bare, spaced, in lists, in another case.
            ("<b>;rel=next", Some("b")),
            ("<b> ; ReL = \"NEXT\" ", Some("b")),
            ("<b>\t;\trel=\tnext", Some("b")),
            ("< b >; rel=next", Some("b")),
            (r#"<b>; rel="last next""#, Some("b")),
            ("<b>; rel=nextish", None),
            ("<b>; rev=next", None),
            ("<b>; title=next", None),
            ("<>; rel=next", Some("")),
            // Commas, semicolons and quotes where they mean nothing.
            (r#"<a,b;c="d">; rel=next"#, Some(r#"a,b;c="d""#)),
            (r#"<a>; title="x, <b>; rel=next"; rel=prev"#, None),
            (r#"<a>; title="say \"next\", <b>"; rel=next"#, Some("a")),
            (", ,<a>; rel=prev,, <b>; rel=next,", Some("b")),
            ("<a>; ; rel=next;", Some("a")),
            // Parameters without a value; the first `rel` counts; an anchor is about something else.
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
    fn what_cannot_be_read_is_no_end() {
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
    fn several_headers_are_one_list() {
        let headers = |values: &[&'static str]| {
            values.iter().map(|value| (LINK, HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        assert_eq!(next(&headers(&["<a>; rel=prev", "<b>; rel=next"])), Ok(Some("b".to_owned())));
        assert_eq!(next(&headers(&["nonsense", "<b>; rel=next"])), Ok(Some("b".to_owned())));
        assert_eq!(next(&headers(&["nonsense", "<b>; rel=prev"])), Err("nonsense".to_owned()));
        assert_eq!(next(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn a_title_in_another_encoding_does_no_harm() {
        let value = HeaderValue::from_bytes(b"<a>; title=\"\xe9\"; rel=next").unwrap();
        assert_eq!(next(&HeaderMap::from_iter([(LINK, value)])), Ok(Some("a".to_owned())));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r#"([<>;,="\\ \tab]|rel=|next|é)*"#) {
            let _ = find_next(&text);
        }

        #[test]
        fn any_target_and_title_pass_through(target in "[!-;=?-~]*", title in "[ -!#-\\[\\]-~]*") {
            let header = format!("</x>; rel=prev; title=\"{title}\", <{target}>; title=\"{title}\"; rel=\"next\"");
            prop_assert_eq!(find_next(&header), Ok(Some(target.as_str())));
        }
    }
}

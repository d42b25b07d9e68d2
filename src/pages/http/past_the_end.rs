//! The evidence of an error response that its page is beyond the last one of the list.

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::de::IgnoredAny;

use super::classify::is_throttled;
use super::error::Error;
use super::response_info::ResponseInfo;
use super::words::words_of;

/// The extent to which an error response means that there is no such page. Anything else is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The response reports it: status 416, or a message about the page.
    Reported,
    /// Status 404 without a message, or with one that may concern the URL.
    NotFound,
    /// A message in JSON with another meaning, or none. It is the end if the pages before agree.
    Unclear { is_not_found: bool },
}

/// Parts of messages about a page beyond the last, as words.
const MESSAGES: &[&str] = &[
    "after the last page",
    "beyond the last",
    "invalid page number",
    "larger than the number of pages",
    "greater than the number of pages",
    "index out of bounds",
    "no more data",
    "no more entries",
    "no more items",
    "no more pages",
    "no more posts",
    "no more records",
    "no more results",
    "non existent page",
    "page contains no results",
    "page number out of range",
    "page out of range",
    "past the end",
    "past the last",
    "that page contains no results",
];
/// Messages with status 404 that may also concern the URL.
const GENERIC: &[&str] = &[
    "has no page",
    "no items found on page",
    "no results found on page",
    "no such page",
    "page does not exist",
    "page doesn t exist",
    "page is empty",
    "page not found",
    "there is no page",
];
/// Words of messages about a limit of the server, which is not the end of the list.
const LIMITS: &[&str] = &[
    "allow",
    "allowed",
    "allows",
    "at most",
    "between",
    "cannot",
    "cursor",
    "deep",
    "exceed",
    "exceeded",
    "exceeds",
    "first",
    "large",
    "less than",
    "limit",
    "limited",
    "limits",
    "max",
    "maximum",
    "narrow",
    "only",
    "quota",
    "scroll",
    "search after",
    "supported",
    "too big",
    "too high",
    "too many",
    "up to",
    "window",
    "max result window",
];
/// Parts of messages about credentials, and about the server.
const OTHERS: &[&str] = &[
    "access",
    "api key",
    "apikey",
    "auth",
    "backend",
    "credential",
    "denied",
    "expired",
    "forbidden",
    "key expired",
    "log in",
    "login",
    "oauth",
    "permission",
    "rate limit",
    "session",
    "sign in",
    "signature",
    "throttl",
    "token",
    "unavailable",
];
/// Reasons of `page ..` messages that concern another parameter.
const PARAMETERS: &[&str] = &["page size", "page token", "page limit", "pagesize", "pagetoken"];

/// Returns the evidence that the page of a response does not exist; `None` if the response means something else.
pub(super) fn evidence(error: &Error) -> Option<Evidence> {
    let Error::Status { status, response, .. } = error else { return None };
    if response.retry_after().is_some() || response.is_redirected() || is_throttled(response.body()) {
        return None;
    }
    match *status {
        StatusCode::RANGE_NOT_SATISFIABLE => Some(Evidence::Reported),
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => of_body(response),
        _ => None,
    }
}

fn of_body(response: &ResponseInfo) -> Option<Evidence> {
    let is_text =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/"));
    if is_text {
        return None;
    }
    let body = response.body().trim_ascii();
    let is_not_found = response.status() == StatusCode::NOT_FOUND;
    if matches!(body, b"" | b"{}" | b"[]" | b"null") {
        return Some(if is_not_found { Evidence::NotFound } else { Evidence::Unclear { is_not_found } });
    }
    // The page of a proxy or of a web server is neither JSON nor about this list.
    let body =
        std::str::from_utf8(body).ok().filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())?;
    let strings: Vec<_> = body.split('"').skip(1).map(|text| without_numbers(&words_of(text))).collect();
    let has_part = |parts: &[&str]| strings.iter().any(|text| parts.iter().any(|part| text.contains(part)));
    let has_word = |words: &[&str]| {
        strings.iter().any(|text| words.iter().any(|word| format!(" {text} ").contains(&format!(" {word} "))))
    };
    if has_word(LIMITS) || has_part(OTHERS) {
        return None;
    }
    let is_reported = |text: &String| {
        // "Invalid page.", the message of Django REST framework.
        let is_invalid = text == "invalid page" || text.ends_with(" invalid page");
        (is_invalid || MESSAGES.iter().any(|message| text.contains(message)))
            && !PARAMETERS.iter().any(|parameter| text.contains(parameter))
    };
    Some(if strings.iter().any(is_reported) {
        Evidence::Reported
    } else if !has_part(GENERIC) {
        Evidence::Unclear { is_not_found }
    } else if is_not_found {
        Evidence::NotFound
    } else {
        Evidence::Reported
    })
}

/// Removes the words that are numbers: "Page 3 does not exist".
fn without_numbers(words: &str) -> String {
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    words.split(' ').filter(|word| !is_number(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn of(status: u16, header: Option<(&'static str, &'static str)>, body: &str) -> Option<Evidence> {
        let headers =
            header.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let status = StatusCode::from_u16(status).unwrap();
        let (url, headers) = ("http://a".parse().unwrap(), HeaderMap::from_iter(headers));
        let response = ResponseInfo::new(&url, status, headers, body.as_bytes(), &Arc::default());
        evidence(&Error::status_error(response))
    }

    #[test]
    fn known_messages_are_about_the_page() {
        for (status, body) in [
            (404, r#"{"detail":"Invalid page."}"#),
            (404, r#"{"detail":"Invalid page (3): That page contains no results"}"#),
            (
                400,
                r#"{"code":"rest_post_invalid_page_number","message":"The page number requested is larger than the number of pages available.","data":{"status":400}}"#,
            ),
            (
                400,
                r#"{"error":"page_out_of_range","reason":"Page out of range, page: 9 page size: 100, len: 3"}"#,
            ),
            (400, r#"{"code":"PAGE_NOT_FOUND"}"#),
            (400, r#"{"error":{"code":"PageNotFound"}}"#),
            (400, r#"{"message":"No more results"}"#),
            (400, r#""Page does not exist""#),
            (416, "<html>"),
        ] {
            assert_eq!(of(status, None, body), Some(Evidence::Reported), "{body}");
        }
        for body in [
            r#"{"code":"PAGE_NOT_FOUND"}"#,
            r#"{"error":{"code":"PageNotFound"}}"#,
            r#""Page does not exist""#,
        ] {
            assert_eq!(of(404, None, body), Some(Evidence::NotFound), "{body}");
        }
        for body in ["", " ", "{}", "[]", "null"] {
            assert_eq!(of(404, None, body), Some(Evidence::NotFound), "{body}");
            assert_eq!(of(400, None, body), Some(Evidence::Unclear { is_not_found: false }), "{body}");
        }
        for body in [
            r#"{"message":"Not Found"}"#,
            r#"{"error":"There is nothing here"}"#,
            r#"{"detail":"Invalid page size"}"#,
        ] {
            assert_eq!(of(404, None, body), Some(Evidence::Unclear { is_not_found: true }), "{body}");
        }
    }

    #[test]
    fn limits_credentials_and_other_servers_are_not_the_end() {
        for body in [
            r#"{"error":{"code":"VALIDATION_ERROR","description":"Too many results requested, limit+offset must be <= 1000."}}"#,
            r#"{"status_message":"Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."}"#,
            r#"{"errors":[{"errorId":12006,"message":"The offset value should be between 0 and 9999"}]}"#,
            r#"{"message":"Cannot page past the first 5000 results, use a cursor"}"#,
            r#"{"error":"API key expired"}"#,
            r#"{"error":{"message":"Error validating access token","type":"OAuthException","code":190}}"#,
            r#"{"error":"search_phase_execution_exception","reason":"Result window is too large"}"#,
            r#"{"error":"offset exceeds the maximum"}"#,
            r#"{"__type":"com.amazonaws#ThrottlingException"}"#,
            r#"{"detail":"Page 11 not allowed: only the first 10 pages"}"#,
            "404 page not found\n",
            "default backend - 404",
            "Not Found",
            "<html>nginx</html>",
            "{\"detail\":\"Invalid page.\"",
        ] {
            for status in [400, 404] {
                assert_eq!(of(status, None, body), None, "{status} {body}");
            }
        }
        let page = r#"{"detail":"Invalid page."}"#;
        for header in [
            ("retry-after", "1"),
            ("content-type", "text/plain"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(of(404, Some(header), page), None, "{header:?}");
        }
        assert_eq!(of(403, None, page), None);
        assert_eq!(of(416, Some(("retry-after", "1")), ""), None);
    }
}

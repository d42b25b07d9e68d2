//! Errors in the body of a response whose status reports success.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json_array;
use super::json_slices::{find, find_all};
use super::missing_items::is_empty_value;
use super::reported_names::{CODES, ERROR_CODES, ERRORS, FLAGS, MESSAGES, PROBLEM, STATUSES};
use super::words::words_of;

/// Returns the message of the error that a body without items reports; `None` if it reports none.
///
/// `is_absent` is `true` if there is nothing in the place of the items, not even `null` or an empty array. `is_echo` returns
/// `true` for a value of the request. `items` is the JSON pointer to the items.
pub(super) fn reported_error(
    body: &[u8],
    items: &str,
    is_absent: bool,
    is_echo: impl Fn(&str) -> bool,
) -> Option<String> {
    let text =
        members(body, MESSAGES).find_map(|(_, value)| text_of(value).filter(|text| !text.trim().is_empty()));
    let with_text = |message: String| match &text {
        Some(text) if !message.contains(text.as_ref()) => format!("{message}: {text}"),
        _ => message,
    };
    let is_benign = |name: &str, value: &RawValue| {
        // The items may be those of a list of errors.
        let is_around_items = items.strip_prefix('/').and_then(|items| items.strip_prefix(name));
        is_around_items.is_some_and(|rest| rest.starts_with('/')) && value.get().starts_with('{')
            // "Operation completed", beside a code of success.
            || name.to_ascii_lowercase().ends_with("message") && has_success_code(body)
    };
    let mut errors = members(body, ERRORS).filter(|(name, value)| !is_benign(name, value));
    if let Some((name, error)) = errors.find(|(_, value)| is_error(value)) {
        if error.get() == "true" && name != "error" {
            return Some(with_text(format!("{name} is true")));
        }
        return Some(with_text(message_of(error)));
    }
    for (name, flag) in members(body, FLAGS) {
        let text = flag.get().trim_matches('"').to_ascii_lowercase();
        if matches!(text.as_str(), "false" | "0" | "n" | "no") {
            return Some(with_text(format!("{name} is {}", flag.get())));
        }
    }
    if !is_absent && text.as_deref().is_some_and(reports_no_items) {
        return None;
    }
    for (name, status) in members(body, STATUSES) {
        if text_of(status).is_some_and(|text| is_failure(&text) && !is_echo(&text)) {
            return Some(with_text(format!("{name} is {}", status.get())));
        }
    }
    let text = text.filter(|text| !is_success_word(text))?;
    if is_failure(&text) {
        return Some(text.into_owned());
    }
    if let Some((name, code)) = members(body, CODES).next() {
        let is_success = text_of(code).is_none_or(|code| is_success_code(&code));
        return (!is_success).then(|| format!("{name} is {}: {text}", code.get()));
    }
    (is_absent && is_problem(body)).then(|| text.into_owned())
}

/// Returns `true` if the body has a code of success, such as `"errorCode": 0`.
fn has_success_code(body: &[u8]) -> bool {
    members(body, CODES)
        .chain(members(body, ERROR_CODES))
        .any(|(_, code)| text_of(code).is_some_and(|code| !code.is_empty() && is_success_code(&code)))
}

/// Returns the members with these names, given as JSON pointers.
fn members<'a>(body: &'a [u8], names: &[&'static str]) -> impl Iterator<Item = (&'static str, &'a RawValue)> {
    let mut found = vec![None; names.len()];
    // A body that is not JSON has no members.
    find_all(body, names, &mut found).unwrap_or_default();
    let names: Vec<_> = names.iter().map(|name| &name[1..]).collect();
    names.into_iter().zip(found).filter_map(|(name, value)| Some((name, value?)))
}

/// Returns `true` if the body has no other members than an error would have.
fn is_problem(body: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, &RawValue>>(body)
        .is_ok_and(|members| members.keys().all(|name| PROBLEM.contains(&name.as_str())))
}

/// Returns `true` if a value in the place of an error is one.
pub(super) fn is_error(value: &RawValue) -> bool {
    !is_empty_value(value)
        && !reports_success(value)
        && !is_blank(value, 2)
        && text_of(value)
            .is_none_or(|text| !is_success_code(&text) && !is_success_word(&text) && !names_no_error(&text))
}

/// Returns `true` for an object or an array that contains nothing but empty values and zeros: `{"count": 0}`.
fn is_blank(value: &RawValue, depth: u8) -> bool {
    let is_blank_part = |part: &&RawValue| {
        is_empty_value(part) || part.get() == "0" || depth > 0 && is_blank(part, depth - 1)
    };
    match value.get().as_bytes().first() {
        Some(b'{') => serde_json::from_str::<BTreeMap<String, &RawValue>>(value.get())
            .is_ok_and(|members| members.values().all(is_blank_part)),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(value.get())
            .is_ok_and(|elements| elements.iter().all(is_blank_part)),
        _ => false,
    }
}

/// Returns `true` for a word in the place of an error that means that there is none: `NO_ERROR`, `S_OK`, `N`.
fn names_no_error(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "e ok",
        "err ok",
        "error ok",
        "error success",
        "n",
        "na",
        "n a",
        "nil",
        "no",
        "no error",
        "no errors",
        "noerr",
        "noerror",
        "s ok",
    ];
    let words = words_of(text);
    words.is_empty() && text.is_ascii()
        || matches!(text.trim(), "[]" | "{}")
        || WORDS.contains(&words.as_str())
}

/// Returns `true` for an object with the code and the message of success: `{"code": 0, "message": ""}`.
fn reports_success(error: &RawValue) -> bool {
    let Ok([code, message, msg]) = find(error.get().as_bytes(), ["/code", "/message", "/msg"]) else {
        return false;
    };
    let is_blank = |value: Option<&RawValue>| {
        value.is_none_or(|value| {
            is_empty_value(value) || text_of(value).is_some_and(|text| is_success_word(&text))
        })
    };
    let is_success = |code: &RawValue| {
        is_empty_value(code)
            || text_of(code).is_some_and(|code| is_success_code(&code) || names_no_error(&code))
    };
    code.is_some_and(is_success) && is_blank(message) && is_blank(msg)
}

/// Returns the message of an error, which may be a text, a number, an object, or an array of these.
pub(super) fn message_of(error: &RawValue) -> String {
    if let Some(text) = text_of(error) {
        return text.into_owned();
    }
    let parts =
        find(error.get().as_bytes(), ["/0", "/code", "/type", "/message", "/msg", "/detail", "/description"]);
    let [first, code, kind, message @ ..] = parts.unwrap_or_default();
    if let Some(first) = first {
        return message_of(first);
    }
    let code = code.or(kind).and_then(text_of);
    let message = message.into_iter().flatten().find_map(text_of);
    match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(text), None) | (None, Some(text)) => text.into_owned(),
        (None, None) => error.get().to_owned(),
    }
}

/// The text of a string, a number or a boolean.
pub(super) fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    match value.get().as_bytes().first()? {
        b'"' => json_array::value(value).ok().map(Cow::Owned),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(value.get())),
    }
}

fn is_success_code(code: &str) -> bool {
    matches!(code.parse(), Ok(0 | 200..=299))
        || code.chars().all(|c| matches!(c, '0' | '.'))
        || is_success_word(code)
}

/// Also words with which a message begins or ends: "request successful", "ok".
pub(super) fn is_success_word(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let is_negated = text.contains("unsuccess") || text.contains("not ") || text.contains("no success");
    matches!(text.as_str(), "" | "ok" | "okay" | "none" | "null" | "no error" | "false" | "成功")
        || !is_negated && (text.contains("success") || text.contains("succeeded") || text.ends_with("成功"))
}

/// Returns `true` for a message that explains why there are no items: "No transactions found", "no more data".
pub(super) fn reports_no_items(text: &str) -> bool {
    const NO_ITEMS: &[&str] = &[
        "0 results",
        "no data",
        "no entries",
        "no entry",
        "no hits",
        "no items",
        "no match",
        "no more",
        "no record",
        "no result",
        "no rows",
        "nothing found",
        "nothing to",
        "empty result",
        "没有数据",
        "没有更多",
        "暂无数据",
        "查询无数据",
        "无数据",
        "없습니다",
        "データがありません",
    ];
    let text = text.to_lowercase();
    NO_ITEMS.iter().any(|part| text.contains(part))
        // "No transactions found", but not "No API key found in request".
        || text.starts_with("no ")
            && text.trim_end_matches(['.', '!']).ends_with(" found")
            && !["key", "token", "credential", "session", "route", "user"].iter().any(|word| text.contains(word))
}

pub(super) fn is_failure(status: &str) -> bool {
    let status = status.to_lowercase();
    matches!(
        status.as_str(),
        "error"
            | "err"
            | "fail"
            | "failed"
            | "failure"
            | "exception"
            | "unauthorized"
            | "forbidden"
            | "denied"
            | "throttled"
            | "rate_limited"
            | "timeout"
            // Google Maps.
            | "invalid_request"
            | "over_daily_limit"
            | "over_query_limit"
            | "request_denied"
            | "unknown_error"
    ) || matches!(status.parse(), Ok(400..=599))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_recognized_by_its_members() {
        for (body, want) in [
            (r#"{"ok": false, "error": "invalid_cursor"}"#, "invalid_cursor"),
            (
                r#"{"code": 50011, "msg": "Too Many Requests", "data": null}"#,
                "code is 50011: Too Many Requests",
            ),
            (r#"{"errors": [{"code": 88, "message": "Rate limit exceeded"}]}"#, "88: Rate limit exceeded"),
            (r#"{"error": {"type": "OAuthException", "message": "expired"}}"#, "OAuthException: expired"),
            (r#"{"errcode": 40001, "errmsg": "invalid credential"}"#, "40001: invalid credential"),
            (r#"{"success": false}"#, "success is false"),
            (r#"{"success": "false", "message": "no rights"}"#, "success is \"false\": no rights"),
            (r#"{"status": "error", "message": "down"}"#, "status is \"error\": down"),
            (r#"{"statusCode": 429, "message": "slow down"}"#, "statusCode is 429: slow down"),
            (
                r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#,
                "ThrottlingException: Rate exceeded",
            ),
            (r#"{"error": true, "reason": "x"}"#, "true: x"),
            (r#"{"message": "Endpoint request timed out"}"#, "Endpoint request timed out"),
            (r#"{"title": "Busy", "status": 200, "type": "about:blank"}"#, "Busy"),
            (r#"{"code": "InvalidToken", "message": "bad"}"#, "code is \"InvalidToken\": bad"),
            (r#"{"fault": {"faultstring": "x"}}"#, r#"{"faultstring": "x"}"#),
            (r#"{"error": "\ud83d"}"#, "\u{fffd}"),
        ] {
            assert_eq!(reported_error(body.as_bytes(), "", true, |_| false).as_deref(), Some(want), "{body}");
        }
    }

    #[test]
    fn an_empty_page_reports_no_error() {
        for body in [
            "{}",
            "[]",
            r#"{"kind": "storage#objects"}"#,
            r#"{"ok": true, "error": null}"#,
            r#"{"code": 0, "msg": "success", "data": null}"#,
            r#"{"code": 0, "msg": "", "data": null}"#,
            r#"{"code": 200, "message": "nothing found"}"#,
            r#"{"code": "00000", "msg": "done"}"#,
            r#"{"code": 1, "msg": "操作成功"}"#,
            r#"{"errcode": 0, "errmsg": "ok"}"#,
            r#"{"error": false, "errors": []}"#,
            r#"{"error": "", "errors": {}}"#,
            r#"{"status": "ok", "message": "0 results", "count": 0}"#,
            r#"{"resourceType": "Bundle", "type": "searchset", "total": 0}"#,
            r#"{"message": "nothing here", "next_cursor": null, "items": null}"#,
            r#"{"code": "EUR"}"#,
        ] {
            assert_eq!(reported_error(body.as_bytes(), "", true, |_| false), None, "{body}");
        }
        // A page with an empty array may have a message.
        assert_eq!(
            reported_error(br#"{"message": "no results", "status": 200}"#, "", false, |_| false),
            None
        );
    }
}

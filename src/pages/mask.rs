//! Removes secrets and format characters from texts that end in errors and logs.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// The names of the query parameters and JSON members whose values are masked, in [normal form](normal_name).
pub(super) const SECRET_NAMES: &[&str] = &[
    "appid",
    "apptoken",
    "assertion",
    "auth",
    "authkey",
    "authorization",
    "bearer",
    "bearertoken",
    "clientassertion",
    "code",
    "codeverifier",
    "cookie",
    "credentials",
    "crumb",
    "csrf",
    "hmac",
    "idtoken",
    "jsessionid",
    "jwt",
    "key",
    "oauthtoken",
    "otp",
    "pass",
    "passcode",
    "pat",
    "phpsessid",
    "pin",
    "privatekey",
    "pwd",
    "samlresponse",
    "sas",
    "sessid",
    "session",
    "sessionid",
    "sig",
    "sign",
    "ticket",
    "token",
    "usertoken",
    "xsrf",
];

/// The ends of such names, with any prefix: `X-Amz-Signature`, `Ocp-Apim-Subscription-Key`.
///
/// OAuth 2.0 (RFC 6749, RFC 6750), the signed URLs of AWS, Google Cloud and Azure, and the usual names of API keys.
pub(super) const SECRET_ENDS: &[&str] = &[
    "accesskey",
    "accesskeyid",
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "appkey",
    "appsecretproof",
    "authcode",
    "authtoken",
    "bottoken",
    "consumerkey",
    "cookie",
    "credential",
    "csrftoken",
    "developerkey",
    "functionkey",
    "functionskey",
    "masterkey",
    "passphrase",
    "passwd",
    "password",
    "plextoken",
    "privatetoken",
    "refreshtoken",
    "sastoken",
    "secret",
    "secretkey",
    "securitytoken",
    "sessionkey",
    "sessiontoken",
    "sharedkey",
    "signature",
    "signingkey",
    "subscriptionkey",
    "xsrftoken",
];

/// Names with other meanings outside of a query, such as that of a code in an error.
const IN_QUERY_ONLY: &[&str] = &["code", "key", "pin"];

/// The text that replaces a secret.
pub(super) const MASK: &str = "***";

/// Returns `true` if the values of a query parameter of this name are masked. `more` are names in the same
/// [normal form](normal_name).
pub(super) fn is_secret_name(name: &str, more: &[String]) -> bool {
    let name = normal_name(name);
    SECRET_NAMES.contains(&name.as_str())
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
        || more.contains(&name)
}

/// The name in lower case, without `-`, `_` and `.`, so that `apiKey`, `api-key` and `API_KEY` are one name.
pub(super) fn normal_name(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | '.')).flat_map(char::to_lowercase).collect()
}

/// Names of other parameters whose values are masked in the cursors that errors, events and checkpoints show.
///
/// A cursor does not know the endpoint that its secrets are those of. Programs declare a few constant names.
static DECLARED: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Declares the name of a parameter as secret in each cursor that is shown.
#[cfg(feature = "http")]
pub(super) fn declare_secret(name: &str) {
    let name = normal_name(name);
    // Ignores poisoning, here and below: nothing panics while the lock is held.
    let mut declared = DECLARED.write().unwrap_or_else(PoisonError::into_inner);
    if !declared.contains(&name) {
        declared.push(name);
    }
}

/// Masks the secrets in the `Debug` text of a cursor.
pub(super) fn mask_cursor(text: &str) -> String {
    mask(text, &DECLARED.read().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// Masks the values of secret query parameters (`?token=..`) and of secret JSON members (`"token":".."`), wherever they
/// are in a text. `%3F`, `%26`, `%3D` and `\u0026` count as the characters that they encode, because URLs are nested.
pub(super) fn mask<'a>(text: &'a str, more: &[String]) -> Cow<'a, str> {
    match mask_userinfo(text) {
        Cow::Borrowed(text) => mask_values(text, more),
        Cow::Owned(text) => Cow::Owned(mask_values(&text, more).into_owned()),
    }
}

/// Masks the user name and the password of each URL in a text, also of those that are encoded in a query.
fn mask_userinfo(text: &str) -> Cow<'_, str> {
    const SCHEME_ENDS: [&str; 4] = ["://", "%3a%2f%2f", ":%2f%2f", "%253a%252f%252f"];
    const ENDS: [&str; 8] = ["%2f", "%3f", "%23", "%26", "%22", "%20", "%252f", "%253f"];
    let starts_with = |at: usize, start: &str| {
        text.as_bytes()
            .get(at..at + start.len())
            .is_some_and(|text| text.eq_ignore_ascii_case(start.as_bytes()))
    };
    let mut masked = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < text.len() {
        let Some(scheme) = SCHEME_ENDS.iter().find(|end| starts_with(at, end)) else {
            at += 1;
            continue;
        };
        let start = at + scheme.len();
        // The authority ends at a slash, for example.
        let is_end = |at: usize| {
            let byte = text.as_bytes()[at];
            byte.is_ascii_whitespace()
                || b"/?#\\\"'<>(){},&".contains(&byte)
                || ENDS.iter().any(|end| starts_with(at, end))
        };
        let end = (start..text.len()).find(|at| is_end(*at)).unwrap_or(text.len());
        let is_at = |at: &usize| ["@", "%40", "%2540"].iter().any(|sign| starts_with(*at, sign));
        if let Some(sign) = (start..end).rev().find(is_at) {
            masked.push_str(&text[copied..start]);
            masked.push_str(MASK);
            copied = sign;
        }
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// Masks the values of secret parameters and members.
fn mask_values<'a>(text: &'a str, more: &[String]) -> Cow<'a, str> {
    let mut masked = String::new();
    // The end of what was copied, and the end of the delimiter before the current word.
    let (mut copied, mut word, mut before) = (0, 0, Some('\0'));
    let mut at = 0;
    while at < text.len() {
        let Some((c, len)) = delimiter(&text[at..]) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let end = match c {
            '=' if before.is_some() && is_secret(&text[word..at], before, more) => value_end(text, at + len),
            '"' if before == Some('"') && is_secret(&text[word..at], before, more) => {
                json_value(text, at + len).map_or(0, |(from, to)| {
                    at = from - len;
                    to
                })
            }
            _ => 0,
        };
        at += len;
        if end > at {
            masked.push_str(&text[copied..at]);
            masked.push_str(MASK);
            (copied, at) = (end, end);
            (word, before) = (at, None);
        } else {
            (word, before) = (at, Some(c));
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// `key` is the name of many things in JSON and in prose: it is a secret only as a query parameter.
fn is_secret(name: &str, before: Option<char>, more: &[String]) -> bool {
    let in_query = matches!(before, Some('?' | '&' | ';' | '#'));
    let plain = name.trim_start_matches("amp;");
    // `access%5Ftoken` and `auth[token]`.
    let decoded = ["%5F", "%5f", "%2D", "%2d", "%2E", "%2e"];
    let decoded = decoded.iter().fold(plain.to_owned(), |name, code| name.replace(code, ""));
    let head = decoded.split('[').next().unwrap_or_default();
    is_secret_name(head, more) && (in_query || !IN_QUERY_ONLY.contains(&normal_name(plain).as_str()))
}

/// The character that ends a name or a value at the start of the text, perhaps encoded, and its length.
fn delimiter(text: &str) -> Option<(char, usize)> {
    let c = text.chars().next()?;
    if c.is_whitespace()
        || matches!(c, '?' | '&' | ';' | '#' | '=' | '"' | '\'' | '<' | '>' | '(' | ')' | '{' | '}' | ',')
    {
        return Some((c, c.len_utf8()));
    }
    let encoded: &[(&str, char)] = match c {
        '%' => &[("%3f", '?'), ("%26", '&'), ("%3d", '='), ("%23", '#'), ("%22", '"')],
        '\\' => &[("\\u0026", '&'), ("\\u003d", '='), ("\\u003f", '?'), ("\\\"", '"')],
        _ => &[],
    };
    let found = |(code, _): &&(&str, char)| {
        text.get(..code.len()).is_some_and(|text| text.eq_ignore_ascii_case(code))
    };
    encoded.iter().find(found).map(|(code, c)| (*c, code.len()))
}

/// The end of a query parameter's value.
fn value_end(text: &str, from: usize) -> usize {
    let mut at = from;
    while at < text.len() {
        match delimiter(&text[at..]) {
            // Padding of base64.
            Some(('=' | '?', len)) => at += len,
            Some(_) => break,
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    at
}

/// The start and the end of the string that follows a JSON member's name, without its quotes.
fn json_value(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text[from..].trim_start().strip_prefix(':')?.trim_start();
    let escaped = rest.starts_with("\\\"");
    let value = rest.strip_prefix("\\\"").or_else(|| rest.strip_prefix('"'))?;
    let start = text.len() - value.len();
    let mut chars = value.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((start, start + at)),
            '\\' if escaped && value[at..].starts_with("\\\"") => return Some((start, start + at)),
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    Some((start, text.len()))
}

/// Returns `true` for characters that change how a text is shown, and show nothing themselves: controls, format
/// characters (general category Cf), among them those of bidirectional text, and variation selectors.
#[cfg(feature = "http")]
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x115F..=0x1160
            | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164
            | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x110BD | 0x110CD | 0x13430..=0x1343F
            | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Returns the beginning of a text, at most `max` bytes, the last of them an ellipsis if something was cut off.
pub(super) fn truncate(text: &mut String, max: usize) {
    if text.len() > max {
        let end =
            (0..=max.saturating_sub('…'.len_utf8())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_any_text() {
        for (text, want) in [
            ("/v1?access_token=S&after=a", "/v1?access_token=***&after=a"),
            ("/v1?after=a&api-key=S%20S#x", "/v1?after=a&api-key=***#x"),
            ("\"http://h/?X-Amz-Signature=S==\"", "\"http://h/?X-Amz-Signature=***\""),
            ("next=http%3A%2F%2Fh%3Ftoken%3DS%26b%3D2", "next=http%3A%2F%2Fh%3Ftoken%3D***%26b%3D2"),
            ("{\"next\":\"/?a=1\\u0026apiKey=S\"}", "{\"next\":\"/?a=1\\u0026apiKey=***\"}"),
            ("{\"access_token\": \"S\\\"S\", \"a\": 1}", "{\"access_token\": \"***\", \"a\": 1}"),
            (
                "{\\\"access_token\\\":\\\"S\\\",\\\"a\\\":1}",
                "{\\\"access_token\\\":\\\"***\\\",\\\"a\\\":1}",
            ),
            ("<a href='/?a=1&amp;sig=S'>", "<a href='/?a=1&amp;sig=***'>"),
            ("token=S", "token=***"),
            ("?key=S&startkey=1&pageToken=2&monkey=3", "?key=***&startkey=1&pageToken=2&monkey=3"),
            ("{\"key\":\"PROJ-1\"}", "{\"key\":\"PROJ-1\"}"),
            (
                "?access%5Ftoken=S&auth[token]=S&sessionId=S",
                "?access%5Ftoken=***&auth[token]=***&sessionId=***",
            ),
            ("?sid=S", "?sid=***"),
            ("?code=S&sas=S&functions-key=S", "?code=***&sas=***&functions-key=***"),
            ("{\"code\":\"rate_limited\"}", "{\"code\":\"rate_limited\"}"),
            ("/?next=http://me:S@h/p?a=b@c", "/?next=http://***@h/p?a=b@c"),
            ("/?next=https%3A%2F%2Fme%3AS%40h%2Fp%40q", "/?next=https%3A%2F%2F***%40h%2Fp%40q"),
            ("/?next=https%253A%252F%252Fme%253AS%2540h", "/?next=https%253A%252F%252F***%2540h"),
            ("{\"url\":\"http://me:S@x@h:80\"}", "{\"url\":\"http://***@h:80\"}"),
            ("see http://h/@scope and é://é@é", "see http://h/@scope and é://***@é"),
            ("?token=", "?token="),
            ("?a=é&token=é", "?a=é&token=***"),
            ("", ""),
        ] {
            assert_eq!(mask(text, &["sid".to_owned()]), want);
        }
    }

    #[test]
    fn a_truncated_text_ends_at_a_character() {
        for (text, max, want) in [("abc", 3, "abc"), ("abcdef", 5, "ab…"), ("ééé", 5, "é…"), ("abcd", 1, "…")]
        {
            let mut text = text.to_owned();
            truncate(&mut text, max);
            assert_eq!(text, want);
        }
    }
}

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::AUTHORIZATION;
use reqwest::{RequestBuilder, Url};

use super::excerpt::{MAX_PART, one_line};
use crate::pages::mask::{MASK, declare_secret, is_secret_name, mask, normal_name};

/// The shortest credential that is searched for in texts. A shorter one could be part of any word.
const MIN_VALUE: usize = 6;
/// The number of sent tokens that are kept: a server repeats the one that it has just received, perhaps after others were
/// sent by other streams.
const MAX_TOKENS: usize = 8;

/// The secrets of an endpoint: the names of query parameters whose values are masked in errors, in addition to the
/// default list, and credentials that are masked wherever they occur.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    names: Vec<String>,
    values: Vec<String>,
    /// The last tokens of a [`TokenSource`](super::TokenSource) that were sent, shared by the clones of the endpoint.
    tokens: Arc<Mutex<VecDeque<String>>>,
}

impl Secrets {
    pub(super) fn add_name(&mut self, name: &str) {
        self.names.push(normal_name(name));
        declare_secret(name);
    }

    /// Adds a credential, also as a server may repeat it: in JSON with escaped slashes, or in a URL.
    pub(super) fn add_value(&mut self, value: &str) {
        if value.len() < MIN_VALUE {
            return;
        }
        for form in [value.to_owned(), value.replace('/', "\\/"), percent_encoded(value)] {
            if !self.values.contains(&form) {
                self.values.push(form);
            }
        }
    }

    /// Adds the value of a header that is a credential, and the part after the scheme: the token of `Bearer token`.
    pub(super) fn add_header(&mut self, value: &str) {
        self.add_value(value);
        if let Some((_, credentials)) = value.rsplit_once(' ') {
            self.add_value(credentials);
        }
    }

    /// Adds a user name and a password, and the header in which they are sent.
    pub(super) fn add_basic(&mut self, user: &str, password: &str, request: RequestBuilder) {
        // The user name may be an API key.
        self.add_value(user);
        self.add_value(password);
        let request = request.basic_auth(user, Some(password)).build().ok();
        let header = request.as_ref().and_then(|request| request.headers().get(AUTHORIZATION));
        if let Some(header) = header.and_then(|header| header.to_str().ok()) {
            self.add_header(header);
        }
    }

    /// Adds a token that expires, before it is sent.
    pub(super) fn add_token(&self, token: &str) {
        // Ignores poisoning, here and below: nothing panics while the lock is held.
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if token.len() >= MIN_VALUE && !tokens.iter().any(|known| known == token) {
            tokens.truncate(MAX_TOKENS - 1);
            tokens.push_front(token.to_owned());
        }
    }

    /// Returns `true` if the values of this query parameter are secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        is_secret_name(name, &self.names)
    }

    /// Masks the secrets in a text.
    pub(super) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = mask(text, &self.names);
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        for value in self.values.iter().chain(tokens.iter()) {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), MASK));
            }
        }
        text
    }

    /// Returns a URL as errors show it: without user name, password, secrets and invisible characters, and bounded.
    pub(super) fn url(&self, url: &Url) -> String {
        self.url_text(url.as_str())
    }

    /// Returns a text that may be a URL as errors show it.
    pub(super) fn url_text(&self, text: &str) -> String {
        one_line(&self.mask(&redact_userinfo(text)), MAX_PART)
    }

    /// Returns a text that is not a valid URL, as errors show it.
    pub(super) fn invalid_url(&self, text: &str) -> String {
        one_line(&self.mask(&redact_invalid(text)), MAX_PART)
    }
}

/// Without the values.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Encodes a text as a query parameter.
fn percent_encoded(text: &str) -> String {
    let mut url = Url::parse("http://host").expect("the text is a URL");
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

/// Decodes a part of a URL.
pub(super) fn percent_decoded(text: &str) -> String {
    let query = format!("http://host/?{}", text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D"));
    let url = Url::parse(&query).ok();
    url.and_then(|url| Some(url.query_pairs().next()?.0.into_owned())).unwrap_or_default()
}

/// Removes the user name and the password from the text of a URL.
fn redact_userinfo(text: &str) -> String {
    let start = text.find("//").map_or(0, |slashes| slashes + 2);
    let end = text[start..].find(['/', '?', '#', '\\']).map_or(text.len(), |length| start + length);
    match text[start..end].rfind('@') {
        Some(at) => format!("{}{}", &text[..start], &text[start + at + 1..]),
        None => text.to_owned(),
    }
}

/// Removes what may be a user name and a password from a text that is not a valid URL: everything up to the last `@`,
/// because a password may contain a slash, and what follows a colon in place of a port.
fn redact_invalid(text: &str) -> String {
    let start = text.find("//").map_or(0, |slashes| slashes + 2);
    let rest = match text[start..].rfind('@') {
        Some(at) => &text[start + at + 1..],
        None => &text[start..],
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    // The colon of `[::1]:80`, and that of `mailto:` without an authority, are not these.
    let colon = rest[..end].find(':').filter(|_| start > 0 && !rest.starts_with('['));
    match colon {
        Some(colon) if !rest[colon + 1..end].bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{}{}:{MASK}{}", &text[..start], &rest[..colon], &rest[end..])
        }
        _ => format!("{}{rest}", &text[..start]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::mask::{SECRET_ENDS, SECRET_NAMES};

    #[test]
    fn the_documentation_lists_every_name() {
        let docs = include_str!("secret_parameters.rs").replace("\n    ///", "");
        for (start, end, names) in [
            ("These names are always secret: - ", " - names that end in", SECRET_NAMES),
            ("names that end in ", ", such as", SECRET_ENDS),
        ] {
            let list = docs.split_once(start).unwrap().1.split_once(end).unwrap().0;
            let mut documented: Vec<_> = list.split('`').skip(1).step_by(2).map(normal_name).collect();
            let mut names = names.to_vec();
            documented.sort_unstable();
            names.sort_unstable();
            assert_eq!(documented, names);
        }
    }

    #[test]
    fn a_credential_is_masked_as_servers_repeat_it() {
        let mut secrets = Secrets::default();
        secrets.add_header("Token abc/def+ghi==");
        for text in [
            "Token abc/def+ghi==",
            "abc/def+ghi==",
            r#"{"key":"abc\/def+ghi=="}"#,
            "/?key=abc%2Fdef%2Bghi%3D%3D",
        ] {
            assert!(!secrets.mask(text).contains("def"), "{text}: {}", secrets.mask(text));
        }
        assert_eq!(percent_decoded("a%2Fb+c%26&=d"), "a/b+c&&=d");
    }

    #[test]
    fn user_and_password_are_removed_from_any_text() {
        for (text, want) in [
            ("http://user:pass@host:99999/docs", "http://host:99999/docs"),
            ("http://us@er:pass@host", "http://host"),
            ("//user@host?q=a@b", "//host?q=a@b"),
            ("http://host/@scope", "http://host/@scope"),
            ("user:pass@host", "host"),
            ("é@é", "é"),
            ("", ""),
        ] {
            assert_eq!(redact_userinfo(text), want);
        }
    }

    #[test]
    fn nothing_before_the_last_at_sign_of_an_invalid_url_is_kept() {
        for (text, want) in [
            ("http://me:SEC/RET@host:80/docs", "http://host:80/docs"),
            ("http://me:SEC?RET@host", "http://host"),
            ("http://me:SEC#RET@[", "http://["),
            ("http:/me:SEC@ho st", "ho st"),
            ("me:SEC/RET@host", "host"),
            ("http://me:SEC%40host/docs", "http://me:***/docs"),
            ("http://host:99999/docs", "http://host:99999/docs"),
            ("http://[::1/docs", "http://[::1/docs"),
            ("mailto:x", "mailto:x"),
            ("http://é:é", "http://é:***"),
        ] {
            assert_eq!(redact_invalid(text), want);
            let shown = Secrets::default().invalid_url(text);
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{shown}");
        }
    }
}

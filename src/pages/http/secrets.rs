use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;

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

    pub(super) fn add_value(&mut self, value: &str) {
        if value.len() >= MIN_VALUE {
            self.values.push(value.to_owned());
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

    /// Returns a text that is no valid URL as errors show it.
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

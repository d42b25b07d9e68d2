//! The parts of error messages that describe a response.

use std::fmt;

use reqwest::StatusCode;

use super::response_info::ResponseInfo;

/// The number and the name of a status; only the number if it has no name.
pub(super) struct Status(pub(super) StatusCode);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())?;
        self.0.canonical_reason().map_or(Ok(()), |name| write!(f, " {name}"))
    }
}

pub(super) fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

pub(super) fn before_colon(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("{text}: "))
}

/// The target of a redirect that is not followed, because it would turn the request into a GET.
pub(super) fn redirect(response: &ResponseInfo) -> String {
    response.redirect_target().map_or_else(String::new, |target| {
        format!(", a redirect to {target} that is not followed (request that URL, or use GET)")
    })
}

/// The setting for an error that may mark the end of numbered pages.
pub(super) fn past_the_end(response: &ResponseInfo) -> &'static str {
    if response.may_be_past_the_end() {
        " (return `OnError::End` from `classify` if the page is beyond the last)"
    } else {
        ""
    }
}

pub(super) fn invalid_json(response: &ResponseInfo) -> String {
    if let Some((encoding, feature)) = response.encoding() {
        return format!(
            "the body from {} is encoded with {encoding} (enable the feature `{feature}` of reqwest in Cargo.toml)",
            response.url(),
        );
    }
    match response.format() {
        Some(format) => format!(
            "expected JSON from {}, found {format}{}",
            response.url(),
            after_colon(response.excerpt())
        ),
        None => format!("invalid JSON from {}", response.url()),
    }
}

/// The setting that accepts the response.
pub(super) fn hint(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (set `{name}` if it is)"))
}

/// The setting for a page without items.
pub(super) fn missing_items(found: &str) -> &'static str {
    if found == "nothing" { " (set `missing_items` if that is an empty page)" } else { "" }
}

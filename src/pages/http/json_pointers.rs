//! The JSON pointers (RFC 6901) of an endpoint, and the names of JSON types for errors.

use serde_json::Value;
use serde_json::value::RawValue;

use super::missing_items::MissingItems;
use super::total_pages::TotalPages;

/// The locations of a page's parts in the JSON of a response. An empty pointer refers to the whole body.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonPointers {
    pub(super) items: String,
    pub(super) total: Option<String>,
    pub(super) has_more: Option<String>,
    /// The opposite of `has_more`.
    pub(super) is_last: Option<String>,
    pub(super) total_pages: Option<TotalPages>,
    /// Cursors that mark the last page; `None` for the default.
    pub(super) end_cursors: Option<Vec<String>>,
    /// Values that mark an error.
    pub(super) errors: Vec<String>,
    /// Values that every page has.
    pub(super) required: Vec<(String, Value)>,
    /// Values that reach the user with the page.
    pub(super) extra: Vec<String>,
    pub(super) missing_items: MissingItems,
    /// `true` if a page without items is a page, whatever its other members report.
    pub(super) ignores_reports: bool,
}

/// Checks the syntax of a JSON pointer. The lookup would treat a pointer without a slash as an absent value.
#[track_caller]
pub(super) fn validate_pointer(pointer: &str) -> String {
    assert!(
        pointer.is_empty() || pointer.starts_with('/'),
        "a JSON pointer must be empty or begin with a slash: {pointer:?}"
    );
    pointer.to_owned()
}

/// Returns the JSON pointer to a member of the whole body.
pub(super) fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The JSON type of a value, with its article.
pub(super) fn json_type(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

/// Returns `true` if the value is `null`.
pub(super) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// Returns a number that some APIs send as a string; `None` for anything else.
pub(super) fn number_of(value: &RawValue) -> Option<u64> {
    value.get().trim_matches('"').trim().parse().ok()
}

//! The JSON pointers (RFC 6901) of an endpoint, and the names of JSON types for errors.

use serde_json::Value;

/// The locations of a page's parts in the JSON of a response. An empty pointer refers to the whole body.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonPointers {
    pub(super) items: String,
    pub(super) total: Option<String>,
    pub(super) has_more: Option<String>,
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

/// The JSON type of a value, with its article.
pub(super) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

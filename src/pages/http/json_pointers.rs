use serde_json::Value;

/// Where the answers of an API have what is read from them; JSON pointers, empty for the whole body.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonPointers {
    pub(super) items: String,
    pub(super) total: Option<String>,
    pub(super) has_more: Option<String>,
}

/// A JSON pointer that points somewhere: the lookup takes any other text for an absent value.
#[track_caller]
pub(super) fn validate_pointer(pointer: &str) -> String {
    assert!(
        pointer.is_empty() || pointer.starts_with('/'),
        "a JSON pointer is empty or begins with a slash: {pointer:?}"
    );
    pointer.to_owned()
}

/// What a value is, in words.
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

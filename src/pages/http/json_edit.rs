//! Changes of a JSON text that keep the rest of it byte for byte.

use serde_json::value::RawValue;

use super::json_pointers::is_null;
use super::json_slices::{find, unescape};

/// The value cannot be set.
#[derive(Debug, thiserror::Error)]
pub(super) enum EditError {
    /// The text is not JSON.
    #[error("the body of the request is not JSON")]
    Json(#[from] serde_json::Error),
    /// A value on the way is neither an object nor `null`.
    #[error("cannot set {pointer:?} in the body of the request: there is no object at {parent:?}")]
    NoObject { pointer: String, parent: String },
}

/// Sets the value at a JSON pointer to another JSON text. Objects on the way are created.
pub(super) fn set_at(json: &[u8], pointer: &str, value: &str) -> Result<Vec<u8>, EditError> {
    if pointer.is_empty() {
        return Ok(value.as_bytes().to_vec());
    }
    if let Some(old) = find(json, [pointer])?[0] {
        return Ok(replace(json, old, value));
    }
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let member = format!("{}:{value}", serde_json::Value::from(unescape(name)));
    let Some(object) = find(json, [parent])?[0] else {
        return set_at(json, parent, &format!("{{{member}}}"));
    };
    let object_text = if is_null(object) { "{}" } else { object.get() };
    let inner = object_text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let Some(inner) = inner else {
        let (pointer, parent) = (pointer.to_owned(), parent.to_owned());
        return Err(EditError::NoObject { pointer, parent });
    };
    let separator = if inner.trim_ascii().is_empty() { "" } else { "," };
    Ok(replace(json, object, &format!("{{{inner}{separator}{member}}}")))
}

/// Replaces a value, which is a slice of the text.
fn replace(json: &[u8], old: &RawValue, new: &str) -> Vec<u8> {
    let start = old.get().as_ptr() as usize - json.as_ptr() as usize;
    [&json[..start], new.as_bytes(), &json[start + old.get().len()..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_set_and_the_rest_is_kept() {
        for (json, pointer, want) in [
            (r#"{ "a": 1.50, "b": [1e3] }"#, "/a", r#"{ "a": V, "b": [1e3] }"#),
            (r#"{ "a": 1.50, "b": [1e3] }"#, "/b/0", r#"{ "a": 1.50, "b": [V] }"#),
            (r#"{ "a": 1.50 }"#, "/c", r#"{ "a": 1.50 ,"c":V}"#),
            ("{}", "/c", r#"{"c":V}"#),
            (" { } ", "/c", r#" { "c":V} "#),
            ("{}", "/a/b~1c/d", r#"{"a":{"b/c":{"d":V}}}"#),
            (r#"{"a": {"x": null}}"#, "/a/b/c", r#"{"a": {"x": null,"b":{"c":V}}}"#),
            (r#"{"a": 1, "a": 2}"#, "/a", r#"{"a": 1, "a": V}"#),
            (r#"{"a": null}"#, "/a/b", r#"{"a": {"b":V}}"#),
            ("{}", "/\"", r#"{"\"":V}"#),
            ("[1]", "", "V"),
        ] {
            let edited = set_at(json.as_bytes(), pointer, "V").unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), want, "{json} {pointer}");
        }
    }

    #[test]
    fn nothing_is_set_where_there_is_no_object() {
        for (json, pointer) in
            [("[]", "/a"), ("1", "/a"), (r#"{"a": ""}"#, "/a/b"), (r#"{"a": [1]}"#, "/a/1")]
        {
            let error = set_at(json.as_bytes(), pointer, "V").unwrap_err();
            assert!(error.to_string().starts_with(&format!("cannot set {pointer:?} in the body")), "{error}");
        }
        assert!(matches!(set_at(b"{", "/a", "V"), Err(EditError::Json(_))));
    }
}

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The meaning of a response that has no value at [`items_at`](super::Endpoint::items_at).
///
/// Google, Kubernetes, FHIR and everything that is built on protobuf omit an empty array. On the other hand, the pointer
/// may be misspelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingItems {
    /// An empty page, unless there is evidence against it. This is the default.
    ///
    /// It is an error if the object that should contain the items contains another array that may be the items: an array
    /// that is not empty, whose elements are not strings, and whose name is not that of links, warnings or facets. If
    /// the pointer leads through a value that is neither an object nor empty, that is an error, too.
    #[default]
    Detect,
    /// An empty page.
    Empty,
    /// An error, [`Error::ItemsNotArray`](super::Error::ItemsNotArray).
    Error,
}

/// Names of arrays that come beside the items.
const COMPANIONS: &[&str] = &[
    "link",
    "warning",
    "notice",
    "message",
    "facet",
    "aggregation",
    "bucket",
    "prefix",
    "commonprefix",
    "unreachable",
    "included",
    "filter",
    "sort",
    "column",
    "field",
    "schema",
    "error",
    "tag",
    "identifier",
    "extension",
    "header",
    "parameter",
    "order",
    "scope",
    "breadcrumb",
    "suggestion",
    "page",
];

/// Returns `true` if an object that lacks the items has another array that may be the items.
pub(super) fn has_other_items(object: &RawValue) -> bool {
    // Half a surrogate pair in a name is an error here, and a sign of nothing.
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(object.get()) else { return false };
    members.iter().any(|(name, value)| {
        let first =
            value.get().strip_prefix('[').map(|elements| elements.trim_ascii_start().as_bytes().first());
        !matches!(first, None | Some(Some(b']' | b'"'))) && !is_companion(name)
    })
}

/// Compares the last word of a name, in the singular.
fn is_companion(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let singular =
        name.strip_suffix("es").filter(|name| name.ends_with('x')).or_else(|| name.strip_suffix('s'));
    COMPANIONS.iter().any(|companion| singular.unwrap_or(&name).ends_with(companion))
}

/// Returns `true` for a value that has nothing in it: `null`, `[]`, `{}`, `""` or `false`.
pub(super) fn is_empty_value(value: &RawValue) -> bool {
    let text = value.get();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = inner.or_else(|| text.strip_prefix('{').and_then(|text| text.strip_suffix('}')));
    matches!(text, "null" | "false" | "\"\"") || inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn other_items_are_told_from_companions() {
        for (json, want) in [
            (r#"{"itmes": [{"id": 1}]}"#, true),
            (r#"{"results": [ 1, 2]}"#, true),
            (r#"{"rows": [[1]]}"#, true),
            (r#"{"kind": "storage#objects", "prefixes": ["a/"]}"#, false),
            (r#"{"link": [{"relation": "self"}], "total": 0}"#, false),
            (r#"{"_links": [{}], "Warnings": [{}], "commonPrefixes": [{}]}"#, false),
            (r#"{"items2": [], "other": {"items": [1]}}"#, false),
            (r#"{"\ud800": [1]}"#, false),
            ("{}", false),
        ] {
            assert_eq!(has_other_items(&raw(json)), want, "{json}");
        }
    }

    #[test]
    fn empty_values_contain_nothing() {
        for json in ["null", "[]", "[ ]", "{}", "{\n}", "\"\"", "false"] {
            assert!(is_empty_value(&raw(json)), "{json}");
        }
        for json in ["0", "true", "[0]", "{\"a\": 1}", "\"x\""] {
            assert!(!is_empty_value(&raw(json)), "{json}");
        }
    }
}

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The meaning of a response that has no array, or an empty value, at [`items_at`](super::Endpoint::items_at).
///
/// Google, Kubernetes, FHIR and everything that is built on protobuf omit an empty array. On the other hand, the pointer
/// may be misspelled.
///
/// An empty object, an empty string and `false` in the place of the array count as no value: `{}` is an empty list of Lua
/// (Kong) and PHP, `""` is one in JSON that was converted from XML. `null` is an empty page in any case, unless the body
/// reports an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingItems {
    /// An empty page, unless there is evidence against it. This is the default.
    ///
    /// It is an error if the object that should contain the items contains another array that may be the items: an
    /// array that is not empty, and whose name is not that of links, warnings or facets. If the pointer passes through
    /// a value that is neither an object nor empty, that is an error, too.
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
    "alert",
    "note",
    "debug",
    "capability",
    "permission",
    "role",
    "feature",
    "type",
    "format",
    "language",
    "locale",
    "reminder",
    "key",
    "cursor",
    "token",
    "next",
    "range",
    "stat",
    "limit",
    "missing",
    "notfound",
    "invalid",
    "failure",
    "failed",
    "ignored",
    "unsupported",
];

/// Objects whose arrays describe the page, by the end of the name.
const DESCRIPTIONS: &[&str] = &[
    "meta",
    "metadata",
    "paging",
    "pagination",
    "pager",
    "info",
    "query",
    "request",
    "params",
    "options",
    "context",
    "aggs",
    "stats",
    "statistics",
    "summary",
    "jsonapi",
    "cost",
    "shards",
    "profile",
    "settings",
    "config",
    "user",
    "account",
];

/// Returns `true` if an object has another array that may be the items: in itself, or in an object within it.
pub(super) fn has_other_items(object: &RawValue) -> bool {
    has_items_within(object, 2)
}

/// Returns `true` if an object has an array that may be the items, at most `depth` objects below it.
fn has_items_within(object: &RawValue, depth: u8) -> bool {
    // A name with a lone surrogate is an error here, and no evidence of anything.
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(object.get()) else { return false };
    let mut members = members.iter().filter(|(name, value)| !is_empty_value(value) && !is_companion(name));
    members.any(|(name, value)| match value.get().as_bytes().first() {
        Some(b'[') => true,
        Some(b'{') => depth > 0 && !is_description(name) && has_items_within(value, depth - 1),
        _ => false,
    })
}

/// Returns `true` for the name of an object that describes the page, or the request for it.
fn is_description(name: &str) -> bool {
    let name = normal_name(name);
    DESCRIPTIONS.iter().any(|description| name.ends_with(description))
}

fn normal_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Compares the last word of a name, in the singular.
fn is_companion(name: &str) -> bool {
    let name = normal_name(name);
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
            (r#"{"items2": [], "other": {"items": [1]}}"#, true),
            (r#"{"names": ["a"]}"#, true),
            (r#"{"a": {"b": {"c": [1]}}}"#, true),
            (r#"{"a": {"b": {"c": {"d": [1]}}}}"#, false),
            (r#"{"meta": {"ids": [1]}, "scopes": ["a"]}"#, false),
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

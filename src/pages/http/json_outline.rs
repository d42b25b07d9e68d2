//! The outline of a JSON document: enough of it to recognize an API, in little memory.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};

/// The number of elements that are kept of each array.
const MAX_ELEMENTS: usize = 20;
/// The number of members that are kept of each object.
const MAX_MEMBERS: usize = 1000;
/// The number of values that are kept of a document, of about 100 bytes each.
const MAX_VALUES: usize = 100_000;
/// The depth below which values are replaced by `null`. It bounds the time, since each level is read once more.
const MAX_DEPTH: u8 = 8;

/// Returns the first elements and members of each array and object; `null` for a text that is not JSON.
///
/// A `Value` takes up to 85 times the memory of its text, and a body is up to 16 MiB by default.
pub(super) fn outline(json: &[u8]) -> Value {
    let Ok(json) = serde_json::from_slice::<&RawValue>(json) else { return Value::Null };
    Outline { values: MAX_VALUES }.of(json, MAX_DEPTH)
}

/// The bounds of an outline.
struct Outline {
    /// The number of values that may still be added.
    values: usize,
}

impl Outline {
    fn of(&mut self, json: &RawValue, depth: u8) -> Value {
        let text = json.get();
        let mut deserializer = Deserializer::from_str(text);
        match text.as_bytes().first() {
            Some(b'[' | b'{') if depth == 0 => Ok(Value::Null),
            Some(b'[') => deserializer.deserialize_seq(Entries { outline: self, depth: depth - 1 }),
            Some(b'{') => deserializer.deserialize_map(Entries { outline: self, depth: depth - 1 }),
            // A lone surrogate is an error.
            _ => serde_json::from_str(text),
        }
        .unwrap_or_default()
    }
}

/// The first elements of an array, or the first members of an object.
struct Entries<'a> {
    outline: &'a mut Outline,
    depth: u8,
}

impl Entries<'_> {
    /// Counts another entry, unless a limit is reached.
    fn admit(&mut self, len: usize, max: usize) -> bool {
        let is_admitted = len < max && self.outline.values > 0;
        self.outline.values -= usize::from(is_admitted);
        is_admitted
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while self.admit(kept.len(), MAX_ELEMENTS) {
            match elements.next_element()? {
                Some(element) => kept.push(self.outline.of(element, self.depth)),
                None => return Ok(kept.into()),
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while self.admit(kept.len(), MAX_MEMBERS) {
            match members.next_entry::<String, &RawValue>()? {
                Some((name, value)) => kept.insert(name, self.outline.of(value, self.depth)),
                None => return Ok(kept.into()),
            };
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_small_document_is_kept_whole() {
        let body = json!({ "items": [{ "id": 1, "tags": ["a", null, true, 0.5] }], "next": { "url": "/?page=2" }, "": {} });
        assert_eq!(outline(body.to_string().as_bytes()), body);
        assert_eq!(outline(b"[1, 2"), Value::Null);
        assert_eq!(outline(b""), Value::Null);
    }

    #[test]
    fn long_arrays_large_objects_and_deep_values_are_cut() {
        let long = outline(json!({ "items": vec![0; 1000], "next": 7 }).to_string().as_bytes());
        assert_eq!((long["items"].as_array().map(Vec::len), &long["next"]), (Some(MAX_ELEMENTS), &json!(7)));
        let object: Map<_, _> = (0..10_000).map(|n| (n.to_string(), json!(n))).collect();
        assert_eq!(
            outline(json!(object).to_string().as_bytes()).as_object().map(Map::len),
            Some(MAX_MEMBERS)
        );
        // 20 * 20 * 1,000 values.
        let member: Map<_, _> = (0..1000).map(|n| (n.to_string(), json!(n))).collect();
        let large = outline(json!(vec![vec![member; 20]; 20]).to_string().as_bytes());
        let inner = large.as_array().unwrap().iter().flat_map(|array| array.as_array().unwrap());
        let members: usize = inner.map(|object| object.as_object().unwrap().len()).sum();
        assert!((99_000..MAX_VALUES).contains(&members), "{members}");
        let deep = outline(("[".repeat(100) + &"]".repeat(100)).as_bytes());
        assert_eq!(deep.to_string(), "[".repeat(8) + "null" + &"]".repeat(8));
    }

    #[test]
    fn half_a_surrogate_pair_replaces_its_value_only() {
        assert_eq!(outline(br#"{"a": "\ud800", "b": 1}"#), json!({ "a": null, "b": 1 }));
    }
}

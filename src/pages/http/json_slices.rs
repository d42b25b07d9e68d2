//! The values at JSON pointers (RFC 6901), as slices of the bytes of a body.
//!
//! No value is parsed on the way, so a number keeps its digits, and the memory does not depend on the size of the body.
//! As in `serde_json`'s `Value`, the last of several members with the same name counts. The syntax of the whole body is
//! checked, and its depth is not limited, since nothing recurses deeper than the pointers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// The token for the last element of an array, which RFC 6901 lacks.
const LAST: &str = "-1";

/// Returns the values at some JSON pointers, in their order. An empty pointer refers to the whole body.
pub(super) fn find<'a, const N: usize>(
    json: &'a [u8],
    pointers: [&str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut found = [None; N];
    find_all(json, &pointers, &mut found)?;
    Ok(found)
}

/// Writes the values at some JSON pointers into `found`, in their order.
pub(super) fn find_all<'a>(
    json: &'a [u8],
    pointers: &[&str],
    found: &mut [Option<&'a RawValue>],
) -> serde_json::Result<()> {
    let mut deeper = Vec::with_capacity(pointers.len());
    let mut whole = None;
    for (index, pointer) in pointers.iter().enumerate() {
        if pointer.is_empty() {
            if whole.is_none() {
                whole = Some(serde_json::from_slice(json)?);
            }
            found[index] = whole;
        } else {
            deeper.push((index, *pointer));
        }
    }
    if !deeper.is_empty() {
        descend(json, &deeper, found)?;
    }
    Ok(())
}

/// Looks for pointers that are not empty inside one value.
fn descend<'a>(
    json: &'a [u8],
    pointers: &[(usize, &str)],
    found: &mut [Option<&'a RawValue>],
) -> serde_json::Result<()> {
    let mut children: Vec<Child<'_, 'a>> = Vec::with_capacity(pointers.len());
    for &(index, pointer) in pointers {
        // A pointer without a slash refers to nothing.
        let Some(pointer) = pointer.strip_prefix('/') else { continue };
        let (token, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        match children.iter_mut().find(|child| child.token == token) {
            Some(child) => child.pointers.push((index, rest)),
            None => children.push(Child::new(token, (index, rest))),
        }
    }
    let mut deserializer = Deserializer::from_slice(json);
    match json.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => deserializer.deserialize_map(Members(&mut children))?,
        Some(b'[') => deserializer.deserialize_seq(Elements(&mut children))?,
        // Neither members nor elements; this checks the syntax.
        _ => _ = deserializer.deserialize_ignored_any(IgnoredAny)?,
    }
    deserializer.end()?;
    for Child { value, pointers, .. } in children {
        let Some(value) = value else { continue };
        let mut deeper = Vec::new();
        for (index, rest) in pointers {
            if rest.is_empty() {
                found[index] = Some(value);
            } else {
                deeper.push((index, rest));
            }
        }
        if !deeper.is_empty() {
            descend(value.get().as_bytes(), &deeper, found)?;
        }
    }
    Ok(())
}

/// A member or an element that some pointers refer to.
struct Child<'p, 'a> {
    /// As it is written in the pointers.
    token: &'p str,
    name: Cow<'p, str>,
    /// The pointers through this child: their indices, and the tokens after this one.
    pointers: Vec<(usize, &'p str)>,
    value: Option<&'a RawValue>,
}

impl<'p> Child<'p, '_> {
    fn new(token: &'p str, pointer: (usize, &'p str)) -> Self {
        Self { token, name: unescape(token), pointers: vec![pointer], value: None }
    }

    fn is_element(&self, index: usize) -> bool {
        // As in serde_json, an index has neither a sign nor leading zeros.
        self.token == LAST
            || self.token.parse() == Ok(index)
                && !self.token.starts_with('+')
                && (self.token.len() == 1 || !self.token.starts_with('0'))
    }
}

/// Replaces the escapes `~1` and `~0` of a token.
pub(super) fn unescape(token: &str) -> Cow<'_, str> {
    if token.as_bytes().contains(&b'~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

/// Visits an object.
struct Members<'c, 'p, 'a>(&'c mut [Child<'p, 'a>]);

impl<'a> Visitor<'a> for Members<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(child) = members.next_key_seed(Key(self.0))? {
            match child {
                Some(child) => self.0[child].value = Some(members.next_value()?),
                None => _ = members.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

/// Deserializes the name of a member into the index of its child.
struct Key<'c, 'p, 'a>(&'c [Child<'p, 'a>]);

impl<'a> DeserializeSeed<'a> for Key<'_, '_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // Unlike a string, bytes may contain a lone surrogate.
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E: serde::de::Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|child| child.name.as_bytes() == name))
    }
}

/// Visits an array.
struct Elements<'c, 'p, 'a>(&'c mut [Child<'p, 'a>]);

impl<'a> Visitor<'a> for Elements<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        for index in 0.. {
            if !self.0.iter().any(|child| child.is_element(index)) {
                match elements.next_element::<IgnoredAny>()? {
                    Some(_) => continue,
                    None => return Ok(()),
                }
            }
            let Some(value) = elements.next_element()? else { return Ok(()) };
            for child in self.0.iter_mut().filter(|child| child.is_element(index)) {
                child.value = Some(value);
            }
        }
        Err(A::Error::custom("an array of that length does not fit into memory"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn at<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
        find(json.as_bytes(), [pointer]).unwrap()[0].map(RawValue::get)
    }

    #[test]
    fn a_value_is_found_as_it_was_sent() {
        let json =
            r#" {"a": {"b/c": [10, 1e3, {"d": 1503435956.00024751}]}, "m~n": "\ud83d", "": null, "a ": 1} "#;
        for (pointer, want) in [
            ("", Some(json.trim())),
            ("/a/b~1c", Some(r#"[10, 1e3, {"d": 1503435956.00024751}]"#)),
            ("/a/b~1c/1", Some("1e3")),
            ("/a/b~1c/2/d", Some("1503435956.00024751")),
            ("/a/b~1c/-1/d", Some("1503435956.00024751")),
            ("/m~0n", Some(r#""\ud83d""#)),
            ("/", Some("null")),
            ("/a ", Some("1")),
            ("/a/b~1c/01", None),
            ("/a/b~1c/+1", None),
            ("/a/b~1c/3", None),
            ("/a/b~1c/-", None),
            ("/a/b~1c/0/d", None),
            ("/m~0n/x", None),
            ("/x", None),
            ("a", None),
        ] {
            assert_eq!(at(json, pointer), want, "{pointer}");
        }
    }

    #[test]
    fn the_last_member_of_a_name_counts() {
        let json = r#"{"a": {"x": 1, "y": 2}, "a": {"x": 3}, "\u0061": {"x": 4}}"#;
        assert_eq!(at(json, "/a/x"), Some("4"));
        assert_eq!(at(json, "/a/y"), None);
        assert_eq!(at(r#"{"a": {"x": 1}, "a": 2}"#, "/a/x"), None);
        assert_eq!(at(r#"{"\ud800": 1, "a": 2}"#, "/a"), Some("2"));
    }

    #[test]
    fn invalid_json_is_an_error_wherever_it_is() {
        for json in [
            "",
            "{",
            r#"{"a": 1"#,
            r#"{"a": 1} x"#,
            r#"{"a": 1, "b": }"#,
            r#"{"b": [1,], "a": 1}"#,
            r#"{"b": "\x", "a": 1}"#,
            "nul",
            "[1] 2",
            "<html>",
        ] {
            for pointer in ["", "/a", "/0"] {
                assert!(find(json.as_bytes(), [pointer]).is_err(), "{json} {pointer}");
            }
        }
    }

    #[test]
    fn depth_is_not_limited() {
        let json = format!("{{\"deep\": {}{}, \"a\": 1}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(at(&json, "/a"), Some("1"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a~/\"\\\\é]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab~/0]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::from(serde_json::Map::from_iter(map))),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_pointer_finds_what_serde_json_finds(
            json in any_json(),
            pointers in prop::array::uniform3("(/([ab0-2]|~0|~1){0,2}){0,4}"),
        ) {
            let text = json.to_string();
            let [a, b, c] = &pointers;
            let found = find(text.as_bytes(), [a, b, c]).unwrap();
            for (pointer, found) in pointers.iter().zip(found) {
                let found = found.map(|value| serde_json::from_str::<Value>(value.get()).unwrap());
                prop_assert_eq!(found.as_ref(), json.pointer(pointer), "{} {}", text, pointer);
            }
        }
    }
}

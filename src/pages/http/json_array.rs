//! The elements of a JSON array, deserialized one by one from the bytes of the array.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

/// The longest JSON that [`any_value`] converts, in bytes: a `Value` takes up to 85 times the memory of its text.
const MAX_ANY_VALUE: usize = 256 << 10;

/// An element that cannot be deserialized.
#[derive(Debug)]
pub(super) struct InvalidElement {
    pub(super) index: usize,
    /// Its line and column are relative to the element.
    pub(super) source: serde_json::Error,
}

/// Deserializes the elements in one pass; `None` if that fails for any reason.
///
/// The text is that of an array, or of a whole body, which may be anything.
pub(super) fn try_elements<T: DeserializeOwned>(json: &[u8]) -> Option<Vec<T>> {
    let mut deserializer = Deserializer::from_slice(json);
    let elements = deserializer.deserialize_seq(Elements(PhantomData)).ok()?;
    deserializer.end().is_ok().then_some(elements)
}

/// Deserializes the elements of the array with which a text begins, and returns the length of that array; `None` if that
/// fails for any reason.
pub(super) fn leading_elements<T: DeserializeOwned>(json: &[u8]) -> Option<(Vec<T>, usize)> {
    let mut arrays = Deserializer::from_slice(json).into_iter::<Array<T>>();
    let Array(elements) = arrays.next()?.ok()?;
    Some((elements, arrays.byte_offset()))
}

/// Deserializes the elements of an array, or finds the first element that cannot be deserialized.
pub(super) fn elements<T: DeserializeOwned>(array: &RawValue) -> Result<Vec<T>, InvalidElement> {
    if let Some(elements) = try_elements(array.get().as_bytes()) {
        return Ok(elements);
    }
    // Either an element has another type, or it contains a lone surrogate.
    let syntax = |source| InvalidElement { index: 0, source };
    Deserializer::from_str(array.get()).deserialize_seq(Slices(PhantomData)).map_err(syntax)?
}

/// Deserializes a value. A lone surrogate is replaced by U+FFFD, but only if the value cannot be deserialized as
/// it is.
pub(super) fn value<T: DeserializeOwned>(value: &RawValue) -> serde_json::Result<T> {
    serde_json::from_str(value.get()).or_else(|error| match replace_lone_surrogates(value.get()) {
        Some(repaired) => serde_json::from_str(&repaired),
        None => Err(error),
    })
}

/// Deserializes a value of any type, such as a link object, if its text is not larger than 256 KiB.
pub(super) fn any_value(value: &RawValue) -> serde_json::Result<Value> {
    if value.get().len() > MAX_ANY_VALUE {
        return Err(serde::de::Error::custom("expected a value of at most 256 KiB"));
    }
    self::value(value)
}

/// Replaces each escape of a lone surrogate by that of U+FFFD; `None` if there is none.
fn replace_lone_surrogates(json: &str) -> Option<String> {
    let mut repaired: Option<String> = None;
    let bytes = json.as_bytes();
    let escape_at = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut at = 0;
    while let Some(backslash) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += backslash;
        match escape_at(at) {
            Some(0xD800..=0xDBFF) if matches!(escape_at(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                repaired.get_or_insert_with(|| json.to_owned()).replace_range(at..at + 6, "\\ufffd");
                at += 6;
            }
            // The character after the backslash may be one, too.
            _ => at += 2,
        }
    }
    repaired
}

/// An array of any elements.
struct Array<T>(Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Array<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements(PhantomData)).map(Self)
    }
}

/// Visits an array.
struct Elements<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Elements<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            all.push(element);
        }
        Ok(all)
    }
}

/// Visits an array whose elements are deserialized from their slices.
struct Slices<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Slices<T> {
    type Value = Result<Vec<T>, InvalidElement>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            match value(element) {
                Ok(element) => all.push(element),
                Err(source) => {
                    // serde_json requires that the array is read to its end.
                    while elements.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(Err(InvalidElement { index: all.len(), source }));
                }
            }
        }
        Ok(Ok(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_halves_of_surrogate_pairs_are_replaced() {
        for (json, want) in [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""\ude00""#, Some(r#""\ufffd""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#""\uD83D\n\uDE00""#, Some(r#""\ufffd\n\ufffd""#)),
            (r#""\\ud83d""#, None),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
            (r#"{"\udfff": "é\ud800é"}"#, Some(r#"{"\ufffd": "é\ufffdé"}"#)),
            (r#""\u00e9 😀""#, None),
            (r#""\u12"#, None),
            (r#""\"#, None),
            ("", None),
        ] {
            assert_eq!(replace_lone_surrogates(json).as_deref(), want, "{json}");
        }
    }

    #[test]
    fn an_element_that_fails_is_found() {
        let array = |json: &str| serde_json::from_str::<Box<RawValue>>(json).unwrap();
        assert_eq!(elements::<u8>(&array(" [1, 2] ")).unwrap(), [1, 2]);
        let error = elements::<u8>(&array(r#"[1, "x"]"#)).unwrap_err();
        assert_eq!((error.index, error.source.line(), error.source.column()), (1, 1, 3));
        let texts = elements::<Value>(&array(r#"["a", "b\ud800", {"\udc00": 1}]"#)).unwrap();
        assert_eq!(texts, [json!("a"), json!("b\u{fffd}"), json!({ "\u{fffd}": 1 })]);
        assert_eq!(elements::<u128>(&array(&format!("[{}]", u128::MAX))).unwrap(), [u128::MAX]);
    }
}

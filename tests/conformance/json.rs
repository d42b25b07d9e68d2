//! Parsing of lines of JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A value that must be a JSON object. Types that derive `Deserialize` also accept a list of the values.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Parses a line. Errors give the column only: the line number is that of the file, which serde does not know.
pub(super) fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    if line.trim().is_empty() {
        return Err("the line is empty".to_owned());
    }
    let message = |error: serde_json::Error| {
        let (text, location) =
            (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
        text.strip_suffix(&location).map(|what| format!("column {}: {what}", error.column())).unwrap_or(text)
    };
    serde_json::from_str(line).map_err(message).map(|Object(value)| value)
}

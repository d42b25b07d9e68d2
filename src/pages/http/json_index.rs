//! The members of the object that is the whole body, found in one pass that does not look into the items.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::json_array;
use super::json_slices::{find, unescape};

/// More members are not indexed, since each lookup compares their names one by one.
const MAX_MEMBERS: usize = 64;

/// The positions of the members in the bytes of a body.
pub(super) struct JsonIndex {
    members: Vec<Member>,
}

struct Member {
    /// The name, without its quotes.
    name: Range<usize>,
    value: Range<usize>,
}

impl JsonIndex {
    /// Finds the members of an object; `None` if the body is not an object, has escapes in the names or many members, or is
    /// not JSON.
    ///
    /// The member `unchecked` must be an array that is deserialized later: only its brackets are counted here. All other
    /// values are checked.
    pub(super) fn new(json: &[u8], unchecked: Option<&str>) -> Option<Self> {
        Self::with_array(json, unchecked, container_len)
    }

    /// Finds the members of an object, as [`new`](Self::new) does, and deserializes the items on the way: those of the
    /// member `name`, if it is an array. Also returns the bytes of that array.
    ///
    /// `None` if there is no such array, or if anything is wrong with its items.
    pub(super) fn with_items<'a, T: DeserializeOwned>(
        json: &'a [u8],
        name: &str,
    ) -> Option<(Self, Vec<T>, &'a [u8])> {
        let mut found = None;
        let index = Self::with_array(json, Some(name), |array| {
            let (items, len) = json_array::leading_elements(array)?;
            found = Some((items, &array[..len]));
            Some(len)
        })?;
        let (items, array) = found?;
        // The last of several members with the name counts.
        (index.find(json, name)?.as_ptr() == array.as_ptr()).then_some((index, items, array))
    }

    /// Finds the members; `array_len` returns the length of the array with which a text begins.
    fn with_array<'a>(
        json: &'a [u8],
        unchecked: Option<&str>,
        mut array_len: impl FnMut(&'a [u8]) -> Option<usize>,
    ) -> Option<Self> {
        let mut members = Vec::new();
        let mut at = skip_space(json, 0);
        if json.get(at) != Some(&b'{') {
            return None;
        }
        at = skip_space(json, at + 1);
        if json.get(at) == Some(&b'}') {
            return None;
        }
        loop {
            if json.get(at) != Some(&b'"') || members.len() == MAX_MEMBERS {
                return None;
            }
            let name = at + 1..at + 1 + json[at + 1..].iter().position(|byte| *byte == b'"')?;
            // Control characters are not allowed in a string.
            if json[name.clone()].iter().any(|byte| *byte == b'\\' || *byte < b' ') {
                return None;
            }
            at = skip_space(json, name.end + 1);
            if json.get(at) != Some(&b':') {
                return None;
            }
            let start = skip_space(json, at + 1);
            let is_unchecked = json.get(start) == Some(&b'[')
                && unchecked.is_some_and(|unchecked| json[name.clone()] == *unchecked.as_bytes());
            // Of two arrays, only one would be deserialized.
            let is_repeated = is_unchecked
                && members.iter().any(|other: &Member| json[other.name.clone()] == json[name.clone()]);
            if is_repeated {
                return None;
            }
            let value = &json[start..];
            let end = start + if is_unchecked { array_len(value) } else { value_len(value) }?;
            if !is_unchecked && serde_json::from_slice::<&RawValue>(&json[start..end]).is_err() {
                return None;
            }
            members.push(Member { name, value: start..end });
            at = skip_space(json, end);
            match json.get(at)? {
                b',' => at = skip_space(json, at + 1),
                b'}' => break,
                _ => return None,
            }
        }
        (skip_space(json, at + 1) == json.len()).then_some(Self { members })
    }

    /// Returns the bytes of the last member with a name. Those of the unchecked member may not be JSON.
    pub(super) fn find<'a>(&self, json: &'a [u8], name: &str) -> Option<&'a [u8]> {
        let member =
            self.members.iter().rev().find(|member| json[member.name.clone()] == *name.as_bytes())?;
        Some(&json[member.value.clone()])
    }
}

/// Returns the value at a JSON pointer in a body with an index.
pub(super) fn find_indexed<'a>(
    index: &JsonIndex,
    json: &'a [u8],
    pointer: &str,
) -> serde_json::Result<Option<&'a RawValue>> {
    let Some(path) = pointer.strip_prefix('/') else {
        return if pointer.is_empty() { serde_json::from_slice(json).map(Some) } else { Ok(None) };
    };
    // Most of the names are short, so searching for bytes costs less than searching for characters.
    let (name, rest) = path.split_at(path.bytes().position(|byte| byte == b'/').unwrap_or(path.len()));
    match index.find(json, &unescape(name)) {
        None => Ok(None),
        Some(value) if rest.is_empty() => serde_json::from_slice(value).map(Some),
        Some(value) => find(value, [rest]).map(|[found]| found),
    }
}

/// Returns the name of the member that contains the items, if they are directly in it.
pub(super) fn items_name(pointer: &str) -> Option<&str> {
    pointer.strip_prefix('/').filter(|name| !name.contains(['/', '~']))
}

fn skip_space(json: &[u8], at: usize) -> usize {
    let rest = json.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// Returns the length of the value with which the text begins, without checking it.
fn value_len(json: &[u8]) -> Option<usize> {
    match json.first()? {
        b'"' => string_len(json),
        b'{' | b'[' => container_len(json),
        _ => Some(json.iter().position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t'))?),
    }
}

fn string_len(json: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match json.get(at)? {
            b'"' => return Some(at + 1),
            // The escaped character may be a quote.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn container_len(json: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => loop {
                match bytes.next()? {
                    b'"' => break,
                    b'\\' => _ = bytes.next()?,
                    _ => {}
                }
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(json.len() - bytes.as_slice().len());
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'a>(json: &'a str, name: &str) -> Option<&'a str> {
        let bytes = JsonIndex::new(json.as_bytes(), Some("items"))?.find(json.as_bytes(), name)?;
        Some(std::str::from_utf8(bytes).unwrap())
    }

    #[test]
    fn members_are_found_as_they_were_sent() {
        let json = " {\"a\" : 1e3 , \"items\":[{\"x\":\"]}\\\"\"},[ ]] ,\n\"b\":\"\\\"}\",\"c\": null, \"a\":{\"a\":[2]}\t} ";
        for (name, want) in [
            ("a", Some("{\"a\":[2]}")),
            ("items", Some("[{\"x\":\"]}\\\"\"},[ ]]")),
            ("b", Some("\"\\\"}\"")),
            ("c", Some("null")),
            ("x", None),
        ] {
            assert_eq!(at(json, name), want, "{name}");
        }
    }

    #[test]
    fn what_is_unusual_is_not_indexed() {
        for json in [
            "",
            "[]",
            "1",
            "{}",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\":1}}",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":\"\\q\"}",
            "{\"a\":[1,]}",
            "{\"\\u0061\":1}",
            "{\"a\":1 2}",
            "{\"a\":}",
            "{\"a\":[}",
            "{\"a\"1}",
            "{\"items\":[1}",
            "{\"items\":\"\\",
            "{\"items\":{\"a\":01}}",
            "{\"items\":[],\"items\":[]}",
            "{\"a\n\":1}",
        ] {
            assert!(JsonIndex::new(json.as_bytes(), Some("items")).is_none(), "{json}");
        }
        // The array is deserialized later.
        assert_eq!(at("{\"items\":[01]}", "items"), Some("[01]"));
    }

    #[test]
    fn the_items_are_deserialized_in_the_pass_that_finds_the_members() {
        let with_items = |json: &str| {
            let (index, items, array) = JsonIndex::with_items::<u128>(json.as_bytes(), "items")?;
            let next = index.find(json.as_bytes(), "next").map(<[u8]>::to_vec);
            Some((items, String::from_utf8(array.to_vec()).unwrap(), next))
        };
        let long = format!("[{}]", u128::MAX);
        for (json, items, array) in [
            ("{\"items\":[1, 2 ],\"next\":1e3}", vec![1, 2], "[1, 2 ]"),
            (" {\"next\": 1e3 , \"items\" : [ ] } ", vec![], "[ ]"),
            (&format!("{{\"items\":{long}\n,\"next\":1e3}}"), vec![u128::MAX], &long),
        ] {
            assert_eq!(with_items(json), Some((items, array.to_owned(), Some(b"1e3".to_vec()))), "{json}");
        }
        for json in [
            "{\"items\":[\"x\"],\"next\":1e3}",
            "{\"items\":[01]}",
            "{\"items\":[1}",
            "{\"items\":[1]",
            "{\"items\":[1]]}",
            "{\"items\":[1]1}",
            "{\"items\":[1],\"next\":01}",
            "{\"items\":[1],\"items\":[2]}",
            "{\"items\":[1],\"items\":null}",
            "{\"items\":0,\"items\":[1]}",
            "{\"items\":null}",
            "{\"item\":[1]}",
            "[1]",
            "",
        ] {
            assert_eq!(with_items(json), None, "{json}");
        }
    }
}

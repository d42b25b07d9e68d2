//! The members that identify an item.

use std::fmt;

use serde::de::{self, Deserialize, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::missing_items::is_empty_value;
use crate::pages::fingerprint::Fingerprint;

/// Members that identify an item, the most specific ones first.
pub(super) const IDENTITIES: &[&str] = &[
    "/id",
    "/_id",
    "/Id",
    "/ID",
    "/uuid",
    "/guid",
    "/gid",
    "/uid",
    "/@id",
    "/node_id",
    "/objectID",
    "/metadata/uid",
];

/// Returns the fingerprint of the identities of the first two items of an array; `None` if one of them has none, or if
/// they are equal.
///
/// A server that repeats a page may send a different time or signed URL in each item, or its members in another order.
pub(super) fn head(array: &[u8]) -> Option<Fingerprint> {
    let first = array.trim_ascii_start().strip_prefix(b"[")?;
    let mut items = Deserializer::from_slice(first).into_iter::<Identified<'_>>();
    let one = items.next()?.ok()?.0?;
    let second = first[items.byte_offset()..].trim_ascii_start().strip_prefix(b",")?;
    let other = Deserializer::from_slice(second).into_iter::<Identified<'_>>().next()?.ok()?.0?;
    (one.get() != other.get()).then(|| Fingerprint::of(format!("{},{}", one.get(), other.get()).as_bytes()))
}

/// The identity of an item, if it has one.
struct Identified<'a>(Option<&'a RawValue>);

impl<'de> Deserialize<'de> for Identified<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members).map(Self)
    }
}

/// Visits the members of an item. Anything but an object is an error.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut best: Option<(usize, &RawValue)> = None;
        while let Some(Rank(rank)) = members.next_key()? {
            match rank {
                Some(rank) if best.is_none_or(|(best, _)| rank < best) => {
                    best = Some((rank, members.next_value()?));
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(best.map(|(_, identity)| identity).filter(|identity| !is_empty_value(identity)))
    }
}

/// The index of a name among [`IDENTITIES`].
struct Rank(Option<usize>);

impl<'de> Deserialize<'de> for Rank {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = Rank;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Rank, E> {
        // The longest name has eight bytes.
        let is_identity = |identity: &str| identity.strip_prefix('/') == Some(name);
        Ok(Rank(if name.len() > 8 {
            None
        } else {
            IDENTITIES.iter().position(|identity| is_identity(identity))
        }))
    }
}

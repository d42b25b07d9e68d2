use crate::pages::checkpoint::Checkpoint;

/// A position in a [`Nested`](super::super::Nested) stream: that of the parents, and those of the parents whose items have
/// not all been yielded.
///
/// A stream that [resumes](super::super::Nested::resume) from it first continues with these parents, then with the
/// parents after them. As with a [`Checkpoint`], each item is yielded once if the checkpoint is committed together with
/// the items.
///
/// # Serialization
///
/// With the feature `serde`, the checkpoint is serializable if the parents are. In JSON:
///
/// ```json
/// {"format":"withal/pages/nested/1","parents":{..},"children":[{"parent":"a","checkpoint":{..}}],"items":7}
/// ```
///
/// `parents` and each `checkpoint` have the [format of a `Checkpoint`](Checkpoint#serialization). Deserialization fails if
/// a field is missing or unknown, or if `items` exceeds 2^53.
#[doc(alias = "bookmark", alias = "resume_token")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NestedCheckpoint<P, C, D> {
    pub(super) parents: Checkpoint<C>,
    pub(super) children: Vec<(P, Checkpoint<D>)>,
    pub(super) items: u64,
}

impl<P, C, D> NestedCheckpoint<P, C, D> {
    /// Returns the position in the stream of the parents.
    pub fn parents(&self) -> &Checkpoint<C> {
        &self.parents
    }

    /// Returns the parents before that position whose items have not all been yielded, with the position in each.
    pub fn children(&self) -> impl ExactSizeIterator<Item = (&P, &Checkpoint<D>)> {
        self.children.iter().map(|(parent, checkpoint)| (parent, checkpoint))
    }

    /// Returns the number of items yielded in total.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Returns `true` if the stream had ended. A stream that resumes from here yields nothing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.parents.is_done() && self.children.iter().all(|(_, child)| child.is_done())
    }
}

/// The start of a stream.
impl<P, C, D> Default for NestedCheckpoint<P, C, D> {
    fn default() -> Self {
        Self { parents: Checkpoint::default(), children: Vec::new(), items: 0 }
    }
}

#[cfg(feature = "serde")]
mod serialized {
    use super::{Checkpoint, NestedCheckpoint};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    const MAX_COUNT: u64 = 1 << 53;

    #[derive(Serialize)]
    #[serde(rename = "NestedCheckpoint")]
    struct Serialized<'a, P, C: Serialize, D: Serialize> {
        format: Format,
        parents: &'a Checkpoint<C>,
        children: Vec<SerializedChild<'a, P, D>>,
        items: u64,
    }

    #[derive(Serialize)]
    #[serde(rename = "Child")]
    struct SerializedChild<'a, P, D: Serialize> {
        parent: &'a P,
        checkpoint: &'a Checkpoint<D>,
    }

    #[derive(Deserialize)]
    #[serde(
        rename = "NestedCheckpoint",
        deny_unknown_fields,
        bound(deserialize = "P: Deserialize<'de>, C: Deserialize<'de>, D: Deserialize<'de>")
    )]
    struct Deserialized<P, C, D> {
        #[serde(rename = "format")]
        _format: Format,
        parents: Checkpoint<C>,
        children: Vec<DeserializedChild<P, D>>,
        items: u64,
    }

    #[derive(Deserialize)]
    #[serde(
        rename = "Child",
        deny_unknown_fields,
        bound(deserialize = "P: Deserialize<'de>, D: Deserialize<'de>")
    )]
    struct DeserializedChild<P, D> {
        // Otherwise serde would read a missing parent of type `Option` as `None`.
        #[serde(deserialize_with = "P::deserialize")]
        parent: P,
        checkpoint: Checkpoint<D>,
    }

    #[derive(Serialize, Deserialize)]
    enum Format {
        #[serde(rename = "withal/pages/nested/1")]
        V1,
    }

    impl<P: Serialize, C: Serialize, D: Serialize> Serialize for NestedCheckpoint<P, C, D> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let children =
                self.children.iter().map(|(parent, checkpoint)| SerializedChild { parent, checkpoint });
            Serialized {
                format: Format::V1,
                parents: &self.parents,
                children: children.collect(),
                items: self.items,
            }
            .serialize(serializer)
        }
    }

    impl<'de, P, C, D> Deserialize<'de> for NestedCheckpoint<P, C, D>
    where
        P: Deserialize<'de>,
        C: Deserialize<'de>,
        D: Deserialize<'de>,
    {
        fn deserialize<Z: Deserializer<'de>>(deserializer: Z) -> Result<Self, Z::Error> {
            let Deserialized { parents, children, items, .. } = Deserialized::deserialize(deserializer)?;
            if items > MAX_COUNT {
                return Err(Z::Error::custom("the count of items is too large"));
            }
            let children = children.into_iter().map(|child| (child.parent, child.checkpoint)).collect();
            Ok(Self { parents, children, items })
        }
    }
}

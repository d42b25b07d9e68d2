/// Where a walk stands: after the last item yielded. What [`resume`](super::AsyncGetDocs::resume) starts from.
///
/// Valid at every moment: before the first item, inside a page, between pages, after an error, at the end. Plain data:
/// with the feature `serde` it can be written anywhere and read back; its JSON is
/// `{"format":"withal/pages/1","cursor":..,"skip":..,"items":..,"pages":..,"done":..}`, and reading anything else is an
/// error.
///
/// Resuming asks for the page again and skips the items already yielded. It trusts that the API still has the same
/// pages: with another page size, filter or sort order, the checkpoint is of another walk. Where that shows, because the
/// page holds fewer items than were yielded of it, it is an error: [`ErrorKind::ResumeOutOfRange`](super::ErrorKind::ResumeOutOfRange).
///
/// # Examples
///
/// ```
/// use withal::pages::{Checkpoint, Page, by_cursor};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// async fn letters(cursor: Option<u32>) -> Result<(Vec<char>, Option<u32>), std::io::Error> {
///     Ok(match cursor {
///         None => (vec!['a', 'b', 'c'], Some(2)),
///         Some(_) => (vec!['d', 'e'], None),
///     })
/// }
///
/// let mut docs = by_cursor(letters);
/// assert_eq!(docs.try_next().await?, Some('a'));
/// assert_eq!(docs.try_next().await?, Some('b'));
/// let checkpoint: Checkpoint<u32> = docs.checkpoint();
/// drop(docs);
///
/// let mut docs = by_cursor(letters).resume(checkpoint);
/// assert_eq!(docs.try_next().await?, Some('c'));
/// assert_eq!(docs.try_next().await?, Some('d'));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Checkpoint<C> {
    pub(super) cursor: Option<C>,
    pub(super) skip: u64,
    pub(super) items: u64,
    pub(super) pages: u64,
    pub(super) done: bool,
}

impl<C> Checkpoint<C> {
    /// A place named by hand: the page at `cursor` (`None`: the first), after its first `skip` items.
    ///
    /// The counts of items and pages before it start from zero.
    pub fn new(cursor: Option<C>, skip: u64) -> Self {
        Self { cursor, skip, items: 0, pages: 0, done: false }
    }

    /// The cursor of the page to ask for; `None` is the start of the walk.
    #[must_use]
    pub fn cursor(&self) -> Option<&C> {
        self.cursor.as_ref()
    }

    /// How many items of that page were yielded already.
    #[must_use]
    pub fn skip(&self) -> u64 {
        self.skip
    }

    /// How many items were yielded in all.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// How many pages lie wholly behind.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// Whether the walk had come to its end: resuming from here yields nothing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }
}

/// The start of a walk.
impl<C> Default for Checkpoint<C> {
    fn default() -> Self {
        Self::new(None, 0)
    }
}

#[cfg(feature = "serde")]
mod stored {
    use super::Checkpoint;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// What JSON's numbers hold exactly; the counts go on from here without an overflow in sight.
    const MOST: u64 = 1 << 53;

    /// What is written: the fields, behind a mark that tells a checkpoint from other JSON.
    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Checkpoint", deny_unknown_fields, bound(deserialize = "C: Deserialize<'de>"))]
    struct Stored<C> {
        format: Format,
        // Without this a missing field would read as `None`, the start of the walk.
        #[serde(deserialize_with = "Option::deserialize")]
        cursor: Option<C>,
        skip: u64,
        items: u64,
        pages: u64,
        done: bool,
    }

    #[derive(Serialize, Deserialize)]
    enum Format {
        #[serde(rename = "withal/pages/1")]
        V1,
    }

    impl<C: Serialize> Serialize for Checkpoint<C> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self { cursor, skip, items, pages, done } = self;
            Stored {
                format: Format::V1,
                cursor: cursor.as_ref(),
                skip: *skip,
                items: *items,
                pages: *pages,
                done: *done,
            }
            .serialize(serializer)
        }
    }

    impl<'de, C: Deserialize<'de>> Deserialize<'de> for Checkpoint<C> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Stored { format: Format::V1, cursor, skip, items, pages, done } =
                Stored::deserialize(deserializer)?;
            if items.max(pages) > MOST {
                return Err(D::Error::custom("no walk has had so many items or pages"));
            }
            Ok(Self { cursor, skip, items, pages, done })
        }
    }
}

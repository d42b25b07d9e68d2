use std::fmt;

use super::error::ShownCursor;
use super::fingerprint::Content;

/// A position in a stream, after the last item yielded, from which [`resume`](super::AsyncGetDocs::resume) continues.
///
/// A checkpoint can be taken at any moment: before the first item, inside a page, between pages, after an error, at the
/// end. A stream that resumes requests the page of the checkpoint again and skips the items that were yielded before.
///
/// A checkpoint is only valid for the same query. With another page size, filter or sort order, the API has other
/// pages, and a stream that resumes may skip or repeat items. If the page has fewer items than are to be skipped, the
/// stream reports [`ErrorKind::ResumeOutOfRange`](super::ErrorKind::ResumeOutOfRange).
///
/// # Serialization
///
/// With the feature `serde`, a checkpoint is serializable. In JSON:
///
/// ```json
/// {"format":"withal/pages/1","cursor":"token-2","skip":1,"items":101,"pages":1,"done":false,"total":250,"content":null}
/// ```
///
/// | field | content |
/// |---|---|
/// | `format` | always `"withal/pages/1"` |
/// | `cursor` | [the cursor](Self::cursor) of the page to request, serialized as its type does; `null` for the first page |
/// | `skip` | [the number of items](Self::skip) to skip at the start of that page |
/// | `items` | [the number of items](Self::items) yielded in total |
/// | `pages` | [the number of pages](Self::pages) finished |
/// | `done` | [`true`](Self::is_done) if the stream had ended |
/// | `total` | [the number of all items](Self::total), if the API reported it |
/// | `content` | the [fingerprint](super::Page::fingerprint) of the page before, if it has one, and in some streams that of its last item |
///
/// Deserialization fails if a field is unknown, if one other than `total` and `content` is missing, or if `items`,
/// `pages` or `total` exceeds 2^53. A larger total is serialized as `null`.
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
/// let mut items = by_cursor(letters);
/// assert_eq!(items.try_next().await?, Some('a'));
/// assert_eq!(items.try_next().await?, Some('b'));
/// let checkpoint: Checkpoint<u32> = items.checkpoint();
/// drop(items);
///
/// let mut items = by_cursor(letters).resume(checkpoint);
/// assert_eq!(items.try_next().await?, Some('c'));
/// assert_eq!(items.try_next().await?, Some('d'));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bookmark", alias = "resume_token")]
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Checkpoint<C> {
    pub(super) cursor: Option<C>,
    pub(super) skip: u64,
    pub(super) items: u64,
    pub(super) pages: u64,
    pub(super) done: bool,
    pub(super) total: Option<u64>,
    /// The content of the page before, between two pages.
    pub(super) content: Option<Content>,
}

impl<C> Checkpoint<C> {
    /// Creates a checkpoint after the first `skip` items of the page at `cursor`. A `cursor` of `None` refers to the
    /// first page.
    ///
    /// The numbers of earlier [`items`](Self::items) and [`pages`](Self::pages) are 0.
    pub fn new(cursor: Option<C>, skip: u64) -> Self {
        Self { cursor, skip, items: 0, pages: 0, done: false, total: None, content: None }
    }

    /// Returns the cursor of the page to request; `None` for the first page.
    #[must_use]
    pub fn cursor(&self) -> Option<&C> {
        self.cursor.as_ref()
    }

    /// Returns the number of items to skip at the start of that page: those that were yielded or removed before.
    #[must_use]
    pub fn skip(&self) -> u64 {
        self.skip
    }

    /// Returns the number of items yielded in total.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Returns the number of finished pages, whose items were all yielded.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// Returns `true` if the stream had ended. A stream that resumes from here yields nothing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Returns the number of all items, as the API has reported it so far; see
    /// [`Progress::total`](super::Progress::total).
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// The secrets that a URL may contain are masked in the cursor, as in [`Error::cursor`](super::Error::cursor).
impl<C: fmt::Debug> fmt::Debug for Checkpoint<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cursor, skip, items, pages, done, total, content } = self;
        f.debug_struct("Checkpoint")
            .field("cursor", &ShownCursor(cursor.as_ref()))
            .field("skip", skip)
            .field("items", items)
            .field("pages", pages)
            .field("done", done)
            .field("total", total)
            .field("content", content)
            .finish()
    }
}

/// The start of a stream.
impl<C> Default for Checkpoint<C> {
    fn default() -> Self {
        Self::new(None, 0)
    }
}

#[cfg(feature = "serde")]
mod serialized {
    use super::{Checkpoint, Content};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// The largest count: JSON numbers represent it exactly, and adding to it cannot overflow in practice.
    const MAX_COUNT: u64 = 1 << 53;

    /// The fields, preceded by a format that distinguishes a checkpoint from other JSON.
    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Checkpoint", deny_unknown_fields, bound(deserialize = "C: Deserialize<'de>"))]
    struct Serialized<C> {
        format: Format,
        // Otherwise serde would read a missing field as `None`, the start of the stream.
        #[serde(deserialize_with = "Option::deserialize")]
        cursor: Option<C>,
        skip: u64,
        items: u64,
        pages: u64,
        done: bool,
        // Checkpoints of the first versions end here.
        #[serde(default)]
        total: Option<u64>,
        #[serde(default)]
        content: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    enum Format {
        #[serde(rename = "withal/pages/1")]
        V1,
    }

    impl<C: Serialize> Serialize for Checkpoint<C> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self { cursor, skip, items, pages, done, total, content } = self;
            Serialized {
                format: Format::V1,
                cursor: cursor.as_ref(),
                skip: *skip,
                items: *items,
                pages: *pages,
                done: *done,
                total: total.filter(|total| *total <= MAX_COUNT),
                content: content.as_ref().map(Content::to_string),
            }
            .serialize(serializer)
        }
    }

    impl<'de, C: Deserialize<'de>> Deserialize<'de> for Checkpoint<C> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Serialized { format: Format::V1, cursor, skip, items, pages, done, total, content } =
                Serialized::deserialize(deserializer)?;
            if items.max(pages).max(total.unwrap_or(0)) > MAX_COUNT {
                return Err(D::Error::custom("the count of items or pages, or the total, is too large"));
            }
            let content = content.map(|hex| {
                Content::from_hex(&hex)
                    .ok_or_else(|| D::Error::custom("the content is neither 32 nor 64 hex digits"))
            });
            Ok(Self { cursor, skip, items, pages, done, total, content: content.transpose()? })
        }
    }
}

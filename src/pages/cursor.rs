use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What a cursor must be able to do: nothing that a token, a URL, a number or a key does not do already.
///
/// Implemented for every type that fits; there is nothing to implement. `Debug` names the cursor in errors, so a
/// cursor that holds a secret should redact itself there. `PartialEq` finds loops.
pub trait Cursor: Clone + fmt::Debug + PartialEq + Send + 'static {}

impl<C: Clone + fmt::Debug + PartialEq + Send + 'static> Cursor for C {}

/// A cursor with random access: page `n` can be asked for before page `n - 1` has arrived.
///
/// Only [`PageNumber`] and [`Offset`] are, and only for them there is
/// [`AsyncGetDocs::concurrency`](super::AsyncGetDocs::concurrency).
#[diagnostic::on_unimplemented(
    message = "pages behind a cursor of type `{Self}` cannot be fetched concurrently",
    label = "each page is known only from the one before it",
    note = "only `by_page_number`, `by_offset` and `AsyncGetDocs::new` know their pages in advance; \
            `.read_ahead(n)` overlaps fetching with your work over any cursor"
)]
pub trait RandomAccess: Cursor + sealed::Sealed {}

/// The cursor of [`by_page_number`](super::by_page_number) and of [`AsyncGetDocs::new`](super::AsyncGetDocs::new).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct PageNumber {
    page: u64,
}

/// The cursor of [`by_offset`](super::by_offset): how many items stand before the page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Offset {
    offset: u64,
}

impl PageNumber {
    /// The page with this number; to resume from, to restart from, or to name as a page's [next](super::Page::next_cursor).
    #[must_use]
    pub fn new(page: u64) -> Self {
        Self { page }
    }

    /// The number, as the fetch function gets it.
    #[must_use]
    pub fn get(self) -> u64 {
        self.page
    }
}

impl Offset {
    /// The page behind so many items; to resume from, to restart from, or to name as a page's
    /// [next](super::Page::next_cursor).
    #[must_use]
    pub fn new(offset: u64) -> Self {
        Self { offset }
    }

    /// The offset in items, as the fetch function gets it.
    #[must_use]
    pub fn get(self) -> u64 {
        self.offset
    }
}

impl fmt::Debug for PageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page={}", self.page)
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset={}", self.offset)
    }
}

impl RandomAccess for PageNumber {}
impl RandomAccess for Offset {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::PageNumber {}
    impl Sealed for super::Offset {}
}

/// How to find the next page without being told: what `PageNumber` and `Offset` have and a token has not.
///
/// A function pointer rather than a method of `RandomAccess`: the engine serves cursors that are not numbered, too.
pub(super) struct Numbering<C> {
    /// The cursor after a page at `C` that held so many items.
    pub(super) advance: fn(&C, u64) -> C,
    /// How many items a page is expected to hold; `None` where the numbering does not depend on it.
    pub(super) page_size: Option<u64>,
}

impl Numbering<PageNumber> {
    pub(super) fn by_page() -> Self {
        Self { advance: |at, _| PageNumber::new(at.page.saturating_add(1)), page_size: None }
    }
}

impl Numbering<Offset> {
    pub(super) fn by_offset(limit: u64) -> Self {
        Self { advance: |at, items| Offset::new(at.offset.saturating_add(items)), page_size: Some(limit) }
    }
}

/// Whether an API that had no next cursor would have sent this one.
///
/// Asks the type, so for a cursor that is neither text nor bytes nothing is left of this when it is compiled.
pub(super) fn is_blank<C: 'static>(cursor: &C) -> bool {
    fn empty<S: 'static>(cursor: &dyn Any, len: impl Fn(&S) -> usize) -> bool {
        cursor.downcast_ref::<S>().is_some_and(|cursor| len(cursor) == 0)
    }
    empty::<String>(cursor, String::len)
        || empty::<&'static str>(cursor, |text| text.len())
        || empty::<Box<str>>(cursor, |text| text.len())
        || empty::<Arc<str>>(cursor, |text| text.len())
        || empty::<Cow<'static, str>>(cursor, |text| text.len())
        || empty::<Vec<u8>>(cursor, Vec::len)
        || empty::<&'static [u8]>(cursor, |bytes| bytes.len())
        || empty::<Box<[u8]>>(cursor, |bytes| bytes.len())
        || empty::<Arc<[u8]>>(cursor, |bytes| bytes.len())
}

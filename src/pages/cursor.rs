use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A type whose values identify pages: tokens, keys, URLs or numbers.
///
/// `Cursor` is implemented for every type with these bounds. `PartialEq` is used to detect cursor cycles, and `Debug`
/// to format the cursor in errors. If a cursor contains a secret, its `Debug` implementation should redact it.
pub trait Cursor: Clone + fmt::Debug + PartialEq + Send + 'static {}

impl<C: Clone + fmt::Debug + PartialEq + Send + 'static> Cursor for C {}

/// A cursor with random access: page `n` can be requested before page `n - 1` has arrived.
///
/// [`PageNumber`] and [`Offset`] implement it, and
/// [`AsyncGetDocs::concurrency`](super::AsyncGetDocs::concurrency) requires it.
#[diagnostic::on_unimplemented(
    message = "pages with a cursor of type `{Self}` cannot be fetched concurrently",
    label = "the cursor of each page is only known from the page before it",
    note = "only `by_page_number`, `by_offset` and `AsyncGetDocs::new` know their cursors in advance; \
            `.read_ahead(n)` overlaps fetching with your work for any cursor"
)]
pub trait RandomAccess: Cursor + sealed::Sealed {}

/// The cursor of [`by_page_number`](super::by_page_number) and of [`AsyncGetDocs::new`](super::AsyncGetDocs::new).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct PageNumber {
    page: u64,
}

/// The cursor of [`by_offset`](super::by_offset): the number of items before the page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Offset {
    offset: u64,
}

impl PageNumber {
    /// Creates the cursor of the page with this number.
    ///
    /// Use it to resume, to restart, or as the [`next_cursor`](super::Page::next_cursor) of a page.
    #[must_use]
    pub fn new(page: u64) -> Self {
        Self { page }
    }

    /// Returns the number, as passed to the fetch function.
    #[must_use]
    pub fn get(self) -> u64 {
        self.page
    }
}

impl Offset {
    /// Creates the cursor of the page after the first `offset` items.
    ///
    /// Use it to resume, to restart, or as the [`next_cursor`](super::Page::next_cursor) of a page.
    #[must_use]
    pub fn new(offset: u64) -> Self {
        Self { offset }
    }

    /// Returns the offset in items, as passed to the fetch function.
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

/// Computes the next cursor from the current one, for `PageNumber` and `Offset`.
///
/// It holds a function pointer, and is not a method of `RandomAccess`, because the fetchers also serve other cursors.
pub(super) struct Numbering<C> {
    /// Returns the cursor after a page with this cursor and this number of items.
    pub(super) advance: fn(&C, u64) -> C,
    /// The expected number of items of a page; `None` if the cursors do not depend on it.
    pub(super) page_size: Option<u64>,
}

impl Numbering<PageNumber> {
    pub(super) fn by_page() -> Self {
        Self { advance: |cursor, _| PageNumber::new(cursor.page.saturating_add(1)), page_size: None }
    }
}

impl Numbering<Offset> {
    pub(super) fn by_offset(limit: u64) -> Self {
        Self {
            advance: |cursor, items| Offset::new(cursor.offset.saturating_add(items)),
            page_size: Some(limit),
        }
    }
}

/// Returns `true` for the empty string or byte slice that an API may send instead of no cursor.
///
/// The compiler evaluates the type comparisons, so no check remains for a cursor of another type.
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

use super::cursor::{Offset, PageNumber};

/// One page as an API returned it: its items, and the way to the next page.
///
/// A fetch function returns a `Page` or anything that converts into one:
///
/// | the API returns | the fetch returns | which means |
/// |---|---|---|
/// | items and a cursor | `(Vec<T>, Option<C>)` | `None` is the end |
/// | items alone, by number | `Vec<T>` | go on until a page is empty |
/// | items and "has more", by number | `(Vec<T>, bool)` | go on while it is true |
/// | more than that | `Page::new(..).total(..).has_more(..)` | see the methods |
///
/// # Examples
///
/// ```
/// use withal::pages::Page;
///
/// let page = Page::new(vec!["a", "b"], Some("token-2")).total(40);
/// assert_eq!(page.next_cursor, Some("token-2"));
/// assert_eq!(page.total, Some(40));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Page<T, C> {
    /// The items, in the API's order. An empty page says nothing about the end: see [`OnEmpty`](super::OnEmpty).
    pub items: Vec<T>,
    /// The cursor of the next page.
    ///
    /// An empty string is no cursor, nor are empty bytes: `String`, `&str`, `Box<str>`, `Arc<str>`, `Cow<str>`, `Vec<u8>`,
    /// `&[u8]`, `Box<[u8]>`, `Arc<[u8]>`. Of a type of your own, filter the blank one before. Over numbers, `None` means
    /// "the one after this".
    pub next_cursor: Option<C>,
    /// How many items there are in all, as the API says. Shown by `progress`, never believed as the end.
    pub total: Option<u64>,
    /// What the API says of pages to come: `Some(false)` ends the walk even where there is a cursor (Relay's
    /// `endCursor`), `Some(true)` without a cursor is an error, for documents would be lost.
    pub has_more: Option<bool>,
}

impl<T, C> Page<T, C> {
    /// A page and the cursor of the one after it; `None` if there is none.
    pub fn new(items: Vec<T>, next_cursor: Option<C>) -> Self {
        Self { items, next_cursor, total: None, has_more: None }
    }

    /// The same page with the number of items in all, as the API reports it.
    pub fn total(mut self, total: impl Into<Option<u64>>) -> Self {
        self.total = total.into();
        self
    }

    /// The same page with what the API says of pages to come.
    pub fn has_more(mut self, has_more: impl Into<Option<bool>>) -> Self {
        self.has_more = has_more.into();
        self
    }
}

impl<T, C> From<(Vec<T>, Option<C>)> for Page<T, C> {
    fn from((items, next): (Vec<T>, Option<C>)) -> Self {
        Self::new(items, next)
    }
}

/// Only over numbers: a chain of cursors that names no next page would end after its first, in silence.
impl<T> From<Vec<T>> for Page<T, PageNumber> {
    fn from(items: Vec<T>) -> Self {
        Self::new(items, None)
    }
}

/// As for [`PageNumber`].
impl<T> From<Vec<T>> for Page<T, Offset> {
    fn from(items: Vec<T>) -> Self {
        Self::new(items, None)
    }
}

/// Only over numbers: over cursors, "has more" needs the cursor beside it.
impl<T> From<(Vec<T>, bool)> for Page<T, PageNumber> {
    fn from((items, has_more): (Vec<T>, bool)) -> Self {
        Self::new(items, None).has_more(has_more)
    }
}

/// As for [`PageNumber`].
impl<T> From<(Vec<T>, bool)> for Page<T, Offset> {
    fn from((items, has_more): (Vec<T>, bool)) -> Self {
        Self::new(items, None).has_more(has_more)
    }
}

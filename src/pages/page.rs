use super::cursor::{Offset, PageNumber};

/// A page as an API returns it: the items, and the cursor of the next page.
///
/// A fetch function returns a `Page`, or a type that converts into one:
///
/// | the API returns | the fetch function returns | the stream continues |
/// |---|---|---|
/// | items and a cursor | `(Vec<T>, Option<C>)` | until the cursor is `None` |
/// | the items of a numbered page | `Vec<T>` | until a page is empty |
/// | the items of a numbered page and a flag for more pages | `(Vec<T>, bool)` | while the flag is `true` |
/// | anything else | `Page::new(..).total(..).has_more(..)` | as the [fields](#fields) specify |
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
    /// The items, in the order of the API. An empty page does not always mark the end: see [`OnEmpty`](super::OnEmpty).
    pub items: Vec<T>,
    /// The cursor of the next page.
    ///
    /// An empty string or byte slice counts as `None`. This holds for `String`, `&str`, `Box<str>`, `Arc<str>`,
    /// `Cow<str>`, `Vec<u8>`, `&[u8]`, `Box<[u8]>` and `Arc<[u8]>`. With a cursor type of your own, map blank cursors
    /// to `None` in the fetch function. With page numbers and offsets, `None` means that the page after this one is
    /// next.
    #[doc(alias = "next_page", alias = "next_token", alias = "next_page_token")]
    pub next_cursor: Option<C>,
    /// The number of all items, if the API reports it.
    ///
    /// It is available as [`Progress::total`](super::Progress::total), and never decides where the stream ends.
    pub total: Option<u64>,
    /// `true` if the API reports more pages, `false` if it reports that there are none, `None` if it reports neither.
    ///
    /// `Some(false)` ends the stream even if there is a cursor, such as Relay's `endCursor` on the last page. In a
    /// cursor stream, `Some(true)` without a cursor is an error, because items would be lost.
    pub has_more: Option<bool>,
}

impl<T, C> Page<T, C> {
    /// Creates a page from its items and the cursor of the next page, `None` if there is no next page.
    pub fn new(items: Vec<T>, next_cursor: Option<C>) -> Self {
        Self { items, next_cursor, total: None, has_more: None }
    }

    /// Sets the number of all items, as the API reports it.
    pub fn total(mut self, total: impl Into<Option<u64>>) -> Self {
        self.total = total.into();
        self
    }

    /// Sets the flag for more pages, as the API reports it.
    pub fn has_more(mut self, has_more: impl Into<Option<bool>>) -> Self {
        self.has_more = has_more.into();
        self
    }
}

impl<T, C> From<(Vec<T>, Option<C>)> for Page<T, C> {
    fn from((items, next_cursor): (Vec<T>, Option<C>)) -> Self {
        Self::new(items, next_cursor)
    }
}

/// Only for numbered pages: a cursor stream whose pages have no cursor would silently end after the first page.
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

/// Only for numbered pages: a page of a cursor stream needs a cursor in addition to the flag.
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

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::cursor::{Offset, PageNumber};
use super::fingerprint::{Content, Fingerprint};

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
    /// An empty string or byte slice counts as `None`, unless [`on_blank_cursor`](super::AsyncGetDocs::on_blank_cursor)
    /// is set. This holds for `String`, `&str`, `Box<str>`, `Arc<str>`,
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
    /// `None` for most pages, so that a page without details costs one word.
    details: Option<Box<Details>>,
}

/// The parts of a page that few APIs need.
#[derive(Clone, Default)]
struct Details {
    fingerprint: Option<Fingerprint>,
    /// The identities of the first items.
    head: Option<Fingerprint>,
    /// The items, if they are compared with those of the pages before and after.
    items: Option<Arc<[Fingerprint]>>,
    extra: Option<Arc<dyn Any + Send + Sync>>,
}

/// The extra value of [`Page::not_modified`].
struct NotModified;

impl<T, C> Page<T, C> {
    /// Creates a page from its items and the cursor of the next page, `None` if there is no next page.
    pub fn new(items: Vec<T>, next_cursor: Option<C>) -> Self {
        Self { items, next_cursor, total: None, has_more: None, details: None }
    }

    /// Creates the page of an API that has not changed since an earlier crawl, such as a response with status 304 (Not
    /// Modified) to a request with `If-None-Match`.
    ///
    /// It is empty and the last page. The stream ends without an item, and its
    /// [`is_not_modified`](super::AsyncGetDocs::is_not_modified) returns `true`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// use withal::pages::{Page, by_cursor};
    ///
    /// /// Sends the tag of an earlier crawl with the first request. The server responds with status 304.
    /// async fn get(cursor: Option<u64>, if_none_match: &str) -> std::io::Result<Page<u64, u64>> {
    ///     # let is_304 = if_none_match == "\"v7\"" && cursor.is_none();
    ///     Ok(if is_304 { Page::not_modified() } else { Page::new(vec![1, 2], None) })
    /// }
    ///
    /// let mut items = by_cursor(|cursor| get(cursor, "\"v7\""));
    /// assert_eq!(items.try_next().await?, None);
    /// assert!(items.is_not_modified());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("304", "etag", "if_none_match", "unchanged"))]
    pub fn not_modified() -> Self {
        Self::unmodified(None).has_more(false)
    }

    /// Creates a page that has not changed, and the cursor of the page after it.
    pub(super) fn unmodified(next_cursor: Option<C>) -> Self {
        Self::new(Vec::new(), next_cursor).extra(NotModified)
    }

    /// Returns `true` if the page has not changed since an earlier crawl.
    pub(super) fn is_unmodified(&self) -> bool {
        self.extra_value().is_some_and(|extra| extra.is::<NotModified>())
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

    /// Sets the content by which the stream detects a page that repeats under another cursor.
    ///
    /// `bytes` are those of the items, as the API sent them, or of their keys. Only a 128-bit hash of them is kept. If
    /// the page is not empty and has the same bytes as an earlier one, [`on_repeat`](super::AsyncGetDocs::on_repeat)
    /// decides what follows. Pages without a fingerprint are not compared.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use withal::pages::{Page, by_page_number};
    ///
    /// // This server returns its last page for every number beyond it.
    /// let mut items = by_page_number(1, |page| async move {
    ///     let body = if page == 1 { "a b" } else { "c d" };
    ///     Ok::<_, std::io::Error>(Page::new(body.split(' ').collect(), None).fingerprint(body))
    /// });
    /// for item in ["a", "b", "c", "d"] {
    ///     assert_eq!(items.try_next().await.unwrap(), Some(item));
    /// }
    /// assert!(items.try_next().await.unwrap_err().is_repeated_page());
    /// # }
    /// ```
    #[doc(alias("hash", "digest"))]
    pub fn fingerprint(self, bytes: impl AsRef<[u8]>) -> Self {
        self.with_fingerprint(Fingerprint::of(bytes.as_ref()))
    }

    pub(super) fn with_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.details_mut().fingerprint = Some(fingerprint);
        self
    }

    /// Attaches a value to the page: what the API returned beside the items, such as a link to later changes or the
    /// headers of the response.
    ///
    /// A page has one extra value; a second replaces it. It is read with [`AsyncGetDocs::extra`],
    /// [`Pages::extra`](super::Pages::extra) or [`Batch::extra`](super::Batch::extra).
    ///
    /// [`AsyncGetDocs::extra`]: super::AsyncGetDocs::extra
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// use withal::pages::{Page, by_cursor};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct DeltaLink(&'static str);
    ///
    /// let mut items = by_cursor(|_: Option<u8>| async {
    ///     Ok::<_, std::io::Error>(Page::new(vec![1, 2], None).extra(DeltaLink("/delta?token=9")))
    /// });
    /// assert_eq!(items.try_next().await?, Some(1));
    /// assert_eq!(items.extra(), Some(&DeltaLink("/delta?token=9")));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("metadata", "headers", "included", "extensions"))]
    pub fn extra<X: Any + Send + Sync>(mut self, extra: X) -> Self {
        self.details_mut().extra = Some(Arc::new(extra));
        self
    }

    /// Replaces another page by this one.
    ///
    /// This costs less than an assignment, because the details of the other page are dropped elsewhere.
    #[inline(always)]
    pub(super) fn store(self, into: &mut Self) {
        let Self { items, next_cursor, total, has_more, details } = self;
        (into.items, into.next_cursor, into.total, into.has_more) = (items, next_cursor, total, has_more);
        if details.is_some() || into.details.is_some() {
            into.replace_details(details);
        }
    }

    #[cold]
    #[inline(never)]
    fn replace_details(&mut self, details: Option<Box<Details>>) {
        self.details = details;
    }

    #[cold]
    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    #[inline]
    pub(super) fn has_details(&self) -> bool {
        self.details.is_some()
    }

    /// Sets the identities of the first items, by which a page that repeats the one before is detected.
    #[cfg(feature = "http")]
    pub(super) fn with_head(mut self, head: Option<Fingerprint>) -> Self {
        if head.is_some() {
            self.details_mut().head = head;
        }
        self
    }

    pub(super) fn head(&self) -> Option<Fingerprint> {
        self.details.as_ref()?.head
    }

    /// Sets the items that are compared with those of the pages before and after.
    #[cfg(feature = "http")]
    pub(super) fn with_items_compared(mut self, items: Option<Arc<[Fingerprint]>>) -> Self {
        if items.is_some() {
            self.details_mut().items = items;
        }
        self
    }

    pub(super) fn compared_items(&self) -> Option<&Arc<[Fingerprint]>> {
        self.details.as_ref()?.items.as_ref()
    }

    /// Returns the fingerprints of the items that a checkpoint keeps.
    pub(super) fn content(&self) -> Option<Content> {
        let last_item = self.compared_items().and_then(|items| items.last().copied());
        self.item_fingerprint().map(|page| Content { page, last_item })
    }

    /// The fingerprint of the items, if one was set.
    pub(super) fn item_fingerprint(&self) -> Option<Fingerprint> {
        self.details.as_ref()?.fingerprint
    }

    pub(super) fn extra_value(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.details.as_ref()?.extra.as_ref()
    }
}

/// Two extra values are equal if they are the same value, at the same address.
impl PartialEq for Details {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.extra, &other.extra) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        is_same
            && self.fingerprint == other.fingerprint
            && self.head == other.head
            && self.items == other.items
    }
}

impl Eq for Details {}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details")
            .field("fingerprint", &self.fingerprint)
            .field("head", &self.head)
            .field("items", &self.items)
            .field("extra", &self.extra)
            .finish()
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

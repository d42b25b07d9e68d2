use std::future::Future;

use crate::as_error::AsError;

use super::cursor::{Cursor, Numbering, Offset, PageNumber};
use super::fetch::fetcher::Config;
use super::fetch::hooks::Hooks;
use super::fetch::source::{BoxSource, exclusive, shareable};
use super::page::Page;
use super::policy::Policies;
use super::stream::async_get_docs::AsyncGetDocs;

/// Creates a stream over the items of an API whose pages contain a cursor to the next page: a token, a key or a URL.
///
/// `fetch_page` is called with `None` for the first page, then with the [`next_cursor`](Page::next_cursor) of the page
/// before. The stream ends after a page without a cursor (an empty string counts as no cursor), or with
/// [`has_more(false)`](Page::has_more). Neither an empty nor a short page ends the stream.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_cursor;
///
/// let mut items = by_cursor(|cursor: Option<&'static str>| async move {
///     Ok::<_, std::io::Error>(match cursor {
///         None => (vec![1, 2], Some("token-2")),
///         Some(_) => (vec![3], None),
///     })
/// });
/// let mut sum = 0;
/// while let Some(item) = items.try_next().await? {
///     sum += item;
/// }
/// assert_eq!(sum, 6);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "paginate", alias = "paginator", alias = "pagination", alias = "token", alias = "keyset")]
pub fn by_cursor<T, C, E, P, F, Fut, K>(fetch_page: F) -> AsyncGetDocs<T, C, E>
where
    T: 'static,
    E: AsError<K>,
    C: Cursor,
    P: Into<Page<T, C>> + 'static,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    stream(exclusive(fetch_page), None, None)
}

/// Creates a stream over the items of an API whose pages contain a link to the next page.
///
/// `fetch_page` is called with `first_url`, then with the link of the page before. The only difference from
/// [`by_cursor`] is that the first page has a cursor, too. With the feature `http`, the module `pages::http` sends the
/// requests, and finds the links in the responses.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_link;
///
/// let mut items = by_link("/docs?page=1", |url: String| async move {
///     Ok::<_, std::io::Error>(match url.as_str() {
///         "/docs?page=1" => (vec!["a", "b"], Some("/docs?page=2".to_owned())),
///         _ => (vec!["c"], None),
///     })
/// });
/// assert_eq!(items.try_next().await?, Some("a"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "next_url")]
pub fn by_link<T, E, P, F, Fut, K>(
    first_url: impl Into<String>,
    mut fetch_page: F,
) -> AsyncGetDocs<T, String, E>
where
    T: 'static,
    E: AsError<K>,
    P: Into<Page<T, String>> + 'static,
    F: FnMut(String) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let start = first_url.into();
    let first = start.clone();
    let fetch_page = move |url: Option<String>| fetch_page(url.unwrap_or_else(|| first.clone()));
    stream(exclusive(fetch_page), Some(start), None)
}

/// Creates a stream like that of [`by_cursor`], whose first page may have a cursor, too.
#[cfg(feature = "http")]
pub(super) fn from_cursor<T, C, E, F, Fut, K>(first: Option<C>, mut fetch_page: F) -> AsyncGetDocs<T, C, E>
where
    T: 'static,
    E: AsError<K>,
    C: Cursor,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Page<T, C>, E>> + Send + 'static,
{
    let start = first.clone();
    let fetch_page = move |cursor: Option<C>| fetch_page(cursor.or_else(|| first.clone()));
    stream(exclusive(fetch_page), start, None)
}

/// Creates a stream over the items of an API whose pages are numbered, starting at `first` (usually 0 or 1).
///
/// The stream ends at the first empty page, or with [`has_more(false)`](Page::has_more). A short page does not end the
/// stream. If a page has a [`next_cursor`](Page::next_cursor), the stream continues with the page of that number. Page
/// numbers are known in advance, so several pages can be fetched at once: see
/// [`concurrency`](AsyncGetDocs::concurrency).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_page_number;
///
/// let mut items = by_page_number(1, |page| async move {
///     let items = if page <= 3 { vec![page * 100, page * 100 + 1] } else { vec![] };
///     Ok::<_, std::io::Error>(items)
/// });
/// let mut all = Vec::new();
/// while let Some(item) = items.try_next().await? {
///     all.push(item);
/// }
/// assert_eq!(all, [100, 101, 200, 201, 300, 301]);
/// # Ok(())
/// # }
/// ```
pub fn by_page_number<T, E, P, F, Fut, K>(first: u64, mut fetch_page: F) -> AsyncGetDocs<T, PageNumber, E>
where
    T: 'static,
    E: AsError<K>,
    P: Into<Page<T, PageNumber>> + 'static,
    F: FnMut(u64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let first = PageNumber::new(first);
    let fetch_page = move |cursor: Option<PageNumber>| fetch_page(cursor.unwrap_or(first).get());
    let source = shareable(fetch_page);
    stream(source, Some(first), Some(Numbering::by_page()))
}

/// Creates a stream over the items of an API that takes an offset and a limit: `fetch_page(offset, limit)`, from offset
/// 0.
///
/// The offset advances by the number of items *received*, so no item is skipped if the server returns fewer than
/// `limit`. The stream ends at the first empty page, or with [`has_more(false)`](Page::has_more). Offsets are known in
/// advance, so several pages can be fetched at once: see [`concurrency`](AsyncGetDocs::concurrency).
///
/// With a `limit` of 0, the first poll fails with [`ErrorKind::InvalidPageSize`](super::ErrorKind::InvalidPageSize).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_offset;
///
/// // This server returns at most 3 items per page, whatever the limit.
/// let mut items = by_offset(100, |offset, limit| async move {
///     let items: Vec<u64> = (0..8).skip(offset as usize).take(limit.min(3) as usize).collect();
///     Ok::<_, std::io::Error>(items)
/// });
/// let mut all = Vec::new();
/// while let Some(item) = items.try_next().await? {
///     all.push(item);
/// }
/// assert_eq!(all, [0, 1, 2, 3, 4, 5, 6, 7]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "limit", alias = "skip")]
pub fn by_offset<T, E, P, F, Fut, K>(limit: u64, mut fetch_page: F) -> AsyncGetDocs<T, Offset, E>
where
    T: 'static,
    E: AsError<K>,
    P: Into<Page<T, Offset>> + 'static,
    F: FnMut(u64, u64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let first = Offset::new(0);
    let fetch_page = move |cursor: Option<Offset>| fetch_page(cursor.unwrap_or(first).get(), limit);
    let source = shareable(fetch_page);
    stream(source, Some(first), Some(Numbering::by_offset(limit)))
}

impl<T, E> AsyncGetDocs<T, PageNumber, E> {
    /// Creates a stream over the items of the pages 0, 1, 2, … until the first empty page.
    ///
    /// This is [`by_page_number`] with 0 as the first number.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// use withal::pages::AsyncGetDocs;
    ///
    /// async fn fetch_page(page: u64) -> Result<Vec<String>, std::io::Error> {
    ///     Ok(if page < 2 { vec![format!("item {page}")] } else { vec![] })
    /// }
    ///
    /// let mut items = AsyncGetDocs::new(fetch_page);
    /// while let Some(item) = items.try_next().await? {
    ///     println!("{item}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<P, F, Fut, K>(fetch_page: F) -> Self
    where
        T: 'static,
        E: AsError<K>,
        P: Into<Page<T, PageNumber>> + 'static,
        F: FnMut(u64) -> Fut + Send + 'static,
        Fut: Future<Output = Result<P, E>> + Send + 'static,
    {
        by_page_number(0, fetch_page)
    }
}

fn stream<T, C: Cursor, E>(
    source: BoxSource<T, C, E>,
    start: Option<C>,
    numbering: Option<Numbering<C>>,
) -> AsyncGetDocs<T, C, E> {
    AsyncGetDocs::from_config(Config {
        source,
        numbering,
        start,
        hooks: Hooks::default(),
        policies: Policies::default(),
        read_ahead: 0,
        concurrency: 1,
    })
}

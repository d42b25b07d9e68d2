use std::future::Future;

use super::cursor::{Cursor, Numbering, Offset, PageNumber};
use super::fetch::Config;
use super::fetch::hooks::Hooks;
use super::fetch::source::{BoxSource, exclusive, shareable};
use super::page::Page;
use super::policy::OnCycle;
use super::stream::items::AsyncGetDocs;

/// The documents of an API whose pages name the next one by a cursor: a token, a key, a URL, anything.
///
/// `fetch_page` gets `None` for the first page, then the cursor of the page before. The walk ends with a page without a
/// cursor (an empty string is none) or with [`has_more(false)`](Page::has_more); an empty page is no end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_cursor;
///
/// let mut docs = by_cursor(|cursor: Option<&'static str>| async move {
///     Ok::<_, std::io::Error>(match cursor {
///         None => (vec![1, 2], Some("token-2")),
///         Some(_) => (vec![3], None),
///     })
/// });
/// let mut sum = 0;
/// while let Some(doc) = docs.try_next().await? {
///     sum += doc;
/// }
/// assert_eq!(sum, 6);
/// # Ok(())
/// # }
/// ```
pub fn by_cursor<T, C, E, P, F, Fut>(fetch_page: F) -> AsyncGetDocs<T, C, E>
where
    T: 'static,
    E: 'static,
    C: Cursor,
    P: Into<Page<T, C>> + 'static,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    docs(exclusive(fetch_page), None, None)
}

/// The documents of an API whose pages link to the next one: `fetch_page` gets the first URL, then what each page links
/// to.
///
/// As [`by_cursor`], but the first page has a cursor like any other. The feature `http` finds the links by itself: see
/// `pages::http`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_link;
///
/// let mut docs = by_link("/docs?page=1", |url: String| async move {
///     Ok::<_, std::io::Error>(match url.as_str() {
///         "/docs?page=1" => (vec!["a", "b"], Some("/docs?page=2".to_owned())),
///         _ => (vec!["c"], None),
///     })
/// });
/// assert_eq!(docs.try_next().await?, Some("a"));
/// # Ok(())
/// # }
/// ```
pub fn by_link<T, E, P, F, Fut>(first_url: impl Into<String>, mut fetch_page: F) -> AsyncGetDocs<T, String, E>
where
    T: 'static,
    E: 'static,
    P: Into<Page<T, String>> + 'static,
    F: FnMut(String) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let start = first_url.into();
    let first = start.clone();
    let fetch_page = move |url: Option<String>| fetch_page(url.unwrap_or_else(|| first.clone()));
    docs(exclusive(fetch_page), Some(start), None)
}

/// The documents of an API whose pages have numbers, from `first` (0 or 1) on.
///
/// The walk ends with the first empty page, or with [`has_more(false)`](Page::has_more); a page shorter than the others
/// is no end. A page that names its successor ([`Page::next_cursor`]) is believed. Page numbers are known in advance, so
/// several can be fetched at once: [`concurrency`](AsyncGetDocs::concurrency).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_page_number;
///
/// let mut docs = by_page_number(1, |page| async move {
///     let docs = if page <= 3 { vec![page * 100, page * 100 + 1] } else { vec![] };
///     Ok::<_, std::io::Error>(docs)
/// });
/// let mut all = Vec::new();
/// while let Some(doc) = docs.try_next().await? {
///     all.push(doc);
/// }
/// assert_eq!(all, [100, 101, 200, 201, 300, 301]);
/// # Ok(())
/// # }
/// ```
pub fn by_page_number<T, E, P, F, Fut>(first: u64, mut fetch_page: F) -> AsyncGetDocs<T, PageNumber, E>
where
    T: 'static,
    E: 'static,
    P: Into<Page<T, PageNumber>> + 'static,
    F: FnMut(u64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let first = PageNumber::new(first);
    let fetch_page = move |at: Option<PageNumber>| fetch_page(at.unwrap_or(first).get());
    let source = shareable(fetch_page);
    docs(source, Some(first), Some(Numbering::by_page()))
}

/// The documents of an API that is asked by offset: `fetch_page(offset, limit)`, from offset 0 on.
///
/// The offset advances by the items *received*: a server that gives fewer than `limit` at a time is followed as it is,
/// and nothing is skipped. The walk ends with the first empty page, or with [`has_more(false)`](Page::has_more). Offsets
/// are known in advance, so several pages can be fetched at once: [`concurrency`](AsyncGetDocs::concurrency).
///
/// A `limit` of 0 fails at the first poll with [`ErrorKind::InvalidPageSize`](super::ErrorKind::InvalidPageSize).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
/// use withal::pages::by_offset;
///
/// // This server never gives more than 3 at a time, whatever it is asked for.
/// let mut docs = by_offset(100, |offset, limit| async move {
///     let docs: Vec<u64> = (0..8).skip(offset as usize).take(limit.min(3) as usize).collect();
///     Ok::<_, std::io::Error>(docs)
/// });
/// let mut all = Vec::new();
/// while let Some(doc) = docs.try_next().await? {
///     all.push(doc);
/// }
/// assert_eq!(all, [0, 1, 2, 3, 4, 5, 6, 7]);
/// # Ok(())
/// # }
/// ```
pub fn by_offset<T, E, P, F, Fut>(limit: u64, mut fetch_page: F) -> AsyncGetDocs<T, Offset, E>
where
    T: 'static,
    E: 'static,
    P: Into<Page<T, Offset>> + 'static,
    F: FnMut(u64, u64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let first = Offset::new(0);
    let fetch_page = move |at: Option<Offset>| fetch_page(at.unwrap_or(first).get(), limit);
    let source = shareable(fetch_page);
    docs(source, Some(first), Some(Numbering::by_offset(limit)))
}

impl<T, E> AsyncGetDocs<T, PageNumber, E> {
    /// The class of the article: fetches page 0, 1, 2, … until the first empty page.
    ///
    /// The same as [`by_page_number`] from 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
    /// use withal::pages::AsyncGetDocs;
    ///
    /// async fn fetch_page(page: u64) -> Result<Vec<String>, std::io::Error> {
    ///     Ok(if page < 2 { vec![format!("doc {page}")] } else { vec![] })
    /// }
    ///
    /// let mut docs = AsyncGetDocs::new(fetch_page);
    /// while let Some(doc) = docs.try_next().await? {
    ///     println!("{doc}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<P, F, Fut>(fetch_page: F) -> Self
    where
        T: 'static,
        E: 'static,
        P: Into<Page<T, PageNumber>> + 'static,
        F: FnMut(u64) -> Fut + Send + 'static,
        Fut: Future<Output = Result<P, E>> + Send + 'static,
    {
        by_page_number(0, fetch_page)
    }
}

fn docs<T, C: Cursor, E>(
    source: BoxSource<T, C, E>,
    start: Option<C>,
    numbering: Option<Numbering<C>>,
) -> AsyncGetDocs<T, C, E> {
    AsyncGetDocs::from_config(Config {
        source,
        numbering,
        start,
        hooks: Hooks::default(),
        on_empty: None,
        on_cycle: OnCycle::default(),
        read_ahead: 0,
        concurrency: 1,
    })
}

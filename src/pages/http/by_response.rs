use std::error::Error as StdError;
use std::sync::Arc;

use reqwest::StatusCode;

use super::endpoint::Endpoint;
use super::error::Error;
use super::known_flags::KnownFlags;
use super::next_in::NextIn;
use super::request::Request;
use super::response::Response;
use crate::pages::cursor::{Cursor, PageNumber};
use crate::pages::page::Page;
use crate::pages::sources;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # A paginator of your own
impl Endpoint {
    /// Creates a stream from two functions: one puts a cursor into a request, the other reads a page from a response.
    ///
    /// The first request is that of the endpoint, with its URL, method and body. For every other page, `apply_cursor`
    /// changes it: query parameters, headers, the JSON body, or the whole URL. `read_page` returns the items and the
    /// cursor of the next page, or an error. The other paginators are written in this way, and everything that they do
    /// is done for these functions, too: redirects, the check of origins, the bound of the body, errors, checkpoints.
    ///
    /// A cursor may be of any type. A page without a cursor is the last.
    ///
    /// # Examples
    ///
    /// `MediaWiki` sends several parameters for the next page:
    ///
    /// ```
    /// # fn titles(endpoint: withal::pages::http::Endpoint) {
    /// use std::collections::BTreeMap;
    ///
    /// // {"query": {"allpages": [..]}, "continue": {"apcontinue": "B", "continue": "-||"}}
    /// let titles = endpoint.items_at("/query/allpages").by_response(
    ///     |request, next: &BTreeMap<String, String>| {
    ///         next.iter().fold(request, |request, (name, value)| request.query(name, value))
    ///     },
    ///     |response| Ok(response.page::<serde_json::Value, _>(response.at("/continue")?)?),
    /// );
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// An [`http::Error`](Error) that `read_page` returns is the error of the page. Any other error becomes one,
    /// [`Error::Reader`], with the response and the error as its source. [`classify`](super::classify()) does not retry it.
    #[doc(alias("custom", "paginator", "decoder", "xml", "csv", "ndjson"))]
    pub fn by_response<T, C, A, R>(self, apply_cursor: A, read_page: R) -> AsyncGetDocs<T, C, Error>
    where
        T: Send + 'static,
        C: Cursor,
        A: Fn(Request, &C) -> Request + Send + Sync + 'static,
        R: Fn(&Response) -> Result<Page<T, C>, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    {
        self.by_pages(
            None,
            move |request, cursor: Option<&C>| match cursor {
                Some(cursor) => apply_cursor(request, cursor),
                None => request,
            },
            move |response| read_with(&read_page, response),
            NextIn::Anywhere,
        )
    }

    /// Creates a stream as [`by_response`](Self::by_response) does, whose pages are numbered, so that several can be
    /// fetched [concurrently](AsyncGetDocs::concurrency).
    ///
    /// `apply_number` is called for every page, with the numbers from `first` on. The stream ends with the first empty
    /// page, or with [`has_more(false)`](Page::has_more). If `read_page` does not set that flag for an empty page, and a
    /// [known](crate::pages::http#flags) flag at the top of the body is `true`, the stream continues. If a page has a
    /// cursor, the stream continues with the page of that number.
    ///
    /// # Examples
    ///
    /// Pages that are selected by a header, and whose total is one, too:
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// use withal::pages::Page;
    ///
    /// let events = endpoint
    ///     .by_numbered_response(
    ///         1,
    ///         |request, number| request.header("x-page", number),
    ///         |response| {
    ///             let last = response.header("x-last-page")? == response.header("x-page")?;
    ///             Ok(Page::new(response.lines::<serde_json::Value>()?, None).has_more(!last))
    ///         },
    ///     )
    ///     .concurrency(4);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`by_response`](Self::by_response).
    pub fn by_numbered_response<T, A, R>(
        self,
        first: u64,
        apply_number: A,
        read_page: R,
    ) -> AsyncGetDocs<T, PageNumber, Error>
    where
        T: Send + 'static,
        A: Fn(Request, u64) -> Request + Send + Sync + 'static,
        R: Fn(&Response) -> Result<Page<T, PageNumber>, Box<dyn StdError + Send + Sync>>
            + Send
            + Sync
            + 'static,
    {
        let shared = Arc::new((Arc::new(self), read_page, KnownFlags::at_top()));
        sources::by_page_number(first, move |number| {
            let shared = Arc::clone(&shared);
            let request = apply_number(Request::new(&shared.0), number);
            async move {
                let (endpoint, read_page, flags) = &*shared;
                let read_page = |response: &Response| {
                    let mut page = read_with(read_page, response)?;
                    if page.items.is_empty() && page.has_more.is_none() {
                        // The body may be of any format: an error means that it has no flag.
                        let known_flag = flags.has_more(response).ok().flatten();
                        page.has_more = known_flag.filter(|has_more| *has_more);
                    }
                    Ok(page)
                };
                let next = NextIn::Count { number, step: Some(1), cursor: PageNumber::new };
                endpoint.fetch_page(request, read_page, next).await
            }
        })
        .with_http_defaults()
    }

    /// Creates a stream, for the other paginators.
    ///
    /// `first` is the cursor of the first page, if it has one.
    pub(super) fn by_pages<T, C, A, R>(
        self,
        first: Option<C>,
        apply_cursor: A,
        read_page: R,
        next_in: NextIn<C>,
    ) -> AsyncGetDocs<T, C, Error>
    where
        T: Send + 'static,
        C: Cursor,
        A: Fn(Request, Option<&C>) -> Request + Send + Sync + 'static,
        R: Fn(&Response) -> Result<Page<T, C>, Error> + Send + Sync + 'static,
    {
        let shared = Arc::new((Arc::new(self), read_page));
        sources::from_cursor(first, move |cursor: Option<C>| {
            let shared = Arc::clone(&shared);
            let request = apply_cursor(Request::new(&shared.0), cursor.as_ref());
            async move {
                let (endpoint, read_page) = &*shared;
                endpoint.fetch_page(request, read_page, next_in).await
            }
        })
        .with_http_defaults()
    }

    /// Fetches a page, and returns it without its items if it has not changed since an earlier crawl.
    pub(super) async fn fetch_page<T, C: Cursor>(
        self: &Arc<Self>,
        request: Request,
        read_page: impl Fn(&Response) -> Result<Page<T, C>, Error>,
        next_in: NextIn<C>,
    ) -> Result<Page<T, C>, Error> {
        let Some(condition) = self.condition(&request) else {
            let response = self.fetch(request).await?;
            let page = read_page(&response)?;
            return response.complete(page);
        };
        let again = condition.may_have_successor().then(|| request.again());
        let mut response = self.fetch(condition.apply(request)).await?;
        if let Some(entry) = condition.entry().filter(|_| response.status() == StatusCode::NOT_MODIFIED) {
            let mut page = entry.unchanged();
            match next_in {
                NextIn::Body => return Ok(condition.keep(page)),
                NextIn::Count { number, step, cursor } => {
                    let next = number.saturating_add(step.unwrap_or(entry.items));
                    let is_last = entry.items == 0 && page.has_more != Some(true);
                    // A header may have reported that this page is the last.
                    page.has_more =
                        if is_last { Some(false) } else { page.has_more.filter(|has_more| *has_more) };
                    page.next_cursor = (!is_last).then(|| cursor(next));
                    return Ok(condition.keep(page));
                }
                NextIn::Headers => {
                    page.next_cursor = read_page(&response)?.next_cursor.or(page.next_cursor);
                }
                NextIn::Anywhere => {}
            }
            match again.filter(|_| page.next_cursor.is_none()) {
                None => return Ok(condition.keep(page)),
                Some(again) => response = self.fetch(again).await?,
            }
        }
        let page = read_page(&response)?;
        condition.record(&response, &page, next_in);
        response.complete(page)
    }
}

/// Calls a function of the user, and converts its error.
fn read_with<T, C>(
    read_page: impl Fn(&Response) -> Result<Page<T, C>, Box<dyn StdError + Send + Sync>>,
    response: &Response,
) -> Result<Page<T, C>, Error> {
    read_page(response).map_err(|error| match error.downcast() {
        Ok(error) => *error,
        Err(error) => Error::reader(error, response.info()),
    })
}

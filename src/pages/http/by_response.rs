use std::error::Error as StdError;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::error::Error;
use super::request::Request;
use super::response::Response;
use crate::pages::cursor::Cursor;
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
    /// MediaWiki sends several parameters for the next page:
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
            move |response| {
                read_page(response).map_err(|error| match error.downcast() {
                    Ok(error) => *error,
                    Err(error) => Error::reader(error, response.info()),
                })
            },
        )
    }

    /// Creates a stream, for the other paginators.
    ///
    /// `first` is the cursor of the first page, if it has one.
    pub(super) fn by_pages<T, C, A, R>(
        self,
        first: Option<C>,
        apply_cursor: A,
        read_page: R,
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
                read_page(&endpoint.fetch(request).await?)
            }
        })
        .with_http_defaults()
    }
}

//! The paginators that number pages or items.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::pages::cursor::{Offset, PageNumber};
use crate::pages::http::endpoint::Endpoint;
use crate::pages::http::error::Error;
use crate::pages::http::extent::Extent;
use crate::pages::http::item_fingerprints::{of_identities, of_items};
use crate::pages::http::next_in::NextIn;
use crate::pages::http::request::Request;
use crate::pages::http::response::Response;
use crate::pages::page::Page;
use crate::pages::policy::OnEmpty;
use crate::pages::sources;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators with numbers
///
/// Pages with numbers can be fetched [concurrently](AsyncGetDocs::concurrency). A parameter is the name of a query
/// parameter, or a JSON pointer into the body, which begins with a slash; the body is set with [`json`](Endpoint::json).
///
/// Some servers respond to a number beyond the last page with status 400, 404 or 416.
/// [`classify`](crate::pages::http::classify()) treats that as the end of the stream
/// ([`OnError::End`](crate::pages::OnError::End)), but only if there is evidence for it:
///
/// - status 416, or a message in JSON that reports a page beyond the last, such as Django's `Invalid page.`,
///   `WordPress`'s `rest_post_invalid_page_number` or `RabbitMQ`'s `page_out_of_range`;
/// - status 404 with an empty body, `{}`, `[]` or a message such as `Page not found`, after a page of this run;
/// - another message in JSON, if the pages before confirm it: they have as many items or pages as the API reports in
///   all, or the last of them has a `next` without a value. With status 404, it suffices that the last of them has
///   fewer items than another.
///
/// It remains an error if the body is text or HTML, if its message concerns a limit, credentials or a rate limit, if
/// there is a `Retry-After`, if a redirect changed the query of the URL, and if a page before [reported more
/// pages](crate::pages::http#flags) or a larger total. A function of your own for
/// [`classify`](crate::pages::AsyncGetDocs::classify) that returns [`OnError::End`](crate::pages::OnError::End)
/// overrules all of this.
impl Endpoint {
    /// Requests pages by their numbers, which begin with `first`, usually 0 or 1.
    ///
    /// The stream ends when the flag of [`has_more_at`](Self::has_more_at), or a [known](crate::pages::http#flags) one,
    /// is `false`, or with the first empty page, unless that page [reports more](crate::pages::http#flags). With
    /// [`total_pages_at`](Self::total_pages_at) or a similar setting, the stream ends with the last page, not with an
    /// empty page before it, and requests no page beyond the last. A page that repeats the items of the page before, by
    /// their `id`, although the API's total was reached, is an error,
    /// [`RepeatedItems`](crate::pages::ErrorKind::RepeatedItems).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /docs?page=1   {"items": [..], "total": 40}
    /// // GET /docs?page=2   {"items": [], "total": 40}
    /// let items = endpoint.items_at("/items").total_at("/total").by_page_number::<String>("page", 1).concurrency(4);
    /// # }
    /// # fn search(endpoint: withal::pages::http::Endpoint) -> Result<(), withal::pages::http::Error> {
    /// // POST /search   {"query": "x", "page": 1}
    /// let items = endpoint.json(&serde_json::json!({ "query": "x" }))?.by_page_number::<String>("/page", 1);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("page_size", "per_page"))]
    pub fn by_page_number<T>(self, parameter: &str, first: u64) -> AsyncGetDocs<T, PageNumber, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let extent = Arc::new(Extent::of_pages(first, parameter, self.pointers.total_pages.clone()));
        let shared = Arc::new((Arc::new(self), parameter.to_owned(), extent));
        sources::by_page_number(first, move |number| {
            let shared = Arc::clone(&shared);
            async move {
                let (endpoint, parameter, extent) = &*shared;
                // A speculative request of a concurrent stream.
                if extent.is_beyond_last_page(number) {
                    return Ok(Page::new(Vec::new(), None).has_more(false));
                }
                let request = Request::new(endpoint).parameter(parameter, number);
                let read_page = |response: &Response| {
                    let mut page = response.page(None)?;
                    extent.page_received(response, &mut page, number, number.saturating_add(1))?;
                    // A server may repeat its last page with another time or a signed URL in each item.
                    let count = page.items.len();
                    let is_compared = extent.reaches_total(number);
                    let items = if is_compared { of_identities(response, count)? } else { None };
                    Ok(page.with_items_compared(items))
                };
                let next = NextIn::Count { number, step: Some(1), cursor: PageNumber::new };
                let _pending = extent.request(number);
                let page = endpoint.fetch_page(request, read_page, next).await;
                page.map_err(|error| extent.mark_past_the_end(error, number))
            }
        })
        .with_http_defaults()
    }

    /// Requests pages of up to `limit` items by their offsets, which begin with 0.
    ///
    /// `offset` and `size` are the names of the two query parameters.
    ///
    /// The offset advances by the number of items received, so no item is skipped if the server returns smaller pages
    /// than requested. The stream ends when the flag of [`has_more_at`](Self::has_more_at), or a
    /// [known](crate::pages::http#flags) one, is `false`, or with the first empty page. An empty page whose flag is
    /// `true` is an error, [`CursorCycle`](crate::pages::ErrorKind::CursorCycle), since the offset does not advance: the
    /// server seems to filter the items of a page, as for [`by_offset_steps`](Self::by_offset_steps).
    ///
    /// With a `limit` of 0, the first poll returns an error. A page that begins with the last items of the page before
    /// is an error, too, [`RepeatedItems`](crate::pages::ErrorKind::RepeatedItems), unless
    /// [`unique_by`](AsyncGetDocs::unique_by) removes these items. Either the list has changed, or the server counts
    /// from 1 (use [`by_offset_from`](Self::by_offset_from)) or filters its pages (use
    /// [`by_offset_steps`](Self::by_offset_steps)).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /docs?limit=100&offset=0     {"items": [..]}
    /// // GET /docs?limit=100&offset=100   {"items": []}
    /// let items = endpoint.items_at("/items").by_offset::<String>("offset", "limit", 100).concurrency(4);
    /// # }
    /// ```
    #[doc(alias("limit", "skip"))]
    pub fn by_offset<T>(self, offset: &str, size: &str, limit: u64) -> AsyncGetDocs<T, Offset, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.by_offset_from(offset, size, limit, 0)
    }

    /// Requests pages as [`by_offset`](Self::by_offset) does, but the server counts items from `first`.
    ///
    /// The cursor of the stream still counts the items before the page.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /records?start=1&rows=100
    /// // GET /records?start=101&rows=100
    /// let records = endpoint.items_at("/records").by_offset_from::<String>("start", "rows", 100, 1);
    /// # }
    /// ```
    #[doc(alias("startIndex", "one_based"))]
    pub fn by_offset_from<T>(
        self,
        offset: &str,
        size: &str,
        limit: u64,
        first: u64,
    ) -> AsyncGetDocs<T, Offset, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let names = (offset.to_owned(), size.to_owned());
        let extent = Arc::new(Extent::of_items());
        let shared = Arc::new((Arc::new(self), names, extent));
        sources::by_offset(limit, move |offset, limit| {
            let shared = Arc::clone(&shared);
            async move {
                let (endpoint, (name, size), extent) = &*shared;
                let number = offset.saturating_add(first);
                let request = Request::new(endpoint).parameter(size, limit).parameter(name, number);
                let read_page = |response: &Response| {
                    let mut page = response.page(None)?;
                    let count = page.items.len();
                    extent.page_received(response, &mut page, offset, offset.saturating_add(count as u64))?;
                    Ok(page.with_items_compared(of_items(response, count)?))
                };
                let next = NextIn::Count { number: offset, step: None, cursor: Offset::new };
                let _pending = extent.request(offset);
                let page = endpoint.fetch_page(request, read_page, next).await;
                page.map_err(|error| extent.mark_past_the_end(error, offset))
            }
        })
        .with_http_defaults()
    }

    /// Requests pages by their offsets, which advance by `limit`, whatever the number of items received.
    ///
    /// This is for a server that filters the items of a page after it has cut the page: a page may be short or empty
    /// although more follow. The stream ends when the flag of [`has_more_at`](Self::has_more_at), or a
    /// [known](crate::pages::http#flags) one, is `false`, or, without a flag, when the offset reaches the number at
    /// [`total_at`](Self::total_at), which must count the items before they are filtered. If a page has neither, or
    /// if both the total and the number of items on the first page are `limit`, so that the total may be that of the page,
    /// the stream ends with the first empty page. If a page reports a `limit`, `per_page` or similar size below the
    /// `limit` of the request, and is not the last, that is an error, because the items in between would be lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /docs?limit=100&offset=0     {"items": ["a"], "total": 180}
    /// // GET /docs?limit=100&offset=100   {"items": [], "total": 180}
    /// let items = endpoint.items_at("/items").total_at("/total").by_offset_steps::<String>("offset", "limit", 100);
    /// # }
    /// ```
    #[doc(alias("window", "filter"))]
    pub fn by_offset_steps<T>(self, offset: &str, size: &str, limit: u64) -> AsyncGetDocs<T, Offset, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let names = (offset.to_owned(), size.to_owned());
        let shared = Arc::new((Arc::new(self), names, Arc::new(Extent::of_items())));
        let items = sources::by_offset(limit, move |offset, limit| {
            let shared = Arc::clone(&shared);
            async move {
                let (endpoint, (name, size), extent) = &*shared;
                let request = Request::new(endpoint).parameter(size, limit).parameter(name, offset);
                let read_page = |response: &Response| {
                    let mut page: Page<T, Offset> = response.page(None)?;
                    let next = offset.saturating_add(limit);
                    extent.page_received(response, &mut page, offset, next)?;
                    extent.check_size(response, &page, offset, limit)?;
                    page.next_cursor = Some(Offset::new(next));
                    // The total may be that of the page. Only the next page shows it.
                    let may_be_of_page = |total: u64| {
                        let count = page.items.len() as u64;
                        total <= offset && count > 0 || offset == 0 && total == limit && count == limit
                    };
                    page.has_more = page
                        .has_more
                        .or(page.total.filter(|total| !may_be_of_page(*total)).map(|total| next < total))
                        .or(page.items.is_empty().then_some(false));
                    Ok(page)
                };
                let next = NextIn::Count { number: offset, step: Some(limit), cursor: Offset::new };
                let _pending = extent.request(offset);
                let page = endpoint.fetch_page(request, read_page, next).await;
                page.map_err(|error| extent.mark_past_the_end(error, offset))
            }
        });
        items.on_empty(OnEmpty::Continue).with_http_defaults()
    }
}

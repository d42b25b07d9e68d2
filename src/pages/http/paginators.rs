//! The paginators of an [`Endpoint`]: each finds the next page in its own way.

use std::sync::Arc;

use reqwest::header::HeaderName;
use serde::de::DeserializeOwned;

use super::endpoint::Endpoint;
use super::error::Error;
use super::graphql_query::GraphQlQuery;
use super::json_pointers::validate_pointer;
use super::reference::{Reference, resolve};
use super::request::Request;
use super::response::Response;
use crate::pages::cursor::{Offset, PageNumber};
use crate::pages::sources;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators
///
/// Each of these methods returns a stream over the items of the API, whose transient errors are
/// [retried](super#retries) by default. No request is sent before the stream is polled.
impl Endpoint {
    /// Follows the `Link` header (RFC 8288) to the next page, as GitHub and GitLab send it.
    ///
    /// A page without a link with `rel="next"` is the last. Parameters such as `per_page` belong in the endpoint's URL.
    /// No item is skipped if the server returns smaller pages than requested.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use withal::pages::http;
    ///
    /// // link: <https://api.example/users?per_page=100&page=2>; rel="next"
    /// //
    /// // ["ann", "bob", ..]
    /// let client = http::Client::new(reqwest::Client::builder())?;
    /// let mut users = client.endpoint("https://api.example/users?per_page=100")?.by_link::<String>();
    /// while let Some(user) = users.try_next().await? {
    ///     println!("{user}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("link_header", "header_link"))]
    pub fn by_link<T: DeserializeOwned + Send + 'static>(self) -> AsyncGetDocs<T, String, Error> {
        self.by_url(Response::next_link)
    }

    /// Follows a URL in the JSON to the next page.
    ///
    /// The URL may be relative. If it is absent, `null`, `false` or `""`, the page is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"count": 40, "next": "https://api.example/docs?page=2", "results": [..]}
    /// let items = endpoint.items_at("/results").total_at("/count").by_next_url::<String>("/next");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias = "json_link")]
    #[track_caller]
    pub fn by_next_url<T>(self, pointer: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pointer = validate_pointer(pointer);
        self.by_url(move |response| {
            let text = response.cursor_at(&pointer)?.filter(|text| !text.trim().is_empty());
            Ok(text.map(|text| Reference::new(text, |text| resolve(response.url(), text))))
        })
    }

    /// Sends the cursor in the JSON of one page as a query parameter of the next request.
    ///
    /// The cursor is a string or a number. If it is absent, `null`, `false` or `""`, the page is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"ok": true, "members": [..], "response_metadata": {"next_cursor": "dXNlcjpVMDYx"}}
    /// let members = endpoint.items_at("/members").by_cursor::<String>("/response_metadata/next_cursor", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("next_token", "page_token", "continuation_token"))]
    #[track_caller]
    pub fn by_cursor<T>(self, pointer: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pointer = validate_pointer(pointer);
        self.by_token(parameter, move |response| response.cursor_at(&pointer))
    }

    /// Sends the cursor in a header of one page as a query parameter of the next request.
    ///
    /// If the header is absent or empty, the page is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // x-next-cursor: dXNlcjpVMDYx
    /// //
    /// // ["ann", "bob", ..]
    /// let items = endpoint.by_cursor_header::<String>("x-next-cursor", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If `header` is not a valid header name.
    #[doc(alias = "header_cursor")]
    #[track_caller]
    pub fn by_cursor_header<T>(self, header: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        assert!(HeaderName::from_bytes(header.as_bytes()).is_ok(), "invalid header name: {header:?}");
        let header = header.to_owned();
        self.by_token(parameter, move |response| response.cursor_in_header(&header))
    }

    /// Requests pages by their numbers, which begin with `first`, usually 0 or 1.
    ///
    /// The stream ends with the first empty page, or when the flag of [`has_more_at`](Self::has_more_at) is `false`.
    /// Pages can be fetched [concurrently](AsyncGetDocs::concurrency).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /docs?page=1   {"items": [..], "total": 40}
    /// // GET /docs?page=2   {"items": [], "total": 40}
    /// let items = endpoint.items_at("/items").total_at("/total").by_page_number::<String>("page", 1).concurrency(4);
    /// # }
    /// ```
    pub fn by_page_number<T>(self, parameter: &str, first: u64) -> AsyncGetDocs<T, PageNumber, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (endpoint, parameter) = (Arc::new(self), parameter.to_owned());
        sources::by_page_number(first, move |page| {
            let request = Request::new(&endpoint).query(&parameter, page);
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.fetch(request).await?.page(None) }
        })
        .with_http_defaults()
    }

    /// Requests pages of up to `limit` items by their offsets, which begin with 0.
    ///
    /// `offset` and `size` are the names of the two query parameters.
    ///
    /// The offset advances by the number of items received, so no item is skipped if the server returns smaller pages
    /// than requested. The stream ends with the first empty page, or when the flag of
    /// [`has_more_at`](Self::has_more_at) is `false`. Pages can be fetched [concurrently](AsyncGetDocs::concurrency).
    /// With a `limit` of 0, the first poll returns an error.
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
        let (endpoint, parameter, size) = (Arc::new(self), offset.to_owned(), size.to_owned());
        sources::by_offset(limit, move |offset, limit| {
            let request = Request::new(&endpoint).query(&size, limit).query(&parameter, offset);
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.fetch(request).await?.page(None) }
        })
        .with_http_defaults()
    }

    /// Follows the `pageInfo` of a Relay connection in a GraphQL API.
    ///
    /// The query is sent as JSON by POST. A response with `errors` is an error, [`Error::GraphQl`], even if it contains
    /// partial data. The JSON pointers of the endpoint are not used.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// use withal::pages::http::GraphQlQuery;
    ///
    /// // {"data": {"users": {"nodes": [..], "pageInfo": {"hasNextPage": true, "endCursor": "Y3Vyc29yOjUw"}}}}
    /// let text = "query($after: String) {
    ///     users(first: 50, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } }
    /// }";
    /// let users = endpoint.by_relay_connection::<serde_json::Value>(GraphQlQuery::new(text, "/data/users"));
    /// # }
    /// ```
    #[doc(alias("graphql", "page_info"))]
    pub fn by_relay_connection<T>(self, query: GraphQlQuery) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let query = Arc::new(query);
        let read = Arc::clone(&query);
        self.by_pages(
            None,
            move |request, cursor| request.json(&query.request_body(cursor)),
            move |response| read.page(response),
        )
    }

    /// Follows the URL that `find` returns.
    fn by_url<T, F>(self, find: F) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(&Response) -> Result<Option<Reference>, Error> + Send + Sync + 'static,
    {
        let first = self.cursor_of(&self.url);
        self.by_pages(
            Some(first),
            |request, cursor| match cursor {
                Some(cursor) => request.url(cursor),
                None => request,
            },
            move |response| response.page(find(response)?.map(|reference| response.cursor_of(reference))),
        )
    }

    /// Sends the cursor that `find` returns as a query parameter.
    fn by_token<T, F>(self, parameter: &str, find: F) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(&Response) -> Result<Option<String>, Error> + Send + Sync + 'static,
    {
        let parameter = parameter.to_owned();
        self.by_pages(
            None,
            move |request, cursor| match cursor {
                Some(cursor) => request.query(&parameter, cursor),
                None => request,
            },
            move |response| response.page(find(response)?),
        )
    }
}

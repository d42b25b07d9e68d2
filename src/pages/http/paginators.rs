//! The ways from one page of an endpoint to the next.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderName;
use serde::de::DeserializeOwned;

use super::classify::classify;
use super::endpoint::Endpoint;
use super::error::Error;
use super::graphql_query::GraphQlQuery;
use super::json_pointers::validate_pointer;
use super::response::Response;
use super::url::{invalid_url, redact_userinfo, strip_userinfo_and_fragment, with_parameter};
use crate::pages::{self, AsyncGetDocs, Offset, PageNumber};

/// # Documents
///
/// Each of these gives the documents of the API as a stream, classified by [`classify`]. Nothing is asked for before the
/// first poll.
impl Endpoint {
    /// The documents of an API that links to the next page in the `Link` header (RFC 8288), as GitHub does.
    ///
    /// A page without a link of the relation `next` is the last. Parameters such as `per_page` belong into the
    /// endpoint's URL; a server that gives fewer is followed as it is.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use withal::pages::http;
    ///
    /// let client = http::Client::new(reqwest::Client::builder())?;
    /// let mut docs = client.endpoint("https://api.example/docs?per_page=100")?.by_link::<String>();
    /// while let Some(doc) = docs.try_next().await? {
    ///     println!("{doc}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn by_link<T: DeserializeOwned + Send + 'static>(self) -> AsyncGetDocs<T, String, Error> {
        self.by_url(Response::next_link)
    }

    /// The documents of an API that has the URL of the next page in its JSON.
    ///
    /// The URL may be relative. Absent, `null`, `false` and `""` are the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(endpoint: withal::pages::http::Endpoint) {
    /// // {"count": 40, "next": "https://api.example/docs?page=2", "results": [..]}
    /// let docs = endpoint.items_at("/results").total_at("/count").by_next_url::<String>("/next");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is neither empty nor begins with a slash.
    #[track_caller]
    pub fn by_next_url<T>(self, pointer: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pointer = validate_pointer(pointer);
        self.by_url(move |answer| Ok(answer.cursor_at(&pointer)?.filter(|url| !url.is_empty())))
    }

    /// The documents of an API that has a cursor in its JSON, and takes it as a query parameter.
    ///
    /// The cursor is a text or a number. Absent, `null`, `false` and `""` are the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(endpoint: withal::pages::http::Endpoint) {
    /// // {"ok": true, "members": [..], "response_metadata": {"next_cursor": "dXNlcjpVMDYx"}}
    /// let docs = endpoint.items_at("/members").by_cursor::<String>("/response_metadata/next_cursor", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is neither empty nor begins with a slash.
    #[track_caller]
    pub fn by_cursor<T>(self, pointer: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pointer = validate_pointer(pointer);
        self.by_token(parameter, move |answer| answer.cursor_at(&pointer))
    }

    /// The documents of an API that has a cursor in a header, and takes it as a query parameter.
    ///
    /// An absent or an empty header is the end.
    ///
    /// # Panics
    ///
    /// If this cannot be the name of a header.
    #[track_caller]
    pub fn by_cursor_header<T>(self, header: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        assert!(HeaderName::from_bytes(header.as_bytes()).is_ok(), "this is no name of a header: {header:?}");
        let header = header.to_owned();
        self.by_token(parameter, move |answer| answer.cursor_in(&header))
    }

    /// The documents of an API whose pages have numbers, from `first` (0 or 1) on.
    ///
    /// The walk ends with the first empty page, or where [`has_more_at`](Self::has_more_at) says so. Several pages can
    /// be fetched [at once](AsyncGetDocs::concurrency).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(endpoint: withal::pages::http::Endpoint) {
    /// let docs = endpoint.by_page_number::<String>("page", 1).concurrency(4);
    /// # }
    /// ```
    pub fn by_page_number<T>(self, parameter: &str, first: u64) -> AsyncGetDocs<T, PageNumber, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (endpoint, parameter) = (Arc::new(self), parameter.to_owned());
        pages::by_page_number(first, move |page| {
            let url = with_parameter(&endpoint.url, &parameter, &page.to_string());
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.fetch(url, None).await?.page(&endpoint.pointers, None) }
        })
        .classify(classify)
    }

    /// The documents of an API that is asked by offset, from 0 on, `limit` at a time.
    ///
    /// `offset` and `size` are the names of the two query parameters.
    ///
    /// The offset advances by the documents received: a server that gives fewer is followed as it is. The walk ends with
    /// the first empty page, or where [`has_more_at`](Self::has_more_at) says so. Several pages can be fetched
    /// [at once](AsyncGetDocs::concurrency). A `limit` of 0 fails at the first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(endpoint: withal::pages::http::Endpoint) {
    /// let docs = endpoint.items_at("/items").by_offset::<String>("offset", "limit", 100).concurrency(4);
    /// # }
    /// ```
    pub fn by_offset<T>(self, offset: &str, size: &str, limit: u64) -> AsyncGetDocs<T, Offset, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (endpoint, parameter) = (Arc::new(self), offset.to_owned());
        let sized = with_parameter(&endpoint.url, size, &limit.to_string());
        pages::by_offset(limit, move |offset, _| {
            let url = with_parameter(&sized, &parameter, &offset.to_string());
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.fetch(url, None).await?.page(&endpoint.pointers, None) }
        })
        .classify(classify)
    }

    /// The documents of a GraphQL API with Relay connections: `pageInfo` says whether there is a next page, and where.
    ///
    /// The query is posted as JSON. An answer with `errors` is [`Error::GraphQl`], also if it has a part of the data. What
    /// the endpoint says of places in the JSON does not count here.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(endpoint: withal::pages::http::Endpoint) {
    /// use withal::pages::http::GraphQlQuery;
    ///
    /// let text = "query($after: String) {
    ///     users(first: 50, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } }
    /// }";
    /// let docs = endpoint.by_relay_connection::<serde_json::Value>(GraphQlQuery::new(text, "/data/users"));
    /// # }
    /// ```
    pub fn by_relay_connection<T>(self, query: GraphQlQuery) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (endpoint, query) = (Arc::new(self), Arc::new(query));
        pages::by_cursor(move |cursor: Option<String>| {
            let (endpoint, query) = (Arc::clone(&endpoint), Arc::clone(&query));
            async move {
                let answer = endpoint.fetch(endpoint.url.clone(), Some(query.body(cursor))).await?;
                query.page::<T>(answer)
            }
        })
        .classify(classify)
    }

    /// Pages that name the next one by its URL.
    fn by_url<T, F>(self, find: F) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(&Response) -> Result<Option<String>, Error> + Send + Sync + 'static,
    {
        let first = self.cursor(&self.url);
        let shared = Arc::new((self, find));
        pages::by_link(first, move |cursor| {
            let shared = Arc::clone(&shared);
            async move {
                let (endpoint, find) = &*shared;
                let answer = endpoint.fetch(endpoint.resolve(&cursor)?, None).await?;
                // A link that is no URL is an error when it is asked for: the documents before it are good.
                let next = find(&answer)?.map(|link| match answer.url.join(&link) {
                    Ok(url) => endpoint.cursor(&strip_userinfo_and_fragment(url)),
                    Err(_) => redact_userinfo(&link),
                });
                answer.page::<T, String>(&endpoint.pointers, next)
            }
        })
        .classify(classify)
    }

    /// Pages that name the next one by a cursor, sent as a query parameter.
    fn by_token<T, F>(self, parameter: &str, find: F) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(&Response) -> Result<Option<String>, Error> + Send + Sync + 'static,
    {
        let shared = Arc::new((self, parameter.to_owned(), find));
        pages::by_cursor(move |cursor: Option<String>| {
            let shared = Arc::clone(&shared);
            async move {
                let (endpoint, parameter, find) = &*shared;
                let url = match cursor {
                    Some(cursor) => with_parameter(&endpoint.url, parameter, &cursor),
                    None => endpoint.url.clone(),
                };
                let answer = endpoint.fetch(url, None).await?;
                let next = find(&answer)?;
                answer.page::<T, String>(&endpoint.pointers, next)
            }
        })
        .classify(classify)
    }

    /// A URL as a cursor: on the endpoint's own origin without it, so that the host may change between two runs.
    fn cursor(&self, url: &Url) -> String {
        match (self.origins.is_same_origin(url), url.query()) {
            (true, Some(query)) => format!("{}?{query}", url.path()),
            (true, None) => url.path().to_owned(),
            (false, _) => url.as_str().to_owned(),
        }
    }

    /// The URL that a cursor stands for.
    fn resolve(&self, cursor: &str) -> Result<Url, Error> {
        // Not joined: `//docs` is a path here, and would be a host.
        let url = if cursor.starts_with('/') {
            Url::parse(&format!("{}{cursor}", self.url.origin().ascii_serialization()))
        } else {
            self.url.join(cursor)
        };
        url.map(strip_userinfo_and_fragment).map_err(|source| invalid_url(cursor, source))
    }
}

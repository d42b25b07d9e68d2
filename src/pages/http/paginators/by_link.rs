//! The paginators that follow a URL.

use reqwest::header::HeaderName;
use serde::de::DeserializeOwned;

use crate::pages::http::endpoint::Endpoint;
use crate::pages::http::error::Error;
use crate::pages::http::json_pointers::validate_pointer;
use crate::pages::http::link_object;
use crate::pages::http::next_in::NextIn;
use crate::pages::http::next_url::NextUrl;
use crate::pages::http::other_cursors::NextHeaders;
use crate::pages::http::reference::Reference;
use crate::pages::http::response::Response;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators with links
///
/// A link may be relative. A text that is not a URL, such as `true` or a bare cursor, is an error of the next page, and
/// is not requested: a relative link must contain `/` or `?`, and must not begin with a host name without a scheme. The
/// query parameters of the endpoint's URL that a link lacks are added to it. If the server rejects that, the link is
/// requested as it was sent; [`links_as_sent`](Endpoint::links_as_sent) always requests it so.
impl Endpoint {
    /// Follows the `Link` header (RFC 8288) to the next page, as GitHub and GitLab send it.
    ///
    /// A page without a link with `rel="next"` is the last, and so is one whose link has `results="false"` (Sentry). A
    /// header that cannot be understood is an error, [`Error::InvalidLink`]. If neither this page nor an earlier one has a
    /// link to another page, a URL in `Next-Page` (Kinto), `X-Next-Page`, `X-Next-Url` or a similar header is followed;
    /// another value there, such as a number, is an error, unless [`ignore_reports`](Endpoint::ignore_reports) is set.
    ///
    /// Parameters such as `per_page` belong in the endpoint's URL. Those that a link lacks are added to it; see
    /// [`links_as_sent`](Endpoint::links_as_sent). No item is skipped if the server returns smaller pages than requested.
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
        let headers = NextHeaders::default();
        self.by_url(NextIn::Headers, move |response| Ok((headers.find(response)?, None)))
    }

    /// Follows a URL in the JSON to the next page.
    ///
    /// The URL is a string, or the `href` of an object. It may be relative. If it is absent, `null`, `false`, `""` or `{}`,
    /// the page is the last. If the pointer leads through an index of an array of links with relations, the link with the
    /// relation `next` is followed, whatever its index. Well-known flags such as `has_more` are
    /// [recognized](crate::pages::http#flags).
    ///
    /// The query parameters of the endpoint's URL that the link lacks are added to it; see
    /// [`links_as_sent`](Endpoint::links_as_sent).
    ///
    /// At `/_links/next`, a path is relative to `/_links/base`, if the page has one (Confluence). At `/@odata.nextLink`, it
    /// is relative to `@odata.context`.
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
        let next = NextUrl::new(pointer);
        self.by_url(NextIn::Body, move |response| next.find(response))
    }

    /// Follows a URL in a header of its own to the next page, as Kinto sends it in `Next-Page`.
    ///
    /// If the header is absent or empty, the page is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // next-page: https://kinto.example/v1/buckets/blog/collections/posts/records?_limit=50&_token=eyJs
    /// //
    /// // {"data": [..]}
    /// let records = endpoint.items_at("/data").by_next_url_header::<String>("next-page");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If `header` is not a valid header name.
    #[doc(alias("next-page", "kinto"))]
    #[track_caller]
    pub fn by_next_url_header<T>(self, header: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        assert!(HeaderName::from_bytes(header.as_bytes()).is_ok(), "invalid header name: {header:?}");
        let header = header.to_owned();
        self.by_url(NextIn::Headers, move |response| Ok((response.reference_in_header(&header)?, None)))
    }

    /// Follows the link with the relation `next` in an array of link objects, as FHIR and STAC send it.
    ///
    /// The relation is the member `rel` or `relation`, the URL is `href`, `url` or `uri`. If a link has a `method` other
    /// than GET (STAC), its `body` is sent; with `merge`, its members replace those of the endpoint's body. Its `headers` are
    /// sent, too. A page without such a link is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// use serde_json::{Value, json};
    ///
    /// // FHIR: {"resourceType": "Bundle", "link": [{"relation": "next", "url": "https://fhir.example?page=2"}],
    /// //        "entry": [{"resource": {..}}]}
    /// let patients = client
    ///     .endpoint("https://fhir.example/Patient")?
    ///     .items_at("/entry")
    ///     .by_link_array::<Value>("/link");
    ///
    /// // STAC: {"features": [..], "links": [{"rel": "next", "href": "https://stac.example/search",
    /// //        "method": "POST", "body": {"token": "next:7"}, "merge": true}]}
    /// let scenes = client
    ///     .endpoint("https://stac.example/search")?
    ///     .json(&json!({ "collections": ["sentinel-2"], "limit": 100 }))?
    ///     .items_at("/features")
    ///     .by_link_array::<Value>("/links");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`] if the value is not an array, or if the link has no URL.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("fhir", "stac", "siren", "rel"))]
    #[track_caller]
    pub fn by_link_array<T>(self, pointer: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pointer = validate_pointer(pointer);
        let first = self.cursor_of(&self.url);
        self.by_pages(
            Some(first),
            |request, cursor: Option<&String>| match cursor {
                Some(cursor) => link_object::apply(request, cursor),
                None => request,
            },
            move |response| {
                let items = response.indexed_items();
                response.page_with(items, link_object::next(response, &pointer)?)
            },
            NextIn::Body,
        )
    }

    /// Follows the URL that `find` returns, with a flag for more pages.
    pub(super) fn by_url<T, F>(self, next_in: NextIn<String>, find: F) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(&Response) -> Result<(Option<Reference>, Option<bool>), Error> + Send + Sync + 'static,
    {
        let first = self.cursor_of(&self.url);
        self.by_pages(
            Some(first),
            |request, cursor: Option<&String>| match cursor {
                Some(cursor) => request.url(cursor),
                None => request,
            },
            move |response| {
                let items = response.indexed_items();
                let (next, known_flag) = find(response)?;
                let next = next.map(|reference| response.cursor_of(reference));
                let mut page = response.page_with(items, next)?;
                page.has_more = page.has_more.or(known_flag);
                Ok(page)
            },
            next_in,
        )
    }
}

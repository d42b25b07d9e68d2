use reqwest::header::HeaderName;

use super::endpoint::Endpoint;
use super::json_pointers::validate_pointer;
use super::total_pages::TotalPages;

/// # The end of the pages
impl Endpoint {
    /// Sets the JSON pointer to the flag for more pages: `true` if there are any, `false` if this page is the last.
    ///
    /// `1`, `0` and strings such as `"true"` are flags, too. So is the URL of the next page, or `null` on the last page,
    /// as Django REST framework sends it.
    ///
    /// `false` ends the stream, which saves the request for an empty last page. `true` on a page without a cursor is an
    /// error, [`MissingCursor`](crate::pages::ErrorKind::MissingCursor), which guards against a typo in the pointer to
    /// the cursor.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"items": [..], "has_more": true, "next": "token-2"}
    /// let items = endpoint.items_at("/items").has_more_at("/has_more").by_cursor::<String>("/next", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn has_more_at(mut self, pointer: &str) -> Self {
        self.pointers.has_more = Some(validate_pointer(pointer));
        self
    }

    /// Sets the JSON pointer to the flag for the last page: the opposite of [`has_more_at`](Self::has_more_at).
    ///
    /// `true` ends the stream, even if the page has a cursor. `false` on a page without a cursor is an error,
    /// [`MissingCursor`](crate::pages::ErrorKind::MissingCursor). The flag may have the same types as that of
    /// `has_more_at`, which takes precedence.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // Bitbucket: {"values": [..], "isLastPage": false, "nextPageStart": 25}
    /// let items = endpoint.items_at("/values").is_last_at("/isLastPage").by_cursor::<String>("/nextPageStart", "start");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("isLast", "last", "done", "complete"))]
    #[track_caller]
    pub fn is_last_at(mut self, pointer: &str) -> Self {
        self.pointers.is_last = Some(validate_pointer(pointer));
        self
    }

    /// Sets the JSON pointer to the number of pages, by which [`by_page_number`](Self::by_page_number) ends.
    ///
    /// The stream ends with that page, even if it is not empty, and no page is requested beyond it. Use it only for a
    /// number that the API keeps exact. A response without the number leaves the previous one in force.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /docs?page=1   {"items": [..], "total_pages": 2}
    /// // GET /docs?page=2   {"items": [..], "total_pages": 2}
    /// let items = endpoint.items_at("/items").total_pages_at("/total_pages").by_page_number::<String>("page", 1);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("page_count", "last_page"))]
    #[track_caller]
    pub fn total_pages_at(mut self, pointer: &str) -> Self {
        self.pointers.total_pages = Some(TotalPages::At(validate_pointer(pointer)));
        self
    }

    /// Sets the name of the header with the number of pages, as [`total_pages_at`](Self::total_pages_at) sets a pointer.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // WordPress: x-wp-totalpages: 4
    /// let posts = endpoint.total_pages_header("x-wp-totalpages").by_page_number::<String>("page", 1).concurrency(4);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If `name` is not a valid header name.
    #[track_caller]
    pub fn total_pages_header(mut self, name: &str) -> Self {
        assert!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "invalid header name: {name:?}");
        self.pointers.total_pages = Some(TotalPages::Header(name.to_owned()));
        self
    }

    /// Ends [`by_page_number`](Self::by_page_number) at the number in the link with `rel="last"`.
    ///
    /// The `Link` header then takes the place of [`total_pages_at`](Self::total_pages_at), so that an API with links can
    /// be read [concurrently](crate::pages::AsyncGetDocs::concurrency).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // link: </docs?page=2>; rel="next", </docs?page=9>; rel="last"
    /// let items = endpoint.total_pages_from_link().by_page_number::<String>("page", 1).concurrency(4);
    /// # }
    /// ```
    pub fn total_pages_from_link(mut self) -> Self {
        self.pointers.total_pages = Some(TotalPages::LastLink);
        self
    }

    /// Sets the cursors that mark the last page, in addition to an absent value, `null`, `false` and `""`.
    ///
    /// A cursor is compared as it was sent: the content of a string, or the digits of a number. The default is the
    /// *number* 0, as Twitter and Redis send it. An empty list makes it a cursor like any other.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"ids": [..], "next_cursor_str": "0"}
    /// let ids = endpoint.items_at("/ids").end_cursors(["0", "-1"]).by_cursor::<u64>("/next_cursor_str", "cursor");
    /// # }
    /// ```
    pub fn end_cursors<S: Into<String>>(mut self, cursors: impl IntoIterator<Item = S>) -> Self {
        self.pointers.end_cursors = Some(cursors.into_iter().map(Into::into).collect());
        self
    }

    /// Requests links exactly as the server sent them.
    ///
    /// By default, the query parameters of the endpoint's URL that a link lacks are added to it, because many servers
    /// omit API keys and filters from their links: if the link has the path of the endpoint's URL, all of them,
    /// otherwise only the [secret](Self::secret_parameter) ones. Parameters that begin with `$` (`OData`) are never added,
    /// and nothing is added to a URL on another origin. A list counts as present in any spelling: `x[]`, `x[0]`, `x`.
    /// If the link contains `page_info` (Shopify), only secret parameters are added.
    ///
    /// If the server rejects a link with additions with status 400 or 422, the link is requested once more as the server
    /// sent it, apart from the secret parameters. If the server accepts that, all further links of the stream are requested
    /// in this form only. This setting also saves the rejected request.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// // The server rejects links that contain both `cursor` and `start_time`.
    /// let tickets = client
    ///     .endpoint("https://api.example/tickets?start_time=10")?
    ///     .links_as_sent()
    ///     .by_next_url::<String>("/after_url");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("opaque", "query"))]
    pub fn links_as_sent(mut self) -> Self {
        self.links_as_sent = true;
        self
    }
}

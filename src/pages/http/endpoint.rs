use std::fmt;
use std::sync::Arc;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Url};

use super::error::Error;
use super::json_pointers::{JsonPointers, validate_pointer};
use super::origins::Origins;
use super::secrets::Secrets;
use super::url::{parse, strip_userinfo_and_fragment};

/// The function that [`Endpoint::map_request`] takes.
pub(super) type MapRequest = Arc<dyn Fn(RequestBuilder) -> RequestBuilder + Send + Sync>;

/// A paginated API: its URL, the location of the items in its responses, and the origins that it may link to.
///
/// It is created by [`Client::endpoint`](super::Client::endpoint). One of its paginators, the `by_` methods, turns it
/// into a stream. The [module documentation](super) compares the paginators, and states their guarantees.
#[derive(Clone)]
#[doc(alias("paginator", "rest"))]
#[must_use = "an endpoint sends no requests unless one of its `by_` methods turns it into a stream"]
pub struct Endpoint {
    pub(super) client: reqwest::Client,
    /// Without user name, password and fragment.
    pub(super) url: Url,
    /// The user name and the password of the original URL.
    pub(super) userinfo: Option<(String, Option<String>)>,
    pub(super) origins: Origins,
    pub(super) headers: HeaderMap,
    pub(super) map_request: Option<MapRequest>,
    pub(super) pointers: JsonPointers,
    pub(super) max_body: usize,
    pub(super) secrets: Arc<Secrets>,
}

impl Endpoint {
    pub(super) fn new(client: reqwest::Client, url: &str) -> Result<Self, Error> {
        let given = parse(url)?;
        let userinfo = (!given.username().is_empty() || given.password().is_some())
            .then(|| (given.username().to_owned(), given.password().map(str::to_owned)));
        let url = strip_userinfo_and_fragment(given);
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Self {
            client,
            origins: Origins::new(url.clone()),
            url,
            userinfo,
            headers,
            map_request: None,
            pointers: JsonPointers::default(),
            max_body: 16 << 20,
            secrets: Arc::default(),
        })
    }

    /// Sets the JSON pointer (RFC 6901) to the array of items. By default, the whole body is the array.
    ///
    /// `null` at the pointer is an empty page, because some servers send `null` for an empty list.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// // {"data": {"users": [..]}, "meta": {"total": 40, "next": "token-2"}}
    /// let users = client
    ///     .endpoint("https://api.example/users")?
    ///     .items_at("/data/users")
    ///     .total_at("/meta/total")
    ///     .by_cursor::<String>("/meta/next", "cursor");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias = "data_path")]
    #[track_caller]
    pub fn items_at(mut self, pointer: &str) -> Self {
        self.pointers.items = validate_pointer(pointer);
        self
    }

    /// Sets the JSON pointer to the number of all items, for [`progress`](crate::pages::AsyncGetDocs::progress).
    ///
    /// If no pointer is set, or if there is no number at the pointer, the header `X-Total-Count` is used.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn total_at(mut self, pointer: &str) -> Self {
        self.pointers.total = Some(validate_pointer(pointer));
        self
    }

    /// Sets the JSON pointer to the flag for more pages: `true` if there are any, `false` if this page is the last.
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

    /// Sets the largest size of a response body, in bytes after decompression; the default is 16 MiB.
    ///
    /// A larger body is an error, [`Error::BodyTooLarge`].
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Allows links and redirects to another origin, and sends the endpoint's headers there, too.
    ///
    /// The user name and the password of the endpoint's URL are not sent there.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// let items = client
    ///     .endpoint("https://api.example/docs")?
    ///     .allow_origin("https://mirror.example")?
    ///     .by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if the text is not an absolute `http` or `https` URL.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, Error> {
        self.origins.allow(parse(origin)?);
        Ok(self)
    }

    /// Allows links and redirects to every origin, but not from https to http.
    ///
    /// Requests to other origins contain nothing from [`header`](Self::header) and [`map_request`](Self::map_request),
    /// unless the origin is [allowed by name](Self::allow_origin), too.
    pub fn allow_any_origin(mut self) -> Self {
        self.origins.allow_any();
        self
    }

    /// Adds a header to each request to the endpoint's origin, and to origins that are allowed by name.
    ///
    /// It replaces a header of the same name. Neither errors nor `Debug` output contain its value.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHeader`] if the name or the value contains characters that HTTP does not allow, such as the line
    /// break at the end of a token that was read from a file.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let invalid = |source| Error::InvalidHeader { name: name.to_owned(), source };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|source| invalid(source.into()))?;
        let mut value = HeaderValue::from_str(value).map_err(|source| invalid(source.into()))?;
        // Keeps the value, which may be a credential, out of `Debug` output.
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// Sets a function that changes each request to the endpoint's origin, and to origins that are allowed by name.
    ///
    /// Use it for data that differs from request to request, such as a signature, and for the methods of
    /// [`RequestBuilder`], such as `bearer_auth`. The function is called for each attempt and each redirect. It
    /// replaces the function of an earlier call.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint, token: String) {
    /// let items = endpoint.map_request(move |request| request.bearer_auth(&token)).by_link::<String>();
    /// # }
    /// ```
    #[doc(alias("middleware", "bearer_auth", "authentication"))]
    pub fn map_request<F>(mut self, f: F) -> Self
    where
        F: Fn(RequestBuilder) -> RequestBuilder + Send + Sync + 'static,
    {
        self.map_request = Some(Arc::new(f));
        self
    }
}

/// Without credentials.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.secrets.url(&self.url))
            .field("headers", &self.headers)
            .field("pointers", &self.pointers)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

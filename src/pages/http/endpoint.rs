use std::fmt;
use std::sync::Arc;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Url};

use super::error::Error;
use super::json_pointers::{JsonPointers, validate_pointer};
use super::origins::Origins;
use super::url::{parse, strip_userinfo_and_fragment};

/// Changes a request before it is sent.
pub(super) type MapRequest = Arc<dyn Fn(RequestBuilder) -> RequestBuilder + Send + Sync>;

/// A paginated API: where it is, what its answers look like, how far it is trusted.
///
/// Made by [`Client::endpoint`](super::Client::endpoint); turned into documents by one of the `by_` methods. The
/// [module](super) has the table of them, and what is promised.
#[derive(Clone)]
#[must_use = "an endpoint asks for nothing until one of its `by_` methods has made documents of it"]
pub struct Endpoint {
    pub(super) client: reqwest::Client,
    /// Without user name and password.
    pub(super) url: Url,
    /// User name and password, as the URL had them.
    pub(super) userinfo: Option<(String, Option<String>)>,
    pub(super) origins: Origins,
    pub(super) headers: HeaderMap,
    pub(super) map_request: Option<MapRequest>,
    pub(super) pointers: JsonPointers,
    pub(super) max_body: usize,
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
        })
    }

    /// Says where the array of items is, as a JSON pointer (RFC 6901); by default the body is the array.
    ///
    /// `null` there is an empty page: some servers write an empty list so.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
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
    /// If the pointer is neither empty nor begins with a slash: it would point nowhere.
    #[track_caller]
    pub fn items_at(mut self, pointer: &str) -> Self {
        self.pointers.items = validate_pointer(pointer);
        self
    }

    /// Says where the number of all items is, for [`progress`](crate::pages::AsyncGetDocs::progress).
    ///
    /// The header `X-Total-Count` is looked at in any case; the JSON counts first.
    ///
    /// # Panics
    ///
    /// If the pointer is neither empty nor begins with a slash.
    #[track_caller]
    pub fn total_at(mut self, pointer: &str) -> Self {
        self.pointers.total = Some(validate_pointer(pointer));
        self
    }

    /// Says where the API tells whether there are more pages, as `true` or `false`.
    ///
    /// `false` ends the walk, which saves the request for an empty page; `true` on a page that has no cursor is
    /// [`MissingCursor`](crate::pages::ErrorKind::MissingCursor), which guards against a pointer with a typing error.
    ///
    /// # Panics
    ///
    /// If the pointer is neither empty nor begins with a slash.
    #[track_caller]
    pub fn has_more_at(mut self, pointer: &str) -> Self {
        self.pointers.has_more = Some(validate_pointer(pointer));
        self
    }

    /// How many bytes the body of an answer may have; 16 MiB by default.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Lets links and redirects lead to another origin, and trusts it as the endpoint's own: headers go there, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// let docs = client
    ///     .endpoint("https://api.example/docs")?
    ///     .allow_origin("https://mirror.example")?
    ///     .by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if it is no absolute `http` or `https` URL.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, Error> {
        self.origins.allow(parse(origin)?);
        Ok(self)
    }

    /// Lets links and redirects lead anywhere, but for https to http.
    ///
    /// What [`header`](Self::header) and [`map_request`](Self::map_request) add does not go along, unless the origin is
    /// [allowed by name](Self::allow_origin) as well.
    pub fn allow_any_origin(mut self) -> Self {
        self.origins.allow_any();
        self
    }

    /// Sends a header with every request to the endpoint's origin, and to those allowed by name.
    ///
    /// It replaces one of the same name. Its value is shown nowhere.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHeader`] if the name or the value cannot be sent: a line break at the end of a token, say.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let invalid = |source| Error::InvalidHeader { name: name.to_owned(), source };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|source| invalid(source.into()))?;
        let mut value = HeaderValue::from_str(value).map_err(|source| invalid(source.into()))?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// Changes each request to the endpoint's origin, and to those allowed by name, before it is sent.
    ///
    /// For what changes from one request to the next, and for what reqwest has a method for. It is called for every
    /// attempt, and replaces the function given before.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn docs(endpoint: withal::pages::http::Endpoint, token: String) {
    /// let docs = endpoint.map_request(move |request| request.bearer_auth(&token)).by_link::<String>();
    /// # }
    /// ```
    pub fn map_request<F>(mut self, map_request: F) -> Self
    where
        F: Fn(RequestBuilder) -> RequestBuilder + Send + Sync + 'static,
    {
        self.map_request = Some(Arc::new(map_request));
        self
    }
}

/// Without what authenticates.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url.as_str())
            .field("headers", &self.headers)
            .field("pointers", &self.pointers)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

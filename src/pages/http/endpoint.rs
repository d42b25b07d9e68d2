use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::Serialize;

use super::additions::Additions;
use super::auth::{Auth, parse_header};
use super::error::Error;
use super::json_pointers::JsonPointers;
use super::origins::Origins;
use super::quota::Quota;
use super::secrets::{Secrets, percent_decoded};
use super::url::{parse, strip_userinfo_and_fragment};
use super::validators::Validators;

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
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// The body of the request for the first page.
    pub(super) body: Option<Vec<u8>>,
    pub(super) map_request: Option<MapRequest>,
    pub(super) pointers: JsonPointers,
    /// Headers that reach the user with the page.
    pub(super) extra_headers: Vec<HeaderName>,
    pub(super) links_as_sent: bool,
    pub(super) additions: Additions,
    /// Statuses of pages, in addition to 2xx other than 202, 204 with `Retry-After`, and 206.
    pub(super) accepted: Vec<StatusCode>,
    pub(super) max_body: usize,
    pub(super) secrets: Arc<Secrets>,
    pub(super) strip_secrets: bool,
    pub(super) auth: Auth,
    pub(super) quota: Quota,
    pub(super) validators: Option<Validators>,
}

impl Endpoint {
    pub(super) fn new(client: reqwest::Client, url: &str) -> Result<Self, Error> {
        let given = parse(url)?;
        let userinfo = (!given.username().is_empty() || given.password().is_some())
            .then(|| (given.username().to_owned(), given.password().map(str::to_owned)));
        let mut secrets = Secrets::default();
        if let Some((user, password)) = &userinfo {
            let password = percent_decoded(password.as_deref().unwrap_or_default());
            secrets.add_basic(&percent_decoded(user), &password, client.get(given.clone()));
        }
        let url = strip_userinfo_and_fragment(given);
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Self {
            client,
            origins: Origins::new(url.clone()),
            url,
            userinfo,
            method: Method::GET,
            headers,
            body: None,
            map_request: None,
            pointers: JsonPointers::default(),
            links_as_sent: false,
            additions: Additions::default(),
            extra_headers: Vec::new(),
            accepted: Vec::new(),
            max_body: 16 << 20,
            secrets: Arc::new(secrets),
            strip_secrets: false,
            auth: Auth::default(),
            quota: Quota::default(),
            validators: None,
        })
    }

    /// Accepts responses with this status as pages.
    ///
    /// By default, 2xx is accepted, with these exceptions: status 202, and 204 with `Retry-After`, is
    /// [`Error::NotReady`], which can be retried; 206 is a part of a page, and an [`Error::Status`].
    pub fn accept_status(mut self, status: StatusCode) -> Self {
        self.accepted.push(status);
        self
    }

    /// Sets the method of the requests; the default is GET, or POST if there is a body.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets a JSON body, which is sent with every request by POST, unless another [`method`](Self::method) is set
    /// afterwards.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn pages(endpoint: withal::pages::http::Endpoint) -> Result<(), withal::pages::http::Error> {
    /// // POST /v1/search {"page_size": 100, "start_cursor": "c2"}
    /// //
    /// // {"results": [..], "next_cursor": "c3", "has_more": true}
    /// let pages = endpoint
    ///     .json(&serde_json::json!({ "page_size": 100 }))?
    ///     .items_at("/results")
    ///     .has_more_at("/has_more")
    ///     .by_response(
    ///         |request, cursor: &String| request.json_at("/start_cursor", cursor),
    ///         |response| Ok(response.page::<String, _>(response.cursor_at("/next_cursor")?)?),
    ///     );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Other`] if the value cannot be serialized.
    #[doc(alias("body", "post"))]
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        self.body = Some(serde_json::to_vec(value).map_err(Error::new)?);
        self.method = Method::POST;
        Ok(self)
    }

    /// Sets the largest size of a response body, in bytes after decompression; the default is 16 MiB.
    ///
    /// A larger body is an error, [`Error::BodyTooLarge`].
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the longest pause before a request that a rate limit would reject; the default is a minute.
    ///
    /// If a response reports that no requests remain, with the headers that
    /// [`ResponseInfo::retry_after`](super::ResponseInfo::retry_after) lists, the next request waits for the reset of the
    /// limit. The streams on clones of this endpoint wait, too. If the reset is later than `max`, the next request is sent
    /// at once, and the server decides. [`Duration::ZERO`] turns the pauses off.
    #[doc(alias("rate_limit", "throttle", "quota"))]
    pub fn max_quota_pause(mut self, max: Duration) -> Self {
        self.quota = Quota::new(max);
        self
    }

    /// Adds a header to each request to the endpoint's origin, and to origins that are allowed by name.
    ///
    /// It replaces a header of the same name. `Debug` output does not contain its value. If a server repeats the value,
    /// errors contain it, unless the name is [secret](Self::secret_parameter), such as `authorization`; for the header of an
    /// API key, use [`api_key_header`](Self::api_key_header).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHeader`] if the name or the value contains characters that HTTP does not allow, such as the line
    /// break at the end of a token that was read from a file.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, header) = parse_header(name, value)?;
        if self.secrets.is_secret(name.as_str()) {
            Arc::make_mut(&mut self.secrets).add_header(value);
        }
        self.headers.insert(name, header);
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
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// # fn request_id() -> String { String::new() }
    /// let items = endpoint.map_request(|request| request.header("x-request-id", request_id())).by_link::<String>();
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

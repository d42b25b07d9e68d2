use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::Serialize;
use serde_json::Value;

use super::auth::{Auth, parse_header};
use super::error::Error;
use super::json_pointers::{JsonPointers, validate_pointer};
use super::missing_items::MissingItems;
use super::origins::Origins;
use super::quota::Quota;
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
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// The body of the request for the first page.
    pub(super) body: Option<Vec<u8>>,
    pub(super) map_request: Option<MapRequest>,
    pub(super) pointers: JsonPointers,
    /// Headers that reach the user with the page.
    pub(super) extra_headers: Vec<HeaderName>,
    pub(super) links_as_sent: bool,
    /// Statuses of pages, in addition to 2xx other than 202, 204 with `Retry-After`, and 206.
    pub(super) accepted: Vec<StatusCode>,
    pub(super) max_body: usize,
    pub(super) secrets: Arc<Secrets>,
    pub(super) strip_secrets: bool,
    pub(super) auth: Auth,
    pub(super) quota: Quota,
}

impl Endpoint {
    pub(super) fn new(client: reqwest::Client, url: &str) -> Result<Self, Error> {
        let given = parse(url)?;
        let userinfo = (!given.username().is_empty() || given.password().is_some())
            .then(|| (given.username().to_owned(), given.password().map(str::to_owned)));
        let mut secrets = Secrets::default();
        if let Some((_, Some(password))) = &userinfo {
            secrets.add_value(password);
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
            extra_headers: Vec::new(),
            accepted: Vec::new(),
            max_body: 16 << 20,
            secrets: Arc::new(secrets),
            strip_secrets: false,
            auth: Auth::default(),
            quota: Quota::default(),
        })
    }

    /// Sets the JSON pointer (RFC 6901) to the array of items. By default, the whole body is the array.
    ///
    /// `null` at the pointer, and nothing at all, is an empty page, because some servers send that in place of an empty
    /// array; see [`missing_items`](Self::missing_items). If the body reports an error, it is not a page, but an error:
    /// see [`error_at`](Self::error_at).
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
    /// If no pointer is set, or if there is no number at the pointer, the first of these headers is used: `X-Total-Count`,
    /// `X-WP-Total`, `X-Total`, `Total-Count`, `Total-Records`, `Total-Results`, `X-Total-Items`, `X-Total-Records`,
    /// `X-Total-Results`, `X-Pagination-Total`, `X-Pagination-Total-Count`, `Pagination-Total`, `Pagination-Total-Count`,
    /// `Pagination-Count`, `X-Item-Count`, `Total`, and `Content-Range` (`items 0-24/319`).
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

    /// Sets the meaning of a response that has nothing at [`items_at`](Self::items_at); the default is
    /// [`MissingItems::Detect`].
    pub fn missing_items(mut self, meaning: MissingItems) -> Self {
        self.pointers.missing_items = meaning;
        self
    }

    /// Adds the JSON pointer to a value that only errors have, such as a message or a code.
    ///
    /// If there is a value other than `null`, `false`, `0`, `""`, `[]`, `{}` or a word such as `"ok"`, the response is
    /// an error, [`Error::NotAPage`], even if it has items.
    ///
    /// Without this setting, a response is such an error if it has no items, and if its body reports an error in one of
    /// the usual ways: a member such as `error`, `errors` or `fault`; `"ok": false`, `"success": false` or
    /// `"status": "error"`; a `code` other than 0 and 200 beside a message; or only a message.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"hits": [..], "failures": [{"shard": 3}]}
    /// let hits = endpoint.items_at("/hits").error_at("/failures").by_cursor::<String>("/next", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("is_error", "error_in_200"))]
    #[track_caller]
    pub fn error_at(mut self, pointer: &str) -> Self {
        self.pointers.errors.push(validate_pointer(pointer));
        self
    }

    /// Adds the JSON pointer to a value that every page has, and that value.
    ///
    /// A response without it is an error, [`Error::NotAPage`], even if it has items.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"code": 0, "data": [..]}, or {"code": 1254290, "data": []}
    /// let records = endpoint.items_at("/data").ok_at("/code", 0).by_cursor::<String>("/next", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn ok_at(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.pointers.required.push((validate_pointer(pointer), value.into()));
        self
    }

    /// Adds the JSON pointer to a value that reaches the user with the page, beside its items: see
    /// [`Extra`](super::Extra).
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("included", "metadata", "delta_link"))]
    #[track_caller]
    pub fn extra_at(mut self, pointer: &str) -> Self {
        self.pointers.extra.push(validate_pointer(pointer));
        self
    }

    /// Adds a header that reaches the user with the page: see [`Extra`](super::Extra).
    ///
    /// # Panics
    ///
    /// If `name` is not a valid header name.
    #[track_caller]
    pub fn extra_header(mut self, name: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        self.extra_headers.push(name.expect("the name of an extra header must be valid"));
        self
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

    /// Allows links and redirects to another origin, and sends the endpoint's headers there, too.
    ///
    /// The user name and the password of the endpoint's URL are not sent there.
    ///
    /// **Warning:** if the endpoint's URL is https and the origin is http, the headers, which may contain credentials, are
    /// sent without encryption, and anyone on the network can read them and change the pages. If the links are http only
    /// because a proxy terminates TLS, use [`links_stay_home`](Self::links_stay_home) instead.
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
    /// unless the origin is [allowed by name](Self::allow_origin), too. A request with a body is sent only to the
    /// endpoint's origin and to those allowed by name: a redirect elsewhere, with status 307 or 308, is an error.
    pub fn allow_any_origin(mut self) -> Self {
        self.origins.allow_any();
        self
    }

    /// Requests the path and the query of each link on the endpoint's own origin, whatever host the link names.
    ///
    /// Use it for a server behind a proxy that it knows nothing about: its links name an internal host, or `http` although
    /// the proxy terminates TLS. Redirects are treated like links. Links to an origin that is
    /// [allowed by name](Self::allow_origin) are followed there. If the proxy changes the path, too, the server has to be
    /// configured.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// // link: <http://10.0.0.7:8080/docs?page=2>; rel="next"
    /// //
    /// // The next request is GET https://api.example/docs?page=2.
    /// let items = client.endpoint("https://api.example/docs")?.links_stay_home().by_link::<String>();
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("proxy", "rewrite", "x_forwarded_proto"))]
    pub fn links_stay_home(mut self) -> Self {
        self.origins.stay_home();
        self
    }

    /// Checks that a request may be sent to a URL, as for each link and redirect.
    ///
    /// # Errors
    ///
    /// [`Error::CrossOrigin`] or [`Error::HttpsDowngrade`] if it may not.
    pub fn check_origin(&self, url: &Url) -> Result<(), Error> {
        self.origins.check(&self.url, url, false, &self.secrets).map(drop)
    }

    /// Treats the values of a query parameter as secrets: errors contain `***` instead of them.
    ///
    /// Upper and lower case, `-`, `_` and `.` make no difference. These names are always secret:
    ///
    /// - `app_id`, `app_token`, `assertion`, `auth`, `auth_key`, `authorization`, `bearer`, `bearer_token`,
    ///   `client_assertion`, `code_verifier`, `credentials`, `crumb`, `csrf`, `hmac`, `id_token`, `jwt`, `key`,
    ///   `oauth_token`, `pass`, `pat`, `private_key`, `pwd`, `saml_response`, `session`, `session_id`, `sig`, `sign`,
    ///   `ticket`, `token`, `user_token`
    /// - names that end in `access_key`, `access_key_id`, `access_token`, `api_key`, `api_token`, `app_key`,
    ///   `appsecret_proof`, `auth_token`, `credential`, `csrf_token`, `passphrase`, `passwd`, `password`, `plex_token`,
    ///   `private_token`, `refresh_token`, `secret`, `secret_key`, `security_token`, `session_token`, `signature` or
    ///   `subscription_key`, such as `X-Amz-Signature`
    ///
    /// The error of the stream, [`pages::Error`](crate::pages::Error), contains the cursor of the page, in which only
    /// these names are masked.
    ///
    /// The secrets in the endpoint's URL are added to each request on its origin whose link lacks them, and no cursor
    /// contains them.
    #[doc(alias("mask", "redact"))]
    pub fn secret_parameter(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.secrets).add_name(name);
        self
    }

    /// Removes the [secrets](Self::secret_parameter) from links, so that no cursor and no checkpoint contains one.
    ///
    /// By default, a secret in a link is part of its cursor, unless the endpoint's URL contains it, too. A link such as
    /// the signed URL of a storage service cannot be requested without its secrets. If the secrets of the links are those
    /// of the endpoint, which are added to each request, they are not needed in the links.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client, token: &str) -> Result<(), withal::pages::http::Error> {
    /// // {"data": [..], "paging": {"next": "https://graph.example/me/posts?access_token=NEW&after=a"}}
    /// let url = format!("https://graph.example/me/posts?access_token={token}");
    /// let posts = client.endpoint(&url)?.strip_secrets().items_at("/data").by_next_url::<String>("/paging/next");
    /// # Ok(())
    /// # }
    /// ```
    pub fn strip_secrets(mut self) -> Self {
        self.strip_secrets = true;
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
    /// It replaces a header of the same name. Neither errors nor `Debug` output contain its value.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHeader`] if the name or the value contains characters that HTTP does not allow, such as the line
    /// break at the end of a token that was read from a file.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, header) = parse_header(name, value)?;
        if self.secrets.is_secret(name.as_str()) {
            // The token of `Bearer token`.
            Arc::make_mut(&mut self.secrets).add_value(value.rsplit(' ').next().unwrap_or(value));
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

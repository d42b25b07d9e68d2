use std::fmt::{self, Display};
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::value::RawValue;

use super::auth::parse_header;
use super::endpoint::Endpoint;
use super::error::Error;
use super::json_edit::set_at;
use super::json_pointers::validate_pointer;
use super::url::{with_parameter, without_parameter};

/// The request for a page, as [`by_response`](Endpoint::by_response) passes it to the function that puts the cursor
/// into it.
///
/// It begins as the request for the first page, with the URL, the method and the body of the endpoint. An error in one
/// of the methods, such as an invalid header, is reported as the error of the page.
///
/// # Examples
///
/// ```
/// # fn hits(endpoint: withal::pages::http::Endpoint) -> Result<(), withal::pages::http::Error> {
/// // {"hits": {"hits": [{"_id": "a", "sort": [1503435956.00024751, "a"]}, ..]}}
/// let hits = endpoint
///     .json(&serde_json::json!({ "size": 100, "sort": ["time", "_id"] }))?
///     .items_at("/hits/hits")
///     .by_response(
///         |request, last: &String| request.json_text_at("/search_after", last),
///         |response| {
///             let last = response.json_text_at("/hits/hits/-1/sort")?.map(str::to_owned);
///             Ok(response.page::<serde_json::Value, _>(last)?)
///         },
///     );
/// # Ok(())
/// # }
/// ```
#[must_use = "the changed request is returned"]
pub struct Request {
    pub(super) url: Url,
    pub(super) method: Method,
    /// In addition to the headers of the endpoint, which they replace.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    /// The URL as the server sent it, if parameters of the endpoint were added to it.
    pub(super) as_sent: Option<Url>,
    /// `true` if status 304 (Not Modified) is expected.
    pub(super) is_conditional: bool,
    /// The first error of a method.
    error: Option<Error>,
    endpoint: Arc<Endpoint>,
}

impl Request {
    /// Creates the request for the first page.
    pub(super) fn new(endpoint: &Arc<Endpoint>) -> Self {
        Self {
            url: endpoint.url.clone(),
            method: endpoint.method.clone(),
            headers: HeaderMap::new(),
            body: endpoint.body.clone(),
            as_sent: None,
            is_conditional: false,
            error: None,
            endpoint: Arc::clone(endpoint),
        }
    }

    /// Sets a query parameter. All others are kept byte for byte.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.url = with_parameter(&self.url, name, &value.to_string());
        self.as_sent = None;
        self
    }

    /// Sets a query parameter, or the value at a JSON pointer in the body, which begins with a slash.
    pub(super) fn parameter(self, name: &str, value: impl Display + Serialize) -> Self {
        if name.starts_with('/') { self.json_at(name, value) } else { self.query(name, value) }
    }

    /// Removes a query parameter.
    pub fn remove_query(mut self, name: &str) -> Self {
        self.url = without_parameter(&self.url, name);
        self.as_sent = None;
        self
    }

    /// Replaces the whole URL, query included, with a cursor that [`Response::link`](super::Response::link) returned,
    /// or with a URL that is relative to the endpoint's.
    ///
    /// The query parameters of the endpoint's URL that it lacks are added, according to
    /// [`links_as_sent`](Endpoint::links_as_sent). The URL must be on an origin that the endpoint allows, otherwise the
    /// page fails, and nothing is sent.
    pub fn url(mut self, url: &str) -> Self {
        match self.endpoint.url_of(url) {
            Ok(url) => {
                self.url = self.endpoint.with_own_query(url.clone());
                self.as_sent = Some(url).filter(|url| *url != self.url);
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Sets a header. It is sent to the same origins as those of [`Endpoint::header`], and replaces one of them.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        match parse_header(name, &value) {
            Ok((name, value)) => drop(self.headers.insert(name, value)),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Sets the method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Replaces the whole body with a value, as JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.set_body(body),
            Err(source) => self.fail(Error::new(source)),
        }
        self
    }

    /// Sets the value at a JSON pointer in the body. Objects on the way are created.
    ///
    /// The rest of the body is kept byte for byte. Without a body, the value is set in an empty object.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn json_at(mut self, pointer: &str, value: impl Serialize) -> Self {
        let pointer = validate_pointer(pointer);
        match serde_json::to_string(&value) {
            Ok(json) => self.set_json_at(&pointer, &json),
            Err(source) => self.fail(Error::new(source)),
        }
        self
    }

    /// Sets the value at a JSON pointer in the body, as [`json_at`](Self::json_at) does, to a JSON text such as
    /// [`Response::json_text_at`](super::Response::json_text_at) returns. The text is sent byte for byte.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn json_text_at(mut self, pointer: &str, json: &str) -> Self {
        let pointer = validate_pointer(pointer);
        match serde_json::from_str::<&RawValue>(json) {
            Ok(json) => self.set_json_at(&pointer, json.get()),
            Err(source) => self.fail(Error::new(source)),
        }
        self
    }

    /// Replaces the whole body, which is not JSON.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.set_body(body.into());
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Returns the current URL.
    #[must_use]
    pub fn current_url(&self) -> &Url {
        &self.url
    }

    /// Returns the first error of a method.
    pub(super) fn again(&self) -> Self {
        Self {
            url: self.url.clone(),
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            as_sent: self.as_sent.clone(),
            is_conditional: false,
            error: None,
            endpoint: Arc::clone(&self.endpoint),
        }
    }

    pub(super) fn check(self) -> Result<Self, Error> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    fn set_json_at(&mut self, pointer: &str, json: &str) {
        match set_at(self.body.as_deref().unwrap_or(b"{}"), pointer, json) {
            Ok(body) => self.set_body(body),
            Err(error) => self.fail(Error::new(error)),
        }
    }

    /// A request with a body is a POST, unless another method was set.
    fn set_body(&mut self, body: Vec<u8>) {
        self.body = Some(body);
        if self.method == Method::GET {
            self.method = Method::POST;
        }
    }

    /// Reports an error as that of the page.
    pub(super) fn failed(mut self, error: Error) -> Self {
        self.fail(error);
        self
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

/// Without the body and the values of the headers, which may contain secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.endpoint.secrets.url(&self.url))
            .finish_non_exhaustive()
    }
}

use std::sync::{Arc, OnceLock};

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::body::Body;
use super::endpoint::Endpoint;
use super::error::Error;
use super::identity::head;
use super::json_array;
use super::json_pointers::{is_null, validate_pointer};
use super::response_info::ResponseInfo;
use crate::pages::fingerprint::Fingerprint;

/// A response, as [`by_response`](Endpoint::by_response) passes it to the function that reads a page from it.
///
/// The body is not parsed before a method needs it. Items and cursors are deserialized from its bytes, so that large
/// integers and decimals keep their digits. A byte order mark before the JSON is skipped.
///
/// Each method searches the whole body for its pointer. [`page`](Self::page) finds all pointers of the endpoint at
/// once. If it is called before any other method that searches the body, the items are read only once.
///
/// # Examples
///
/// ```
/// # #[derive(serde::Deserialize)] struct User;
/// # fn users(endpoint: withal::pages::http::Endpoint) {
/// use withal::pages::Page;
///
/// // {"users": [{"id": 7}, ..], "next": {"after": 7, "seed": "k"}}
/// let users = endpoint.by_response(
///     |request, (after, seed): &(u64, String)| request.query("after", after).query("seed", seed),
///     |response| {
///         let next = response.at("/next/after")?.zip(response.at("/next/seed")?);
///         Ok(Page::new(response.items::<User>("/users")?, next))
///     },
/// );
/// # }
/// ```
pub struct Response {
    /// Without user name, password and fragment.
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    /// The fingerprints of the items that a function of the user has read, and of their head.
    content: OnceLock<(Fingerprint, Option<Fingerprint>)>,
    pub(super) endpoint: Arc<Endpoint>,
}

impl Response {
    pub(super) fn new(
        url: Url,
        status: StatusCode,
        headers: HeaderMap,
        body: Body,
        endpoint: Arc<Endpoint>,
    ) -> Self {
        Self { url, status, headers, body, content: OnceLock::new(), endpoint }
    }

    /// Returns the URL of the response, after redirects. Relative links in the response are relative to it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the status: 2xx, unless another is [accepted](Endpoint::accept_status).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the value of a header; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPage`] if the value contains bytes that are not visible ASCII: a cursor that cannot be read is not an
    /// absent one. [`headers`](Self::headers) has the bytes.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Error> {
        let value = self.headers.get(name).map(HeaderValue::to_str).transpose();
        let value = value
            .map_err(|_| self.error(&format!("the header {name:?} contains bytes that are not text")))?;
        Ok(value.map(str::trim))
    }

    /// Returns the body, after decompression and without a byte order mark.
    ///
    /// # Examples
    ///
    /// S3 lists objects as XML. `list_objects` stands for a function that uses an XML crate of your choice:
    ///
    /// ```
    /// # struct Listing { keys: Vec<String>, next: Option<String> }
    /// # fn list_objects(xml: &[u8]) -> Result<Listing, std::str::Utf8Error> { Ok(Listing { keys: vec![], next: None }) }
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// use withal::pages::Page;
    ///
    /// // <ListBucketResult><Contents><Key>a</Key></Contents>
    /// // <NextContinuationToken>1ue</NextContinuationToken></ListBucketResult>
    /// let keys = endpoint.by_response(
    ///     |request, token: &String| request.query("continuation-token", token),
    ///     |response| {
    ///         let listing = list_objects(response.bytes())?;
    ///         Ok(Page::new(listing.keys, listing.next))
    ///     },
    /// );
    /// # }
    /// ```
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.body.bytes()
    }

    /// Deserializes the whole body.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if the body is not JSON, or not that of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let first = match serde_json::from_slice(self.bytes()) {
            Ok(value) => return Ok(value),
            Err(first) => first,
        };
        // Replace lone surrogates, if one is the reason.
        let whole: Result<&RawValue, _> = serde_json::from_slice(self.bytes());
        whole.and_then(json_array::value).map_err(|_| self.invalid_json(first))
    }

    /// Deserializes the value at a JSON pointer (RFC 6901). Absent and `null` are `None`.
    ///
    /// As an extension of the RFC, `-1` is the last element of an array.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if the body is not JSON, or if the value is not a `T`.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn at<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>, Error> {
        let value = self.value_at(&validate_pointer(pointer))?;
        value.map(json_array::value).transpose().map_err(|source| self.invalid_json(source))
    }

    /// Returns the JSON text of the value at a JSON pointer, byte for byte. Absent and `null` are `None`.
    ///
    /// A cursor that is an object or an array is such a text; [`Request::json_text_at`](super::Request::json_text_at)
    /// sends it back.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if the body is not JSON.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn json_text_at(&self, pointer: &str) -> Result<Option<&str>, Error> {
        Ok(self.value_at(&validate_pointer(pointer))?.map(RawValue::get))
    }

    /// Creates an error about this response, with its URL, status, headers and an excerpt of its body.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// let items = endpoint.by_response(
    ///     |request, cursor: &String| request.query("cursor", cursor),
    ///     |response| match response.at::<String>("/status")?.as_deref() {
    ///         Some("complete") => Ok(response.page::<String, _>(response.cursor_at("/next")?)?),
    ///         status => Err(response.error(&format!("the export is {status:?}")).into()),
    ///     },
    /// );
    /// # }
    /// ```
    #[must_use]
    pub fn error(&self, message: &str) -> Error {
        Error::not_a_page(message, self.info())
    }

    /// Creates an error about a report of this response by a well-known name, which may mean something else.
    pub(super) fn reported(&self, message: &str) -> Error {
        Error::reported(message, self.info())
    }

    /// Returns the values at some pointers. A value may be `null`.
    pub(super) fn find<const N: usize>(&self, pointers: [&str; N]) -> Result<[Option<&RawValue>; N], Error> {
        if self.has_no_content() {
            return Ok([None; N]);
        }
        let mut found = [None; N];
        self.find_into(&pointers, &mut found)?;
        Ok(found)
    }

    fn find_into<'a>(&'a self, pointers: &[&str], found: &mut [Option<&'a RawValue>]) -> Result<(), Error> {
        let items = &self.endpoint.pointers.items;
        self.body.find(pointers, found, items).map_err(|source| self.invalid_json(source))
    }

    /// Deserializes the items of an array that is a member of the body, and returns its bytes; `None` if there are none,
    /// or if anything is wrong.
    ///
    /// Called before anything is looked up in the body, it is the only pass over the items.
    pub(super) fn indexed_items<T: DeserializeOwned>(&self) -> Option<(Vec<T>, &[u8])> {
        if self.has_no_content() { None } else { self.body.items(&self.endpoint.pointers.items) }
    }

    /// Returns the value at a pointer; `None` if it is `null`.
    pub(super) fn value_at(&self, pointer: &str) -> Result<Option<&RawValue>, Error> {
        Ok(self.find([pointer])?[0].filter(|value| !is_null(value)))
    }

    /// Returns `true` if the body is a JSON object.
    pub(super) fn is_object(&self) -> bool {
        !self.has_no_content() && self.bytes().trim_ascii_start().starts_with(b"{")
    }

    /// Returns the values at some pointers, in their order. They may be `null`.
    pub(super) fn find_all(&self, pointers: &[String]) -> Result<Vec<Option<&RawValue>>, Error> {
        let mut found = vec![None; pointers.len()];
        // Only an object has members.
        if self.is_object() {
            let pointers: Vec<_> = pointers.iter().map(String::as_str).collect();
            self.find_into(&pointers, &mut found)?;
        }
        Ok(found)
    }

    pub(super) fn invalid_json(&self, source: serde_json::Error) -> Error {
        Error::invalid_json(source, self.info())
    }

    /// Returns what an error shows of this response.
    #[cold]
    pub(super) fn info(&self) -> Box<ResponseInfo> {
        let Self { url, status, headers, body, content: _, endpoint } = self;
        ResponseInfo::new(url, *status, headers.clone(), body.as_received(), &endpoint.secrets)
    }

    /// Keeps the fingerprint of an array of items, the first that a function of the user reads.
    pub(super) fn set_content(&self, items: &[u8]) {
        self.content.get_or_init(|| (Fingerprint::of(items), head(items)));
    }

    pub(super) fn content(&self) -> Option<(Fingerprint, Option<Fingerprint>)> {
        self.content.get().copied()
    }

    pub(super) fn has_no_content(&self) -> bool {
        matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

/// Without the body and the values of the headers, which may contain secrets.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("url", &self.endpoint.secrets.url(&self.url))
            .field("status", &self.status.as_u16())
            .field("length", &self.bytes().len())
            .finish_non_exhaustive()
    }
}

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::endpoint::Endpoint;
use super::error::Error;
use super::extra::Extra;
use super::json_array::{self, InvalidElement};
use super::json_index::{JsonIndex, find_indexed, items_name};
use super::json_pointers::{is_null, json_type, validate_pointer};
use super::json_slices::find_all;
use super::link::Link;
use super::links::Links;
use super::missing_items::{MissingItems, has_other_items, is_empty_value};
use super::reference::{Reference, resolve, resolve_link};
use super::reported_error::{is_error, message_of, reported_error};
use super::response_info::ResponseInfo;
use super::total_header::total;
use crate::pages::page::Page;

/// The bytes of a body: one chunk as it was received, or a vector.
pub(super) type Body = Box<dyn AsRef<[u8]> + Send + Sync>;

/// A response, as [`by_response`](Endpoint::by_response) passes it to the function that reads a page from it.
///
/// The body is not parsed before a method needs it. Items and cursors are deserialized from its bytes, so that large
/// integers and decimals keep their digits. A byte order mark before the JSON is skipped.
///
/// Each method looks for its pointer in the whole body. [`page`](Self::page) finds all pointers of the endpoint at once.
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
    /// Created when a member of the body is looked up.
    index: OnceLock<Option<JsonIndex>>,
    endpoint: Arc<Endpoint>,
}

impl Response {
    pub(super) fn new(
        url: Url,
        status: StatusCode,
        headers: HeaderMap,
        body: Body,
        endpoint: Arc<Endpoint>,
    ) -> Self {
        Self { url, status, headers, body, index: OnceLock::new(), endpoint }
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

    /// Returns the value of a header; `None` if it is absent or contains bytes that are not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
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
        let body = self.all_bytes();
        body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
    }

    fn all_bytes(&self) -> &[u8] {
        (*self.body).as_ref()
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
        // Half a surrogate pair, if that is the reason.
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

    /// Deserializes the items of the array at a JSON pointer.
    ///
    /// If the array is absent or `null`, the settings of the endpoint apply, as for [`page`](Self::page).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`], [`Error::ItemsNotArray`] and [`Error::InvalidItem`], according to their documentation;
    /// [`Error::NotAPage`] if there are no items, and the body reports an error.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn items<T: DeserializeOwned>(&self, pointer: &str) -> Result<Vec<T>, Error> {
        let pointer = validate_pointer(pointer);
        if self.has_no_content() {
            return Ok(Vec::new());
        }
        if let Some(items) = self.whole_body(&pointer) {
            return Ok(items);
        }
        let items = self.array(&pointer, self.find([&pointer])?[0])?;
        items.map_or(Ok(Vec::new()), |items| self.elements(items))
    }

    /// Deserializes the items of a body with one JSON value per line (NDJSON). Blank lines are skipped.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// use withal::pages::Page;
    ///
    /// // x-next-cursor: k7
    /// //
    /// // {"id": 1}
    /// // {"id": 2}
    /// let events = endpoint.by_response(
    ///     |request, cursor: &String| request.query("cursor", cursor),
    ///     |response| {
    ///         let next = response.header("x-next-cursor").map(str::to_owned);
    ///         Ok(Page::new(response.lines::<serde_json::Value>()?, next))
    ///     },
    /// );
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidItem`] with the index of the first line that is not a `T`.
    #[doc(alias("ndjson", "jsonl"))]
    pub fn lines<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let lines = self.bytes().split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let item = |(index, line)| {
            serde_json::from_slice::<&RawValue>(line)
                .and_then(json_array::value)
                .map_err(|source| Error::invalid_item(index, source, self.info()))
        };
        lines.enumerate().map(item).collect()
    }

    /// Returns the cursor at a JSON pointer: the content of a string, or the digits of a number as they were sent.
    ///
    /// Absent, `null`, `false` and `""` are `None`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if the body is not JSON, [`Error::InvalidCursor`] if the value is of another type.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn cursor_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        Ok(self.blank_cursor_at(&validate_pointer(pointer))?.filter(|cursor| !cursor.is_empty()))
    }

    /// Returns the link at a JSON pointer, as [`link`](Self::link) does. Absent, `null`, `false` and `""` are `None`.
    ///
    /// # Errors
    ///
    /// As for [`cursor_at`](Self::cursor_at).
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn link_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        let link = self.cursor_at(pointer)?.filter(|link| !link.trim().is_empty());
        Ok(link.map(|link| self.link(&link)))
    }

    /// Converts a link of this response into a cursor for [`Request::url`](super::Request::url).
    ///
    /// A relative link is resolved. A text that is neither a URL, nor a path or a query, is not: the next page fails,
    /// without a request. The cursor of a page on the endpoint's origin is relative to that origin, so that a
    /// checkpoint remains valid when the host or the port changes. Whether a page on another origin may be requested is
    /// decided when it is requested.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // next-page: https://api.example/v1/docs?_since=9
    /// let docs = endpoint.by_response(
    ///     |request, next: &String| request.url(next),
    ///     |response| {
    ///         let next = response.header("next-page").map(|next| response.link(next));
    ///         Ok(response.page::<String, _>(next)?)
    ///     },
    /// );
    /// # }
    /// ```
    #[must_use]
    pub fn link(&self, link: &str) -> String {
        self.cursor_of(Reference::new(link.to_owned(), |link| resolve(&self.url, link)))
    }

    /// Parses the `Link` headers (RFC 8288).
    #[must_use]
    pub fn links(&self) -> Links {
        Links::parse(&self.headers)
    }

    /// Converts a reference into a cursor.
    pub(super) fn cursor_of(&self, reference: Reference) -> String {
        self.endpoint.cursor_of_reference(reference)
    }

    /// Creates a page from the values at the endpoint's pointers, such as [`items_at`](Endpoint::items_at), and the
    /// cursor of the next page.
    ///
    /// # Errors
    ///
    /// As for [`items`](Self::items); [`Error::InvalidHasMore`] if the value at [`has_more_at`](Endpoint::has_more_at)
    /// is no flag.
    pub fn page<T: DeserializeOwned, C>(&self, next: Option<C>) -> Result<Page<T, C>, Error> {
        let pointers = &self.endpoint.pointers;
        let mut page = Page::new(Vec::new(), next);
        if self.has_no_content() {
            return Ok(page.total(self.total(None)));
        }
        let (total_at, has_more_at) = (pointers.total.as_deref(), pointers.has_more.as_deref());
        let flag_at = has_more_at.or(pointers.is_last.as_deref());
        if total_at.is_none() && flag_at.is_none() {
            if let Some(items) = self.whole_body(&pointers.items) {
                page.items = items;
                return Ok(page.total(self.total(None)).fingerprint(self.bytes()));
            }
        }
        let indexed = self.indexed_items();
        let [items, total, flag] = self.find([
            // The items are deserialized already.
            if indexed.is_some() { "absent" } else { &pointers.items },
            // An absent pointer finds nothing.
            total_at.unwrap_or("absent"),
            flag_at.unwrap_or("absent"),
        ])?;
        page.total = self.total(total);
        page.has_more = match (flag_at, flag) {
            (Some(pointer), Some(value)) if has_more_at.is_some() => {
                self.flag(pointer, value, page.next_cursor.is_some())?
            }
            (Some(pointer), Some(value)) => self.flag(pointer, value, true)?.map(|is_last| !is_last),
            _ => None,
        };
        if let Some((items, array)) = indexed {
            page.items = items;
            page = page.fingerprint(array);
        } else if let Some(items) = self.array(&pointers.items, items)? {
            page.items = self.elements(items)?;
            page = page.fingerprint(items.get());
        }
        Ok(page)
    }

    /// Completes a page that a function has read: adds the extra value, and a fingerprint if the page has none.
    pub(super) fn complete<T, C>(&self, mut page: Page<T, C>) -> Result<Page<T, C>, Error> {
        if page.item_fingerprint().is_none() && !page.items.is_empty() {
            page = page.fingerprint(self.bytes());
        }
        let (pointers, names) = (&self.endpoint.pointers.extra, &self.endpoint.extra_headers);
        if page.extra_value().is_some() || pointers.is_empty() && names.is_empty() {
            return Ok(page);
        }
        let mut values = Vec::new();
        for pointer in pointers {
            if let Some(value) = self.value_at(pointer)? {
                values.push((pointer.clone(), value.to_owned()));
            }
        }
        let mut headers = HeaderMap::new();
        for name in names {
            for value in self.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        Ok(page.extra(Extra::new(headers, values)))
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

    /// Checks the conditions of [`error_at`](Endpoint::error_at) and [`ok_at`](Endpoint::ok_at).
    pub(super) fn check(&self) -> Result<(), Error> {
        let pointers = &self.endpoint.pointers;
        if self.has_no_content() {
            return Ok(());
        }
        for pointer in &pointers.errors {
            if let Some(error) = self.find([pointer])?[0].filter(|value| is_error(value)) {
                return Err(self.error(&message_of(error)));
            }
        }
        for (pointer, want) in &pointers.required {
            let found = self.find([pointer])?[0];
            let is_equal = found.is_some_and(|found| {
                json_array::value::<serde_json::Value>(found).is_ok_and(|found| found == *want)
            });
            if !is_equal {
                let found = found.map_or("nothing", RawValue::get);
                let reported = reported_error(self.bytes(), false);
                let reported = reported.map_or_else(String::new, |error| format!(": {error}"));
                return Err(self.error(&format!("expected {want} at {pointer:?}, found {found}{reported}")));
            }
        }
        Ok(())
    }

    /// Returns the values at some pointers, which may be `null`.
    pub(super) fn find<const N: usize>(&self, pointers: [&str; N]) -> Result<[Option<&RawValue>; N], Error> {
        if self.has_no_content() {
            return Ok([None; N]);
        }
        let mut found = [None; N];
        self.find_into(&pointers, &mut found)?;
        Ok(found)
    }

    fn find_into<'a>(&'a self, pointers: &[&str], found: &mut [Option<&'a RawValue>]) -> Result<(), Error> {
        if let Some(index) = self.index() {
            let mut is_valid = true;
            for (pointer, found) in pointers.iter().zip(found.iter_mut()) {
                match find_indexed(index, self.bytes(), pointer) {
                    Ok(value) => *found = value,
                    Err(_) => is_valid = false,
                }
            }
            if is_valid {
                return Ok(());
            }
        }
        // The error has its line and column in the whole body.
        found.fill(None);
        find_all(self.bytes(), pointers, found).map_err(|source| self.invalid_json(source))
    }

    /// Returns where the members of the body are, if it is an object.
    fn index(&self) -> Option<&JsonIndex> {
        let index = || JsonIndex::new(self.bytes(), items_name(&self.endpoint.pointers.items));
        self.index.get_or_init(index).as_ref()
    }

    /// Deserializes the items of an array that is a member of the body, and returns its bytes; `None` if there are none, or
    /// if anything is wrong.
    fn indexed_items<T: DeserializeOwned>(&self) -> Option<(Vec<T>, &[u8])> {
        let name = items_name(&self.endpoint.pointers.items)?;
        let array = self.index()?.find(self.bytes(), name).filter(|array| array.starts_with(b"["))?;
        let items = json_array::try_elements(array).filter(|items: &Vec<T>| !items.is_empty())?;
        Some((items, array))
    }

    /// Returns the value at a pointer; `None` if it is `null`.
    fn value_at(&self, pointer: &str) -> Result<Option<&RawValue>, Error> {
        Ok(self.find([pointer])?[0].filter(|value| !is_null(value)))
    }

    /// Returns the cursor at a JSON pointer, which may be blank.
    pub(super) fn blank_cursor_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        self.value_at(pointer)?.map_or(Ok(None), |value| self.cursor(pointer, value))
    }

    /// Converts a value into a cursor; `None` if it [marks the last page](Endpoint::end_cursors).
    pub(super) fn cursor(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        let cursor = self.key(pointer, value)?;
        let is_number = !value.get().starts_with('"');
        Ok(cursor.filter(|cursor| !self.ends_at(cursor, is_number)))
    }

    /// Converts a value into a cursor.
    pub(super) fn key(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        match value.get().as_bytes().first() {
            Some(b'n' | b'f') => Ok(None),
            Some(b'"') => json_array::value(value).map(Some).map_err(|source| self.invalid_json(source)),
            Some(b'-' | b'0'..=b'9') => Ok(Some(value.get().to_owned())),
            _ => Err(Error::invalid_cursor(pointer, json_type(value), self.info())),
        }
    }

    /// Returns `true` if a cursor marks the last page.
    fn ends_at(&self, cursor: &str, is_number: bool) -> bool {
        match &self.endpoint.pointers.end_cursors {
            Some(ends) => ends.iter().any(|end| end == cursor),
            None => is_number && cursor == "0",
        }
    }

    /// Returns the JSON text of a cursor of any type, `""` if it is a blank string; `None` if it
    /// [marks the last page](Endpoint::end_cursors).
    pub(super) fn json_cursor(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        let is_scalar = !value.get().starts_with(['{', '[']);
        if is_scalar && self.cursor(pointer, value)?.is_none() {
            return Ok(None);
        }
        self.json_key(pointer, value)
    }

    /// Returns the JSON text of a cursor of any type, `""` if it is a blank string.
    pub(super) fn json_key(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        match value.get().as_bytes().first() {
            Some(b'{' | b'[') => Ok(Some(value.get().to_owned())),
            _ => Ok(self
                .key(pointer, value)?
                .map(|cursor| if cursor.is_empty() { cursor } else { value.get().to_owned() })),
        }
    }

    /// Returns the scalar members of an object as a JSON object of strings; `None` if it is empty or `null`.
    pub(super) fn parameters(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        let invalid = |value| Error::invalid_cursor(pointer, json_type(value), self.info());
        if matches!(value.get(), "null" | "false") {
            return Ok(None);
        }
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(value.get()).map_err(|_| invalid(value))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in members {
            match value.get().as_bytes().first() {
                Some(b'{' | b'[') => return Err(invalid(value)),
                Some(b'n') => {}
                Some(b'"') => {
                    let text: String =
                        json_array::value(value).map_err(|source| self.invalid_json(source))?;
                    parameters.insert(name, text);
                }
                _ => drop(parameters.insert(name, value.get().to_owned())),
            }
        }
        if parameters.is_empty() {
            return Ok(None);
        }
        serde_json::to_string(&parameters).map(Some).map_err(Error::new)
    }

    /// Returns `true` if the endpoint has a flag for more pages or for the last page.
    pub(super) fn has_configured_flag(&self) -> bool {
        let pointers = &self.endpoint.pointers;
        pointers.has_more.is_some() || pointers.is_last.is_some()
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

    /// Returns the URL in a header.
    pub(super) fn reference_in_header(&self, name: &str) -> Result<Option<Reference>, Error> {
        let text = self.cursor_in_header(name)?.filter(|text| !text.is_empty());
        Ok(text.map(|text| Reference::new(text, |text| resolve(&self.url, text))))
    }

    /// Returns the cursor in a header.
    pub(super) fn cursor_in_header(&self, name: &str) -> Result<Option<String>, Error> {
        match self.headers.get(name).map(|value| value.to_str()) {
            None => Ok(None),
            Some(Ok(cursor)) => Ok(Some(cursor.trim().to_owned())),
            Some(Err(_)) => Err(Error::invalid_cursor(name, "bytes", self.info())),
        }
    }

    /// Returns the target of the link with `rel="next"`; `None` if its `results` is `"false"`.
    ///
    /// Sentry sends such a link on its last page, too: <https://docs.sentry.io/api/pagination/>.
    pub(super) fn next_link(&self) -> Result<Option<Reference>, Error> {
        let links = self.links();
        let next = links.find("next").map_err(|error| Error::invalid_link(&error.value, self.info()))?;
        let next = match next {
            Some(link) => Some(link),
            // An anchor may name this page itself (section 3.2).
            None => links.iter().find(|link| {
                link.has_rel("next")
                    && link.parameter("anchor").is_some_and(|anchor| {
                        resolve(&self.url, anchor).is_ok_and(|anchor| anchor == self.url)
                    })
            }),
        };
        let has_results = |link: &&Link| {
            !link.parameter("results").is_some_and(|results| results.eq_ignore_ascii_case("false"))
        };
        let target =
            |link: &Link| Reference::new(link.target().to_owned(), |target| resolve_link(&self.url, target));
        Ok(next.filter(has_results).map(target))
    }

    /// Returns the array of items at a pointer; `None` if the page is empty.
    pub(super) fn array<'a>(
        &self,
        pointer: &str,
        found: Option<&'a RawValue>,
    ) -> Result<Option<&'a RawValue>, Error> {
        let is_array = found.is_some_and(|value| value.get().starts_with('['));
        match found {
            Some(items) if is_array && !is_empty_value(items) => return Ok(found),
            Some(value) if !is_array && (!is_null(value) || pointer.is_empty()) => {
                return Err(self.no_items(pointer, json_type(value), found.is_none()));
            }
            // An empty array is an empty page, unless the body reports an error.
            _ => {}
        }
        if let Some(message) = reported_error(self.bytes(), found.is_none()) {
            return Err(self.error(&message));
        }
        if found.is_none() && !self.may_lack(pointer)? {
            return Err(Error::items_not_array(pointer, "nothing", self.info()));
        }
        Ok(None)
    }

    /// Returns the error of a body that has something else in the place of the items.
    fn no_items(&self, pointer: &str, found: &'static str, is_absent: bool) -> Error {
        match reported_error(self.bytes(), is_absent) {
            Some(message) => self.error(&message),
            None => Error::items_not_array(pointer, found, self.info()),
        }
    }

    /// Returns `true` if a page may have nothing at the pointer to the items.
    fn may_lack(&self, pointer: &str) -> Result<bool, Error> {
        match self.endpoint.pointers.missing_items {
            MissingItems::Empty => return Ok(true),
            MissingItems::Error => return Ok(false),
            MissingItems::Detect => {}
        }
        // Find the deepest value on the way to the items.
        let mut parent = pointer;
        let found = loop {
            parent = &parent[..parent.rfind('/').unwrap_or(0)];
            if let Some(found) = self.find([parent])?[0] {
                break found;
            }
            if parent.is_empty() {
                return Ok(false);
            }
        };
        let is_object = found.get().starts_with('{');
        let is_whole = parent.is_empty();
        Ok(if is_object {
            !has_other_items(found)
        } else {
            is_empty_value(found) && !(is_whole && is_null(found))
        })
    }

    /// Deserializes the items of an array.
    pub(super) fn elements<T: DeserializeOwned>(&self, array: &RawValue) -> Result<Vec<T>, Error> {
        json_array::elements(array)
            .map_err(|InvalidElement { index, source }| Error::invalid_item(index, source, self.info()))
    }

    /// Deserializes the body in one pass, if the whole body is the array; `None` if anything is wrong with it.
    fn whole_body<T: DeserializeOwned>(&self, pointer: &str) -> Option<Vec<T>> {
        pointer
            .is_empty()
            .then(|| json_array::try_elements(self.bytes()).filter(|items| !items.is_empty()))?
    }

    /// Converts a value into a flag: a boolean, 0 or 1, these as strings, or a URL in place of `true`.
    fn flag(&self, pointer: &str, value: &RawValue, has_cursor: bool) -> Result<Option<bool>, Error> {
        let text = if value.get().starts_with('"') { json_array::value(value).ok() } else { None };
        let text = text.unwrap_or_else(|| value.get().to_owned());
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" => Ok(Some(true)),
            "false" | "0" | "no" | "n" | "" => Ok(Some(false)),
            // In place of a URL, `null` marks the last page. Beside a cursor, it does not.
            "null" => Ok((!has_cursor).then_some(false)),
            url if url.starts_with("http://")
                || url.starts_with("https://")
                || url.starts_with(['/', '?']) =>
            {
                Ok(Some(true))
            }
            _ => Err(self.invalid_has_more(pointer, json_type(value))),
        }
    }

    pub(super) fn invalid_has_more(&self, pointer: &str, found: &'static str) -> Error {
        Error::invalid_has_more(pointer, found, self.info())
    }

    pub(super) fn invalid_json(&self, source: serde_json::Error) -> Error {
        Error::invalid_json(source, self.info())
    }

    /// Returns what an error shows of this response.
    #[cold]
    pub(super) fn info(&self) -> Box<ResponseInfo> {
        let Self { url, status, headers, endpoint, .. } = self;
        ResponseInfo::new(url, *status, headers.clone(), self.all_bytes(), &endpoint.secrets)
    }

    fn has_no_content(&self) -> bool {
        self.status == StatusCode::NO_CONTENT
    }

    /// Returns the number of all items: from the JSON if it is there, otherwise from a header.
    pub(super) fn total(&self, in_json: Option<&RawValue>) -> Option<u64> {
        let in_json = in_json.and_then(|value| value.get().trim_matches('"').trim().parse().ok());
        in_json.or_else(|| total(&self.headers))
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

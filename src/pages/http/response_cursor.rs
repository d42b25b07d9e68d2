//! The cursors and links of a response.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::error::Error;
use super::json_array;
use super::json_pointers::{json_type, validate_pointer};
use super::link::Link;
use super::links::Links;
use super::missing_items::is_empty_value;
use super::reference::{Reference, resolve, resolve_link};
use super::response::Response;

/// The longest JSON of a cursor, in bytes.
const MAX_CURSOR: usize = 64 << 10;

/// # Cursors and links
impl Response {
    /// Returns the cursor at a JSON pointer: the content of a string, or the digits of a number as they were sent.
    ///
    /// An absent value, `null`, `false`, `""`, `[]` and `{}` are `None`, and so are the
    /// [end cursors](super::Endpoint::end_cursors), by default the number 0.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if the body is not JSON, [`Error::InvalidCursor`] if the value is of another type or
    /// longer than 64 KiB.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn cursor_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        Ok(self.blank_cursor_at(&validate_pointer(pointer))?.filter(|cursor| !cursor.is_empty()))
    }

    /// Returns the link at a JSON pointer, as [`link`](Self::link) does; `None` if it is absent, `null`, `false` or
    /// `""`.
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
    /// A relative link is resolved against the URL of this response. If the text is not a URL, a path or a query, the
    /// next page fails without a request. The cursor of a page on the endpoint's origin is relative to that origin, so
    /// that a checkpoint remains valid when the host or the port changes. The origin of an absolute link is checked
    /// when its page is requested.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // next-page: https://api.example/v1/docs?_since=9
    /// let docs = endpoint.by_response(
    ///     |request, next: &String| request.url(next),
    ///     |response| {
    ///         let next = response.header("next-page")?.map(|next| response.link(next));
    ///         Ok(response.page::<String, _>(next)?)
    ///     },
    /// );
    /// # }
    /// ```
    #[must_use]
    pub fn link(&self, link: &str) -> String {
        self.cursor_of(Reference::new(link.to_owned(), |link| resolve(self.url(), link)))
    }

    /// Parses the `Link` headers (RFC 8288).
    #[must_use]
    pub fn links(&self) -> Links {
        Links::parse(self.headers())
    }

    /// Converts a reference into a cursor.
    pub(super) fn cursor_of(&self, reference: Reference) -> String {
        self.endpoint.cursor_of_reference(reference)
    }

    /// Returns the cursor at a JSON pointer, which may be blank.
    pub(super) fn blank_cursor_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        self.value_at(pointer)?.map_or(Ok(None), |value| self.cursor(pointer, value))
    }

    /// Converts a value into a cursor; `None` if it [marks the last page](super::Endpoint::end_cursors).
    pub(super) fn cursor(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        let cursor = self.key(pointer, value)?;
        let is_number = !value.get().starts_with('"');
        Ok(cursor.filter(|cursor| !self.ends_at(cursor, is_number)))
    }

    /// Converts a value into a cursor.
    pub(super) fn key(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        self.check_length(pointer, value)?;
        match value.get().as_bytes().first() {
            Some(b'n' | b'f') => Ok(None),
            Some(b'"') => json_array::value(value).map(Some).map_err(|source| self.invalid_json(source)),
            Some(b'-' | b'0'..=b'9') => Ok(Some(value.get().to_owned())),
            // PHP converts an absent value into an empty array.
            _ if is_empty_value(value) => Ok(None),
            _ => Err(Error::invalid_cursor(pointer, json_type(value), self.info())),
        }
    }

    /// Fails if a value is too long for a cursor, which is copied into requests, events and checkpoints.
    fn check_length(&self, pointer: &str, value: &RawValue) -> Result<(), Error> {
        if value.get().len() > MAX_CURSOR {
            return Err(Error::invalid_cursor(pointer, "more than 64 KiB", self.info()));
        }
        Ok(())
    }

    /// Returns `true` if a cursor marks the last page.
    fn ends_at(&self, cursor: &str, is_number: bool) -> bool {
        match &self.endpoint.pointers.end_cursors {
            Some(ends) => ends.iter().any(|end| end == cursor),
            None => is_number && cursor == "0",
        }
    }

    /// Returns the JSON text of a cursor of any type, `""` if it is a blank string; `None` if it
    /// [marks the last page](super::Endpoint::end_cursors).
    pub(super) fn json_cursor(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        let is_scalar = !value.get().starts_with(['{', '[']);
        if is_scalar && self.cursor(pointer, value)?.is_none() {
            return Ok(None);
        }
        self.json_key(pointer, value)
    }

    /// Returns the JSON text of a cursor of any type, `""` if it is a blank string.
    pub(super) fn json_key(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        self.check_length(pointer, value)?;
        match value.get().as_bytes().first() {
            Some(b'{' | b'[') if !is_empty_value(value) => Ok(Some(value.get().to_owned())),
            _ => Ok(self
                .key(pointer, value)?
                .map(|cursor| if cursor.is_empty() { cursor } else { value.get().to_owned() })),
        }
    }

    /// Returns the scalar members of an object as a JSON object of strings; `None` if it is empty or `null`.
    pub(super) fn parameters(&self, pointer: &str, value: &RawValue) -> Result<Option<String>, Error> {
        let invalid = |value| Error::invalid_cursor(pointer, json_type(value), self.info());
        self.check_length(pointer, value)?;
        if value.get() == "false" || is_empty_value(value) {
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

    /// Returns the URL in a header.
    pub(super) fn reference_in_header(&self, name: &str) -> Result<Option<Reference>, Error> {
        let text = self.cursor_in_header(name)?.filter(|text| !text.is_empty());
        Ok(text.map(|text| Reference::new(text, |text| resolve(self.url(), text))))
    }

    /// Returns the cursor in a header.
    pub(super) fn cursor_in_header(&self, name: &str) -> Result<Option<String>, Error> {
        match self.headers().get(name).map(|value| value.to_str()) {
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
                        resolve(self.url(), anchor).is_ok_and(|anchor| anchor == *self.url())
                    })
            }),
        };
        let has_results = |link: &&Link| {
            !link.parameter("results").is_some_and(|results| results.eq_ignore_ascii_case("false"))
        };
        let target =
            |link: &Link| Reference::new(link.target().to_owned(), |target| resolve_link(self.url(), target));
        Ok(next.filter(has_results).map(target))
    }
}

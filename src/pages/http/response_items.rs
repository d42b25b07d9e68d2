//! The items of a response, and the meaning of a response without items.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::envelope::{Envelope, Report};
use super::error::Error;
use super::json_array::{self, InvalidElement};
use super::json_pointers::{is_null, json_type, validate_pointer};
use super::missing_items::{MissingItems, has_other_items, is_empty_value};
use super::reported_error::reported_error;
use super::response::Response;

/// # Items
impl Response {
    /// Deserializes the items of the array at a JSON pointer.
    ///
    /// If the array is absent, or `null` or another empty value, the settings of the endpoint apply, as for
    /// [`page`](Self::page).
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
        let Some(items) = self.array(&pointer, self.find([&pointer])?[0])? else { return Ok(Vec::new()) };
        self.set_content(items.get().as_bytes());
        self.elements(items)
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
    ///         let next = response.header("x-next-cursor")?.map(str::to_owned);
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

    /// Returns the array of items at a pointer; `None` if the page is empty.
    pub(super) fn array<'a>(
        &self,
        pointer: &str,
        found: Option<&'a RawValue>,
    ) -> Result<Option<&'a RawValue>, Error> {
        let is_array = found.is_some_and(|value| value.get().starts_with('['));
        match found {
            Some(items) if is_array && !is_empty_value(items) => return Ok(found),
            Some(value) if !is_array && (!is_empty_value(value) || pointer.is_empty()) => {
                return Err(self.no_items(pointer, json_type(value), found.is_none()));
            }
            // An empty array is an empty page, unless the body reports an error.
            _ => {}
        }
        // `{}`, `""` and `false` stand for an empty list in some languages, or for no list.
        let is_absent = found.is_none_or(|value| !is_array && !is_null(value));
        self.check_report(is_absent)?;
        if is_absent && !self.may_lack(pointer)? {
            return Err(Error::items_not_array(pointer, found.map_or("nothing", json_type), self.info()));
        }
        Ok(None)
    }

    /// Returns the error that a body without items reports in one of its other members.
    fn check_report(&self, is_absent: bool) -> Result<(), Error> {
        let pointers = &self.endpoint.pointers;
        if pointers.ignores_reports {
            return Ok(());
        }
        let is_echo = |text: &str| self.is_echo(text);
        let envelope = Envelope { body: self.bytes(), items: &pointers.items, is_absent, is_echo: &is_echo };
        match (reported_error(self.bytes(), &pointers.items, is_absent, is_echo), envelope.report()) {
            (Some(message), report) if report != Some(Report::NotReady) => Err(self.reported(&message)),
            (_, Some(Report::Error(message))) => Err(self.reported(&message)),
            (_, Some(Report::NotReady)) => {
                Err(Error::NotReady { setting: Some("ignore_reports"), response: self.info() })
            }
            _ => Ok(()),
        }
    }

    /// Returns `true` for a word in the path, the query or the body of the request.
    fn is_echo(&self, text: &str) -> bool {
        // The number of a page may be equal to any other, and so may a flag.
        if text.parse::<f64>().is_ok() || matches!(text, "true" | "false") {
            return false;
        }
        let body = self.endpoint.body.as_deref().unwrap_or_default();
        let quoted = format!("\"{text}\"");
        // `status=failed`, `filter=status:failed,type:job`, `/jobs/failed`
        let is_part = |value: &str| {
            value.split([':', ',', ';', '|', '+', ' ', '/', '=']).any(|part| part.eq_ignore_ascii_case(text))
        };
        self.url().query_pairs().any(|(_, value)| value.eq_ignore_ascii_case(text) || is_part(&value))
            || is_part(self.url().path())
            || body.windows(quoted.len()).any(|window| window.eq_ignore_ascii_case(quoted.as_bytes()))
    }

    /// Returns the error of a body that has something else in the place of the items.
    fn no_items(&self, pointer: &str, found: &'static str, is_absent: bool) -> Error {
        match reported_error(self.bytes(), pointer, is_absent, |_| false) {
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
        Ok(if is_object && parent.ends_with("/_embedded") {
            // HAL: each member is a list of resources, or a single one.
            is_empty_value(found)
        } else if is_object {
            !has_other_items(found)
        } else {
            // A body that is `null`, `false` or `""` is not a list.
            is_empty_value(found) && (!is_whole || found.get().starts_with('['))
        })
    }

    /// Deserializes the items of an array.
    pub(super) fn elements<T: DeserializeOwned>(&self, array: &RawValue) -> Result<Vec<T>, Error> {
        json_array::elements(array)
            .map_err(|InvalidElement { index, source }| Error::invalid_item(index, source, self.info()))
    }

    /// Deserializes the body in one pass, if the whole body is the array; `None` if anything is wrong with it.
    pub(super) fn whole_body<T: DeserializeOwned>(&self, pointer: &str) -> Option<Vec<T>> {
        pointer
            .is_empty()
            .then(|| json_array::try_elements(self.bytes()).filter(|items| !items.is_empty()))?
    }
}

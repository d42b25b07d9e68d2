//! The page that a response contains, according to the pointers of its endpoint.

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::Error;
use super::extra::Extra;
use super::identity::head;
use super::json_array;
use super::json_pointers::{json_type, number_of};
use super::reported_error::{is_error, message_of, reported_error};
use super::response::Response;
use super::total_header::total;
use crate::pages::page::Page;

/// # Page
impl Response {
    /// Creates a page from the values at the endpoint's pointers, such as [`items_at`](super::Endpoint::items_at), and
    /// the cursor of the next page.
    ///
    /// # Errors
    ///
    /// As for [`items`](Self::items); [`Error::InvalidHasMore`] if the value at
    /// [`has_more_at`](super::Endpoint::has_more_at) is not a flag.
    pub fn page<T: DeserializeOwned, C>(&self, next: Option<C>) -> Result<Page<T, C>, Error> {
        self.page_with(self.indexed_items(), next)
    }

    /// Creates a page whose items may have been [deserialized](Self::indexed_items), before the cursor was looked up.
    pub(super) fn page_with<T: DeserializeOwned, C>(
        &self,
        indexed: Option<(Vec<T>, &[u8])>,
        next: Option<C>,
    ) -> Result<Page<T, C>, Error> {
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
                return Ok(page.total(self.total(None)).with_content(self.bytes()));
            }
        }
        // Elasticsearch: `{"value": 10000, "relation": "gte"}`
        let relation_at =
            total_at.and_then(|total| total.strip_suffix("/value")).map(|at| format!("{at}/relation"));
        let [items, total, flag, relation] = self.find([
            // The items are deserialized already.
            if indexed.is_some() { "absent" } else { &pointers.items },
            // An absent pointer finds nothing.
            total_at.unwrap_or("absent"),
            flag_at.unwrap_or("absent"),
            relation_at.as_deref().unwrap_or("absent"),
        ])?;
        let total = total.filter(|_| relation.is_none_or(|relation| relation.get() != "\"gte\""));
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
            page = page.with_content(array);
        } else if let Some(items) = self.array(&pointers.items, items)? {
            page.items = self.elements(items)?;
            page = page.with_content(items.get().as_bytes());
        }
        Ok(page)
    }

    /// Completes a page that a function has read: adds the extra value, and a fingerprint if the page has none.
    pub(super) fn complete<T, C>(&self, mut page: Page<T, C>) -> Result<Page<T, C>, Error> {
        if page.item_fingerprint().is_none() && !page.items.is_empty() {
            page = match self.content() {
                Some((content, head)) => page.with_fingerprint(content).with_head(head),
                None => page.fingerprint(self.bytes()),
            };
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
            for value in self.headers().get_all(name) {
                headers.append(name, value.clone());
            }
        }
        Ok(page.extra(Extra::new(headers, values)))
    }

    /// Checks the conditions of [`error_at`](super::Endpoint::error_at) and [`ok_at`](Endpoint::ok_at).
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
            let is_equal =
                found.is_some_and(|found| json_array::any_value(found).is_ok_and(|found| found == *want));
            if !is_equal {
                let found = found.map_or("nothing", RawValue::get);
                let reported = reported_error(self.bytes(), &pointers.items, false, |_| false);
                let reported = reported.map_or_else(String::new, |error| format!(": {error}"));
                return Err(self.error(&format!("expected {want} at {pointer:?}, found {found}{reported}")));
            }
        }
        Ok(())
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

    /// Returns `true` if the endpoint has a flag for more pages or for the last page.
    pub(super) fn has_configured_flag(&self) -> bool {
        let pointers = &self.endpoint.pointers;
        pointers.has_more.is_some() || pointers.is_last.is_some()
    }

    pub(super) fn invalid_has_more(&self, pointer: &str, found: &'static str) -> Error {
        Error::invalid_has_more(pointer, found, self.info())
    }

    /// Returns the number of all items: from the JSON if it is there, otherwise from a header.
    pub(super) fn total(&self, in_json: Option<&RawValue>) -> Option<u64> {
        in_json.and_then(number_of).or_else(|| total(self.headers()))
    }
}

impl<T, C> Page<T, C> {
    /// Sets the content by which a repeated page is detected: the bytes of the array of items.
    fn with_content(self, array: &[u8]) -> Self {
        self.fingerprint(array).with_head(head(array))
    }
}

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::excerpt::excerpt;
use super::json_pointers::{JsonPointers, json_type};
use super::link_header;
use crate::pages::page::Page;

/// What an API answered: the headers, and the body as JSON.
pub(super) struct Response {
    /// Where the answer came from, after any redirect: what its links are relative to.
    pub(super) url: Url,
    headers: HeaderMap,
    /// `None` if the API says that there is no content.
    body: Option<Value>,
}

impl Response {
    pub(super) fn new(url: Url, status: StatusCode, headers: HeaderMap, body: &[u8]) -> Result<Self, Error> {
        if status == StatusCode::NO_CONTENT {
            return Ok(Self { url, headers, body: None });
        }
        match serde_json::from_slice(body) {
            Ok(body) => Ok(Self { url, headers, body: Some(body) }),
            Err(source) => Err(Error::InvalidJson { url: url.into(), source }),
        }
    }

    /// The page that the answer is, with the cursor found in it.
    pub(super) fn page<T, C>(mut self, pointers: &JsonPointers, next: Option<C>) -> Result<Page<T, C>, Error>
    where
        T: DeserializeOwned,
    {
        let total = self.total(pointers.total.as_deref());
        let has_more = pointers.has_more.as_deref().map(|place| self.flag_at(place)).transpose()?.flatten();
        let items = self.take_array(&pointers.items)?;
        Ok(Page::new(self.parse(items)?, next).total(total).has_more(has_more))
    }

    /// The value at a JSON pointer; `null` counts as absent.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.as_ref()?.pointer(pointer).filter(|value| !value.is_null())
    }

    /// The array at a JSON pointer, taken out; `null` there, or no content, is an empty one.
    pub(super) fn take_array(&mut self, pointer: &str) -> Result<Vec<Value>, Error> {
        let Some(body) = &mut self.body else { return Ok(Vec::new()) };
        match body.pointer_mut(pointer).map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(Value::Null) if !pointer.is_empty() => Ok(Vec::new()),
            other => {
                let found = other.as_ref().map_or("nothing", json_type);
                Err(Error::ItemsNotArray { url: self.url.to_string(), pointer: pointer.to_owned(), found })
            }
        }
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, items: Vec<Value>) -> Result<Vec<T>, Error> {
        let parse = |(index, item)| {
            serde_json::from_value(item).map_err(|source| Error::InvalidItem {
                url: self.url.to_string(),
                index,
                source,
            })
        };
        items.into_iter().enumerate().map(parse).collect()
    }

    /// Yes or no, in the body; absent and `null` say neither.
    fn flag_at(&self, pointer: &str) -> Result<Option<bool>, Error> {
        match self.at(pointer) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => {
                let (url, pointer) = (self.url.to_string(), pointer.to_owned());
                Err(Error::InvalidHasMore { url, pointer, found: json_type(other) })
            }
        }
    }

    /// A cursor in the body: a text or a number; absent, `null` and `false` are none.
    pub(super) fn cursor_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        match self.at(pointer) {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(Value::String(cursor)) => Ok(Some(cursor.clone())),
            Some(Value::Number(cursor)) => Ok(Some(cursor.to_string())),
            Some(other) => Err(self.invalid_cursor(pointer, json_type(other))),
        }
    }

    /// A cursor in a header.
    pub(super) fn cursor_in(&self, header: &str) -> Result<Option<String>, Error> {
        match self.headers.get(header).map(|value| value.to_str()) {
            None => Ok(None),
            Some(Ok(cursor)) => Ok(Some(cursor.trim().to_owned())),
            Some(Err(_)) => Err(self.invalid_cursor(header, "bytes")),
        }
    }

    /// The target of the `Link` header to the next page, as it stands there.
    pub(super) fn next_link(&self) -> Result<Option<String>, Error> {
        link_header::next(&self.headers)
            .map_err(|value| Error::InvalidLink { url: self.url.to_string(), value: excerpt(&value) })
    }

    pub(super) fn invalid_cursor(&self, place: &str, found: &'static str) -> Error {
        Error::InvalidCursor { url: self.url.to_string(), location: place.to_owned(), found }
    }

    fn total(&self, place: Option<&str>) -> Option<u64> {
        let reported = place.and_then(|place| match self.at(place)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        });
        reported.or_else(|| self.headers.get("x-total-count")?.to_str().ok()?.trim().parse().ok())
    }
}

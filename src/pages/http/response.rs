use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::json_pointers::{JsonPointers, json_type};
use super::link::Link;
use super::links::Links;
use super::reference::{Reference, resolve, resolve_link};
use super::response_info::{MAX_KEPT_BODY, ResponseInfo};
use super::secrets::Secrets;
use crate::pages::page::Page;

/// A successful response: its headers, and its body as JSON.
pub(super) struct Response {
    /// The URL after redirects. The links of the response are relative to it.
    pub(super) url: Url,
    status: StatusCode,
    headers: HeaderMap,
    /// The beginning of the body, for errors.
    head: Vec<u8>,
    secrets: Arc<Secrets>,
    /// `None` for status 204 (No Content).
    body: Option<Value>,
}

impl Response {
    /// Parses the body.
    pub(super) fn new(
        url: Url,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
        secrets: Arc<Secrets>,
    ) -> Result<Self, Error> {
        let head = body[..body.len().min(MAX_KEPT_BODY)].to_vec();
        let mut response = Self { url, status, headers, head, secrets, body: None };
        if status != StatusCode::NO_CONTENT {
            match serde_json::from_slice(body) {
                Ok(body) => response.body = Some(body),
                Err(source) => return Err(Error::invalid_json(source, response.info())),
            }
        }
        Ok(response)
    }

    /// Returns what an error shows of this response.
    #[cold]
    pub(super) fn info(&self) -> Box<ResponseInfo> {
        ResponseInfo::new(&self.url, self.status, self.headers.clone(), &self.head, &self.secrets)
    }

    /// Converts the response into a page whose next cursor is already known.
    pub(super) fn into_page<T, C>(
        mut self,
        pointers: &JsonPointers,
        next: Option<C>,
    ) -> Result<Page<T, C>, Error>
    where
        T: DeserializeOwned,
    {
        let total = self.total(pointers.total.as_deref());
        let has_more = match &pointers.has_more {
            Some(pointer) => self.has_more(pointer)?,
            None => None,
        };
        let items = self.take_array(&pointers.items)?;
        Ok(Page::new(self.deserialize(items)?, next).total(total).has_more(has_more))
    }

    /// Returns the value at a JSON pointer. `null` counts as absent.
    pub(super) fn value_at(&self, pointer: &str) -> Option<&Value> {
        self.body.as_ref()?.pointer(pointer).filter(|value| !value.is_null())
    }

    /// Takes the array at a JSON pointer out of the body. `null` at a pointer that is not empty, and a response without
    /// content, count as an empty array.
    pub(super) fn take_array(&mut self, pointer: &str) -> Result<Vec<Value>, Error> {
        let Some(body) = &mut self.body else { return Ok(Vec::new()) };
        match body.pointer_mut(pointer).map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(Value::Null) if !pointer.is_empty() => Ok(Vec::new()),
            other => {
                let found = other.as_ref().map_or("nothing", json_type);
                Err(Error::items_not_array(pointer, found, self.info()))
            }
        }
    }

    /// Deserializes the items of an array.
    pub(super) fn deserialize<T: DeserializeOwned>(&self, items: Vec<Value>) -> Result<Vec<T>, Error> {
        let deserialize = |(index, item)| {
            serde_json::from_value(item).map_err(|source| Error::invalid_item(index, source, self.info()))
        };
        items.into_iter().enumerate().map(deserialize).collect()
    }

    /// Returns the boolean at a JSON pointer; `None` if it is absent or `null`.
    fn has_more(&self, pointer: &str) -> Result<Option<bool>, Error> {
        match self.value_at(pointer) {
            None => Ok(None),
            Some(Value::Bool(has_more)) => Ok(Some(*has_more)),
            Some(other) => Err(self.invalid_has_more(pointer, json_type(other))),
        }
    }

    /// Returns the cursor at a JSON pointer: a string or a number. Absent, `null` and `false` are `None`.
    pub(super) fn cursor_at(&self, pointer: &str) -> Result<Option<String>, Error> {
        match self.value_at(pointer) {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(Value::String(cursor)) => Ok(Some(cursor.clone())),
            Some(Value::Number(cursor)) => Ok(Some(cursor.to_string())),
            Some(other) => Err(self.invalid_cursor(pointer, json_type(other))),
        }
    }

    /// Returns the cursor in a header.
    pub(super) fn cursor_in_header(&self, name: &str) -> Result<Option<String>, Error> {
        match self.headers.get(name).map(|value| value.to_str()) {
            None => Ok(None),
            Some(Ok(cursor)) => Ok(Some(cursor.trim().to_owned())),
            Some(Err(_)) => Err(self.invalid_cursor(name, "bytes")),
        }
    }

    /// Returns the target of the link with `rel="next"`; `None` if its `results` is `"false"`.
    ///
    /// Sentry sends such a link on its last page, too: <https://docs.sentry.io/api/pagination/>.
    pub(super) fn next_link(&self) -> Result<Option<Reference>, Error> {
        let links = Links::parse(&self.headers);
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

    pub(super) fn invalid_has_more(&self, pointer: &str, found: &'static str) -> Error {
        Error::invalid_has_more(pointer, found, self.info())
    }

    fn invalid_cursor(&self, location: &str, found: &'static str) -> Error {
        Error::invalid_cursor(location, found, self.info())
    }

    /// Returns the number of all items: from the JSON if it is there, otherwise from `X-Total-Count`.
    fn total(&self, pointer: Option<&str>) -> Option<u64> {
        let in_json = pointer.and_then(|pointer| match self.value_at(pointer)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        });
        in_json.or_else(|| self.headers.get("x-total-count")?.to_str().ok()?.trim().parse().ok())
    }
}

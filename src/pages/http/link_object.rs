//! Links in an array of a JSON body, as a cursor.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::Error;
use super::json_array;
use super::json_pointers::{is_null, json_type, pointer_to};
use super::next_url::{next_of, target_of};
use super::request::Request;
use super::response::Response;

/// A link that requires more than a GET request: STAC's link of a search by POST, or one with headers.
#[derive(Deserialize, Serialize)]
struct RequestLink {
    #[serde(alias = "url")]
    href: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: Option<BTreeMap<String, HeaderValues>>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
    /// `true` if the members of the body are added to those of the endpoint's body.
    #[serde(default)]
    merge: Option<bool>,
}

/// The value of a header, or several values.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum HeaderValues {
    One(String),
    Several(Vec<String>),
}

/// Returns the cursor of the link with the relation `next` in the array at a pointer.
pub(super) fn next(response: &Response, pointer: &str) -> Result<Option<String>, Error> {
    let [array] = response.find([pointer])?;
    let Some(array) = array.filter(|array| !is_null(array)) else { return Ok(None) };
    let invalid = |found| Error::invalid_cursor(pointer, found, response.info());
    let links: Vec<&RawValue> = serde_json::from_str(array.get()).map_err(|_| invalid(json_type(array)))?;
    for link in links {
        let value = json_array::any_value(link).map_err(|source| response.invalid_json(source))?;
        if next_of(std::slice::from_ref(&value)).is_none() {
            continue;
        }
        if let Some(cursor) = request_cursor(response, link.get()) {
            return Ok(Some(cursor));
        }
        return target_of(&value)
            .map(|url| Some(response.link(url)))
            .ok_or_else(|| invalid("a link without a URL"));
    }
    Ok(None)
}

/// Converts a link object into a cursor, if it has headers or a method other than GET: the object as JSON.
fn request_cursor(response: &Response, link: &str) -> Option<String> {
    let mut link: RequestLink = serde_json::from_str(link).ok()?;
    let is_get = link.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case("GET"));
    if is_get && link.headers.as_ref().is_none_or(BTreeMap::is_empty) {
        return None;
    }
    link.href = response.link(&link.href);
    serde_json::to_string(&link).ok()
}

/// Applies a cursor to a request: a URL, or the object that [`next`] returned.
pub(super) fn apply(request: Request, cursor: &str) -> Request {
    if !cursor.starts_with('{') {
        return request.url(cursor);
    }
    let link: RequestLink = match serde_json::from_str(cursor) {
        Ok(link) => link,
        Err(source) => return request.failed(Error::new(source)),
    };
    let method = link.method.as_deref().unwrap_or("GET").to_ascii_uppercase();
    let method = match Method::from_bytes(method.as_bytes()) {
        Ok(method) => method,
        Err(source) => return request.failed(Error::new(source)),
    };
    let mut request = request.url(&link.href).method(method);
    for (name, values) in link.headers.unwrap_or_default() {
        let value = match values {
            HeaderValues::One(value) => value,
            HeaderValues::Several(values) => values.join(", "),
        };
        request = request.header(&name, value);
    }
    let Some(body) = link.body else { return request };
    if link.merge != Some(true) {
        return request.body("application/json", body.get());
    }
    let members: BTreeMap<String, &RawValue> = match serde_json::from_str(body.get()) {
        Ok(members) => members,
        Err(source) => return request.failed(Error::new(source)),
    };
    for (name, value) in members {
        request = request.json_text_at(&pointer_to(&name), value.get());
    }
    request
}

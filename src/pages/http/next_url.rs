//! The URL of the next page in the JSON of a response.

use reqwest::Url;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::Error;
use super::json_array;
use super::json_pointers::{json_type, validate_pointer};
use super::known_flags::KnownFlags;
use super::other_cursors::OtherCursors;
use super::reference::{Reference, resolve};
use super::response::Response;

/// The location of the URL of the next page, and of the URL to which it is relative.
pub(super) struct NextUrl {
    pointer: String,
    /// The parent of the object that contains the URL, if the pointer leads through an index.
    array: Option<String>,
    base: Option<Base>,
    flags: KnownFlags,
    others: OtherCursors,
}

/// The URL to which a link is relative, other than that of the response.
enum Base {
    /// A link is appended to this URL, even if it begins with a slash: Confluence's `_links.base`.
    Prefix(String),
    /// A link is relative to this URL, which is relative to that of the response: `OData`'s `@odata.context`.
    Context(String),
}

impl NextUrl {
    #[track_caller]
    pub(super) fn new(pointer: &str) -> Self {
        let pointer = validate_pointer(pointer);
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        let base = match name {
            "@odata.nextLink" => Some(Base::Context(format!("{parent}/@odata.context"))),
            "@nextLink" => Some(Base::Context(format!("{parent}/@context"))),
            "next" if parent.ends_with("/_links") => Some(Base::Prefix(format!("{parent}/base"))),
            _ => None,
        };
        let array = parent
            .rsplit_once('/')
            .filter(|(_, index)| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()));
        Self {
            array: array.map(|(array, _)| array.to_owned()),
            base,
            flags: KnownFlags::beside(&pointer),
            others: OtherCursors::default(),
            pointer,
        }
    }

    /// Returns the URL, which may be the `href` of an object, and the flag for more pages that is known by its name.
    pub(super) fn find(&self, response: &Response) -> Result<(Option<Reference>, Option<bool>), Error> {
        let base = match &self.base {
            Some(Base::Prefix(pointer) | Base::Context(pointer)) => pointer,
            // An absent pointer finds nothing.
            None => "absent",
        };
        let (value, flag) = self.flags.find(response)?;
        let [base, array] = match (&self.base, &self.array) {
            (None, None) => [None, None],
            (_, array) => response.find([base, array.as_deref().unwrap_or("absent")])?,
        };
        // The position of a link among others may change from page to page.
        let links = array.map(|array| link_objects(array).map_err(|source| response.invalid_json(source)));
        if let Some(links) = links.transpose()?.flatten() {
            let url = next_of(&links).and_then(|link| target_of(link)).map(str::to_owned);
            return Ok((self.reference(response, url, base), flag));
        }
        if self.base.is_none() && flag != Some(false) {
            self.others.check(response, &self.pointer, value.is_some())?;
        }
        let text = match value {
            Some(value) => self.text(response, value)?,
            None => None,
        };
        Ok((self.reference(response, text, base), flag))
    }

    /// Returns the text of a URL: a string, or the `href` of a link object (HAL, JSON:API) or of an array of one.
    fn text(&self, response: &Response, value: &RawValue) -> Result<Option<String>, Error> {
        let invalid = || Error::invalid_cursor(&self.pointer, json_type(value), response.info());
        let parsed = json_array::any_value(value).map_err(|source| response.invalid_json(source))?;
        let parsed = match parsed {
            Value::Array(mut links) if links.len() == 1 => links.remove(0),
            // An object without a link is what PHP and Lua make of an empty array, too.
            Value::Array(links) if links.is_empty() => Value::Null,
            Value::Object(link) if link.is_empty() => Value::Null,
            other => other,
        };
        let is_templated = parsed.get("templated").and_then(Value::as_bool).unwrap_or(false);
        let parsed = match &parsed {
            Value::Object(link) => link.get("href").ok_or_else(invalid)?,
            other => other,
        };
        match parsed {
            Value::Null | Value::Bool(false) => Ok(None),
            Value::String(text) if is_templated => Ok(Some(expand(text))),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(invalid()),
        }
    }

    fn reference(
        &self,
        response: &Response,
        text: Option<String>,
        base: Option<&RawValue>,
    ) -> Option<Reference> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        let base: Option<String> = base.and_then(|base| json_array::value(base).ok());
        Some(Reference::new(text, |text| match (&self.base, base) {
            (Some(Base::Prefix(_)), Some(base)) => resolve_prefixed(&resolve(response.url(), &base)?, text),
            (Some(Base::Context(_)), Some(base)) => {
                resolve(&resolve(response.url(), &base).unwrap_or_else(|_| response.url().clone()), text)
            }
            _ => resolve(response.url(), text),
        }))
    }
}

/// Expands a URI template (RFC 6570) in which no variable is defined: each expression is replaced by nothing.
fn expand(template: &str) -> String {
    let mut parts = template.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |url, part| url + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// Appends a path to a URL. A path that begins with that of the URL is relative to the origin.
fn resolve_prefixed(base: &Url, text: &str) -> Result<Url, Error> {
    let prefix = base.path().trim_end_matches('/');
    let is_below = text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['/', '?']));
    if text.starts_with('/') && !text.starts_with("//") && !is_below {
        return resolve(base, &format!("{prefix}{text}"));
    }
    resolve(base, text)
}

/// Returns the elements of an array of link objects; `None` if one of them has no relation.
fn link_objects(array: &RawValue) -> serde_json::Result<Option<Vec<Value>>> {
    let Value::Array(links) = json_array::any_value(array)? else { return Ok(None) };
    let has_rel = |link: &Value| relation_of(link).is_some();
    Ok((!links.is_empty() && links.iter().all(has_rel)).then_some(links))
}

/// Returns the link to the next page.
pub(super) fn next_of(links: &[Value]) -> Option<&Value> {
    let is_next = |rel: &str| rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"));
    links.iter().find(|link| match relation_of(link) {
        Some(Value::String(rel)) => is_next(rel),
        Some(Value::Array(rels)) => rels.iter().filter_map(Value::as_str).any(is_next),
        _ => false,
    })
}

/// Returns the URL of a link.
pub(super) fn target_of(link: &Value) -> Option<&str> {
    ["href", "url", "uri"].iter().find_map(|name| link.get(name)).and_then(Value::as_str)
}

fn relation_of(link: &Value) -> Option<&Value> {
    link.get("rel").or_else(|| link.get("relation"))
}

//! Cursors in other places than the one that a paginator reads: evidence that its pointer or header is misspelled.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::header::HeaderMap;
use serde_json::value::RawValue;

use super::error::Error;
use super::json_slices::find;
use super::link::Link;
use super::missing_items::is_empty_value;
use super::reference::Reference;
use super::response::Response;
use super::usual_names::{CURSORS, NEXT_URLS, PARENTS};

/// Relations of links to other pages.
const RELATIONS: &[&str] = &["next", "prev", "previous", "first", "last"];
/// Headers with the URL of the next page, in place of `Link`.
const URL_HEADERS: &[&str] = &[
    "next-page",
    "x-next-page",
    "next-link",
    "x-next-link",
    "x-link-next",
    "x-next-url",
    "x-next",
    "pagination-next",
];
/// Headers that report a next page to other paginators.
const OTHER_HEADERS: &[&str] = &[
    "next-page",
    "x-next-page",
    "x-pagination-next",
    "x-next-cursor",
    "x-cursor-next",
    "x-ms-continuation",
    "x-ms-continuationtoken",
    "x-continuation-token",
    "x-next-token",
    "x-has-more",
    "x-has-next",
];

/// Remembers whether a stream has found its cursor.
///
/// Relaxed, because it publishes nothing: a page that misses it is only checked once more.
#[derive(Default)]
pub(super) struct OtherCursors {
    is_found: AtomicBool,
}

impl OtherCursors {
    /// Returns an error if a page has a cursor under another name than `pointer`, and no page so far had one there, not
    /// even `null`. `is_found` is `true` if this page has one there.
    pub(super) fn check(&self, response: &Response, pointer: &str, is_found: bool) -> Result<(), Error> {
        if self.is_found.load(Ordering::Relaxed) {
            return Ok(());
        }
        if is_found {
            self.is_found.store(true, Ordering::Relaxed);
            return Ok(());
        }
        // A configured flag guards against a wrong pointer.
        let is_guarded = response.has_configured_flag();
        if is_guarded || response.endpoint.pointers.ignores_reports || !response.is_object() {
            return Ok(());
        }
        match other_cursor(response)? {
            Some(other) => {
                Err(response.reported(&format!("there is no cursor at {pointer:?}, but one at {other:?}")))
            }
            None => Ok(()),
        }
    }
}

/// Returns the pointer to a cursor with a usual name.
fn other_cursor(response: &Response) -> Result<Option<String>, Error> {
    let names = || {
        CURSORS.iter().map(|(name, _)| *name).filter(|name| is_next(name)).chain(NEXT_URLS.iter().copied())
    };
    let items = &response.endpoint.pointers.items;
    let is_within_items = |parent: &&&str| !items.is_empty() && parent.starts_with(items.as_str());
    let parents = PARENTS.iter().filter(|parent| !is_within_items(parent));
    let pointers: Vec<_> =
        parents.flat_map(|parent| names().map(move |name| format!("{parent}/{name}"))).collect();
    let found = response.find_all(&pointers)?;
    let is_cursor = |value: &RawValue| {
        let text = value.get();
        let [href] = find(text.as_bytes(), ["/href"]).unwrap_or_default();
        text.starts_with('"')
            || text.starts_with(|c: char| ('1'..='9').contains(&c))
            || href.is_some_and(|href| !is_empty_value(href))
    };
    let mut found = pointers.into_iter().zip(found);
    let other =
        found.find(|(_, value)| value.is_some_and(|value| !is_empty_value(value) && is_cursor(value)));
    Ok(other.map(|(pointer, _)| pointer))
}

/// Returns `true` for a name that means a next page, and nothing else.
fn is_next(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("next") || name.starts_with("continuation")
}

/// Finds the URL of the next page in the headers of a stream.
///
/// Relaxed, for the reason of [`OtherCursors`].
#[derive(Default)]
pub(super) struct NextHeaders {
    /// `true` if a page had a link to another page.
    has_links: AtomicBool,
}

impl NextHeaders {
    /// Returns the link with `rel="next"`, or the URL in another header if no page so far had a link to another page.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLink`], and [`Error::NotAPage`] if another header reports a next page, but has no URL.
    pub(super) fn find(&self, response: &Response) -> Result<Option<Reference>, Error> {
        let next = response.next_link()?;
        if self.has_links.load(Ordering::Relaxed) {
            return Ok(next);
        }
        // A link with `rel=preload` or `rel=self` is no evidence that the others are in this header.
        let is_of_page = |link: &Link| RELATIONS.iter().any(|rel| link.has_rel(rel));
        if next.is_some() || response.links().iter().any(is_of_page) {
            self.has_links.store(true, Ordering::Relaxed);
            return Ok(next);
        }
        next_in_other_headers(response)
    }
}

/// Returns the URL of the next page in a header other than `Link`.
///
/// # Errors
///
/// [`Error::NotAPage`] if a header reports a next page, but has no URL.
fn next_in_other_headers(response: &Response) -> Result<Option<Reference>, Error> {
    let is_url = |name: &&str| {
        text(response.headers(), name)
            .is_some_and(|text| text.starts_with(['/', '?']) || text.contains("://"))
    };
    if let Some(name) = URL_HEADERS.iter().copied().find(is_url) {
        return response.reference_in_header(name);
    }
    let reports_next = |name: &&str| {
        text(response.headers(), name).is_some_and(|text| {
            !matches!(text.to_ascii_lowercase().as_str(), "" | "-1" | "0" | "false" | "null" | "none")
        })
    };
    match OTHER_HEADERS.iter().find(|name| reports_next(name)) {
        Some(name) if !response.endpoint.pointers.ignores_reports => Err(response.reported(&format!(
            "there is no link to a next page, but {name:?} reports a next page: use another paginator"
        ))),
        _ => Ok(None),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

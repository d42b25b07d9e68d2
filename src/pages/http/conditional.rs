//! Conditional requests: the validators of an earlier crawl are sent with the request of each page.

use std::any::Any;

use reqwest::header::{
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Method, Url};

use super::endpoint::Endpoint;
use super::next_in::NextIn;
use super::request::Request;
use super::response::Response;
use super::url::remove_parameters;
use super::validators::{Entry, Validators};
use crate::pages::cursor::Cursor;
use crate::pages::page::Page;

/// The names of the parameter for the largest number of items of a page.
const SIZES: &[&str] = &[
    "$top",
    "count",
    "first",
    "hitsPerPage",
    "limit",
    "maxResults",
    "max_results",
    "page[size]",
    "pageSize",
    "page_size",
    "pagelen",
    "perPage",
    "per_page",
    "rows",
    "size",
    "top",
];

/// The place of a page in the validators.
pub(super) struct Condition {
    validators: Validators,
    url: String,
    /// `true` if the URL may allow more items than the page has.
    may_be_full: bool,
    entry: Option<Entry>,
}

/// # Repeated crawls
impl Endpoint {
    /// Skips the items of pages that have not changed since an earlier crawl, by conditional requests (RFC 9110, section
    /// 13).
    ///
    /// Each GET request of a page in `validators` contains the `ETag` and the `Last-Modified` of the last response to
    /// it, as `If-None-Match` and `If-Modified-Since`. If the server responds with status 304 (Not Modified), the page
    /// yields no items, and the stream continues with the page that followed it then.
    /// [`is_not_modified`](crate::pages::AsyncGetDocs::is_not_modified) returns `true` if no page has changed. Many
    /// APIs, such as GitHub's, do not count such a response towards their rate limit.
    ///
    /// A page counts as a whole: if one item of it changes, all its items are yielded again. If pages shift whenever an
    /// item is added, all of them have changed; sort such a list by the time of creation, oldest first.
    ///
    /// A `Link` header may change although the `ETag` does not. If such a header identifies the next page, the header
    /// in the response with status 304 counts. If an unchanged last page still has no such header, it is requested
    /// again in full, because pages may follow it by now, unless it has fewer items than the `per_page`, `limit` or
    /// similar parameter of its URL allows.
    ///
    /// The cursors of [`by_response`](Self::by_response) must be of type `String`; with other types, no page is skipped.
    #[doc(alias("etag", "304", "if_none_match", "conditional"))]
    pub fn skip_unmodified(mut self, validators: &Validators) -> Self {
        self.validators = Some(validators.clone());
        self
    }

    /// Returns the place of a page in the validators, if it can be requested conditionally.
    pub(super) fn condition(&self, request: &Request) -> Option<Condition> {
        let validators = self.validators.clone()?;
        if request.method != Method::GET || request.body.is_some() {
            return None;
        }
        let url = remove_parameters(&request.url, |name, _| self.secrets.is_secret(name)).to_string();
        let entry = validators.get(&url);
        let may_be_full = entry.as_ref().is_none_or(|entry| may_be_full(&request.url, entry.items));
        Some(Condition { validators, url, may_be_full, entry })
    }
}

impl Condition {
    /// Makes a request conditional, if the page is known.
    pub(super) fn apply(&self, mut request: Request) -> Request {
        let Some(entry) = &self.entry else { return request };
        for (name, value) in [(IF_NONE_MATCH, &entry.etag), (IF_MODIFIED_SINCE, &entry.last_modified)] {
            if let Some(value) = value.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
                request.headers.insert(name, value);
                request.is_conditional = true;
            }
        }
        request
    }

    /// Returns the page as it was, if its validators are known.
    pub(super) fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// Returns `true` if the unchanged page was the last, but other pages may follow it by now.
    pub(super) fn may_have_successor(&self) -> bool {
        self.may_be_full && self.entry.as_ref().is_some_and(|entry| entry.next.is_none() && entry.items > 0)
    }

    /// Keeps the validators of a page that has not changed, and returns the page.
    pub(super) fn keep<T, C: Cursor>(&self, page: Page<T, C>) -> Page<T, C> {
        if let Some(entry) = &self.entry {
            let next = page.next_cursor.as_ref().and_then(as_string).or(entry.next.as_ref()).cloned();
            self.validators.insert(&self.url, Entry { next, ..entry.clone() });
        }
        page
    }

    /// Records the validators of a page that was fetched in full.
    pub(super) fn record<T, C: Cursor>(&self, response: &Response, page: &Page<T, C>, next_in: NextIn<C>) {
        let (etag, last_modified) = (text(response.headers(), ETAG), text(response.headers(), LAST_MODIFIED));
        if etag.is_none() && last_modified.is_none() {
            return;
        }
        let next = match (&page.next_cursor, next_in) {
            (None, _) | (_, NextIn::Count { .. }) => None,
            (Some(next), _) => match as_string(next) {
                Some(next) => Some(next.clone()),
                // A cursor of another type cannot be stored.
                None => return,
            },
        };
        let (items, has_more) = (page.items.len() as u64, page.has_more);
        let entry = Entry { etag, last_modified, items, next, has_more };
        self.validators.insert(&self.url, entry);
    }
}

fn as_string<C: Cursor>(cursor: &C) -> Option<&String> {
    (cursor as &dyn Any).downcast_ref()
}

impl Entry {
    /// Returns the page in place of an unchanged one, without its items.
    pub(super) fn unchanged<T, C: Cursor>(&self) -> Page<T, C> {
        let next = self.next.clone().and_then(|next| {
            let next: Box<dyn Any> = Box::new(next);
            next.downcast::<C>().ok().map(|next| *next)
        });
        Page::unmodified(next).has_more(self.has_more)
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Returns `false` if the URL allows more items than these.
fn may_be_full(url: &Url, items: u64) -> bool {
    let size = url.query_pairs().find(|(name, _)| SIZES.contains(&&**name));
    size.and_then(|(_, size)| size.parse::<u64>().ok()).is_none_or(|size| items >= size)
}

//! The extent of a list of numbered pages, as far as its responses reveal it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::StatusCode;

use super::error::Error;
use super::json_pointers::number_of;
use super::links::Links;
use super::reference::resolve_link;
use super::response::Response;
use super::total_pages::TotalPages;
use crate::pages::page::Page;

/// Parts of messages about a limit of the server, which is not the end of the list.
const LIMITS: &[&str] = &[
    "too large",
    "too deep",
    "too high",
    "too big",
    "exceed",
    "maximum",
    "max_result_window",
    "at most",
    "less than or equal",
    "limited to",
    "only the first",
];

/// The place of the numbered pages in their list: decides whether a page is the last one, and whether an error means that
/// there are no more pages.
pub(super) struct Extent {
    first: u64,
    parameter: String,
    total_pages: Option<TotalPages>,
    /// `true` if the numbers are those of pages, `false` if they are offsets.
    counts_pages: bool,
    /// Shared by the requests of a concurrent stream.
    known: Mutex<Known>,
}

/// The numbers that the responses have reported so far. Those of a later response replace them, since a list may change.
#[derive(Default)]
struct Known {
    last_page: Option<u64>,
    total: Option<u64>,
    /// The number of items of the largest page.
    page_size: u64,
}

impl Extent {
    pub(super) fn of_pages(first: u64, parameter: &str, total_pages: Option<TotalPages>) -> Self {
        let (parameter, known) = (parameter.to_owned(), Mutex::default());
        Self { first, parameter, total_pages, counts_pages: true, known }
    }

    pub(super) fn of_items() -> Self {
        Self { counts_pages: false, ..Self::of_pages(0, "", None) }
    }

    /// Returns `false` for the last page, `true` for a page before it; `None` if the last page is not known.
    pub(super) fn has_more(&self, number: u64) -> Option<bool> {
        self.known().last_page.map(|last| number < last)
    }

    pub(super) fn is_beyond_last_page(&self, number: u64) -> bool {
        self.known().last_page.is_some_and(|last| number > last)
    }

    /// Updates the numbers from a page.
    pub(super) fn page_received<T, C>(&self, response: &Response, page: &Page<T, C>) -> Result<(), Error> {
        let last_page = self.last_page(response)?;
        let mut known = self.known();
        known.page_size = known.page_size.max(page.items.len() as u64);
        known.total = page.total.or(known.total);
        known.last_page = last_page.or(known.last_page);
        Ok(())
    }

    /// Marks an error as the end of the list, if it is the error of a page beyond the last.
    pub(super) fn mark_past_the_end(&self, mut error: Error, number: u64) -> Error {
        if self.may_be_past_the_end(number) && is_past_the_end(&error) {
            error.mark_past_the_end();
        }
        error
    }

    fn may_be_past_the_end(&self, number: u64) -> bool {
        let known = self.known();
        let items_before = if self.counts_pages {
            // A resumed stream may begin before the first number.
            number.saturating_sub(self.first).saturating_mul(known.page_size)
        } else {
            number
        };
        number > self.first
            && known.last_page.is_none_or(|last| number > last)
            && known.total.is_none_or(|total| items_before >= total)
    }

    /// Ignores poisoning: nothing panics while the lock is held.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the last page, if the response has it.
    fn last_page(&self, response: &Response) -> Result<Option<u64>, Error> {
        let count = match &self.total_pages {
            None => None,
            Some(TotalPages::Header(name)) => response.header(name).and_then(|count| count.parse().ok()),
            Some(TotalPages::At(pointer)) => response.find([pointer])?[0].and_then(number_of),
            Some(TotalPages::LastLink) => return Ok(self.last_link(response)),
        };
        Ok(count.map(|count: u64| self.first.saturating_add(count.saturating_sub(1))))
    }

    fn last_link(&self, response: &Response) -> Option<u64> {
        let links = Links::parse(response.headers());
        let target = links.find("last").ok()??.target();
        let url = resolve_link(response.url(), target).ok()?;
        url.query_pairs().find(|(name, _)| *name == self.parameter)?.1.parse().ok()
    }
}

/// Returns `true` for the response of a server that has no such page.
fn is_past_the_end(error: &Error) -> bool {
    let Error::Status { status, response, .. } = error else { return false };
    let body = String::from_utf8_lossy(response.body()).to_ascii_lowercase();
    match *status {
        StatusCode::RANGE_NOT_SATISFIABLE => true,
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => {
            !body.trim_start().starts_with('<') && !LIMITS.iter().any(|limit| body.contains(limit))
        }
        _ => false,
    }
}

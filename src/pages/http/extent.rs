//! The extent of a list of numbered pages, as far as its responses reveal it.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;

use super::error::Error;
use super::json_array;
use super::links::Links;
use super::reference::resolve_link;
use super::response::Response;
use super::total_pages::TotalPages;
use crate::pages::page::Page;

/// An unknown number.
const UNKNOWN: u64 = u64::MAX;
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

/// The number of the last page, the number of items, and the size of a page.
///
/// A list that changes changes them, too, so they are only used to decide whether a page is the last one, and whether an
/// error means that there are no more pages. Each number stands alone: no other memory depends on it, so `Relaxed`
/// suffices.
pub(super) struct Extent {
    first: u64,
    parameter: String,
    total_pages: Option<TotalPages>,
    /// `true` if the numbers are those of pages, `false` if they are offsets.
    counts_pages: bool,
    last_page: AtomicU64,
    total: AtomicU64,
    page_size: AtomicU64,
}

impl Extent {
    pub(super) fn of_pages(first: u64, parameter: &str, total_pages: Option<TotalPages>) -> Self {
        Self {
            first,
            parameter: parameter.to_owned(),
            total_pages,
            counts_pages: true,
            last_page: AtomicU64::new(UNKNOWN),
            total: AtomicU64::new(UNKNOWN),
            page_size: AtomicU64::new(0),
        }
    }

    pub(super) fn of_items() -> Self {
        Self { counts_pages: false, ..Self::of_pages(0, "", None) }
    }

    pub(super) fn is_last_page(&self, number: u64) -> bool {
        number >= self.last_page.load(Ordering::Relaxed)
    }

    pub(super) fn is_beyond_last_page(&self, number: u64) -> bool {
        number > self.last_page.load(Ordering::Relaxed)
    }

    /// Updates the numbers from a page.
    pub(super) fn page_received<T, C>(&self, response: &Response, page: &Page<T, C>) -> Result<(), Error> {
        self.page_size.fetch_max(page.items.len() as u64, Ordering::Relaxed);
        if let Some(total) = page.total {
            self.total.store(total, Ordering::Relaxed);
        }
        if let Some(last) = self.last_page(response)? {
            self.last_page.store(last, Ordering::Relaxed);
        }
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
        let (last, total) = (self.last_page.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        let items_before = if self.counts_pages {
            (number - self.first).saturating_mul(self.page_size.load(Ordering::Relaxed))
        } else {
            number
        };
        number > self.first
            && (last == UNKNOWN || number > last)
            && (total == UNKNOWN || items_before >= total)
    }

    /// Returns the number of the last page, if the response has it.
    fn last_page(&self, response: &Response) -> Result<Option<u64>, Error> {
        let count = match &self.total_pages {
            None => None,
            Some(TotalPages::Header(name)) => response.header(name).and_then(|count| count.parse().ok()),
            Some(TotalPages::At(pointer)) => {
                let [value] = response.find([pointer])?;
                value.and_then(|value| {
                    let text: Option<String> = json_array::value(value).ok();
                    text.as_deref().unwrap_or(value.get()).trim().parse().ok()
                })
            }
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

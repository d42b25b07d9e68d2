//! The extent of a list of numbered pages, as far as its responses reveal it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::json_pointers::number_of;
use super::known_flags::KnownFlags;
use super::links::Links;
use super::neighbors::{Description, Neighbors};
use super::past_the_end::{Evidence, evidence};
use super::reference::resolve_link;
use super::response::Response;
use super::total_pages::TotalPages;
use crate::pages::page::Page;

/// The place of the numbered pages in their list: decides whether a page is the last one, and whether an error means that
/// there are no more pages.
pub(super) struct Extent {
    first: u64,
    parameter: String,
    total_pages: Option<TotalPages>,
    /// `true` if the numbers are those of pages, `false` if they are offsets.
    counts_pages: bool,
    flags: KnownFlags,
    neighbors: Neighbors,
    /// Shared by the requests of a concurrent stream.
    known: Mutex<Known>,
}

/// The numbers that the responses have reported so far. Those of a later response replace them, since a list may change.
#[derive(Default)]
struct Known {
    last_page: Option<u64>,
    total: Option<u64>,
    /// The largest number that exists: a page with items had it, or the page before reported a page after it.
    exists: Option<u64>,
    /// The number of items of the largest page.
    page_size: u64,
    /// The last page with items of this run.
    last_received: Option<LastReceived>,
    /// The numbers of the pages that are being requested.
    pending: Vec<u64>,
}

/// A page that is being requested.
pub(super) struct Pending<'a> {
    extent: &'a Extent,
    number: u64,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let pending = &mut self.extent.known().pending;
        if let Some(index) = pending.iter().position(|number| *number == self.number) {
            pending.swap_remove(index);
        }
    }
}

/// A page that may be the last of the list.
struct LastReceived {
    /// The number of the page after it.
    next: u64,
    items: u64,
    /// `true` if the response reports that there is no page after it, though no flag does.
    reports_end: bool,
}

impl Extent {
    pub(super) fn of_pages(first: u64, parameter: &str, total_pages: Option<TotalPages>) -> Self {
        Self {
            first,
            parameter: parameter.to_owned(),
            total_pages,
            counts_pages: true,
            flags: KnownFlags::at_top(),
            neighbors: Neighbors::new(),
            known: Mutex::default(),
        }
    }

    pub(super) fn of_items() -> Self {
        Self { counts_pages: false, ..Self::of_pages(0, "", None) }
    }

    pub(super) fn is_beyond_last_page(&self, number: u64) -> bool {
        self.known().last_page.is_some_and(|last| number > last)
    }

    /// Records that a page is being requested, until the result is dropped.
    pub(super) fn request(&self, number: u64) -> Pending<'_> {
        self.known().pending.push(number);
        Pending { extent: self, number }
    }

    /// Updates the numbers from a page, and completes its flag for more pages. `next` is the number of the page after it.
    pub(super) fn page_received<T, C>(
        &self,
        response: &Response,
        page: &mut Page<T, C>,
        number: u64,
        next: u64,
    ) -> Result<(), Error> {
        let description = self.neighbors.describe(response)?;
        let known_flag = self.flags.has_more(response)?;
        if !(known_flag == Some(false) && description.has_next(number) && is_marked_last(response)?) {
            page.has_more = page.has_more.or(known_flag);
        }
        if !response.endpoint.pointers.ignores_reports {
            self.check_first(response, page, number, &description)?;
        }
        let last_page = self.last_page(response)?;
        let mut known = self.known();
        known.page_size = known.page_size.max(page.items.len() as u64);
        known.total = page.total.or(known.total);
        known.last_page = last_page.or(known.last_page);
        page.has_more = match known.last_page.map(|last| number < last) {
            Some(false) => Some(false),
            has_more => page.has_more.or(has_more),
        };
        let has_next = match page.has_more {
            Some(has_more) => has_more,
            None => {
                !response.has_configured_flag()
                    && self.reports_next(&description, number, page.items.is_empty())
            }
        };
        if page.items.is_empty() && has_next {
            page.has_more = Some(true);
        }
        let exists = if has_next { Some(next) } else { (!page.items.is_empty()).then_some(number) };
        known.exists = known.exists.max(exists);
        if !page.items.is_empty() && known.last_received.as_ref().is_none_or(|last| last.next < next) {
            let last_number = description.page_count().map(|count| self.last_of(count));
            let is_last =
                self.counts_pages && self.first <= 1 && last_number.is_some_and(|last| number >= last);
            let reports_end = !has_next && (is_last || description.has_no_next());
            known.last_received = Some(LastReceived { next, items: page.items.len() as u64, reports_end });
        }
        Ok(())
    }

    /// Returns `true` if the pages up to this one have as many items as the API reports, or more.
    pub(super) fn reaches_total(&self, number: u64) -> bool {
        let known = self.known();
        let pages = number.saturating_sub(self.first).saturating_add(1);
        known.total.is_some_and(|total| pages.saturating_mul(known.page_size) >= total)
    }

    /// Returns an error if the server returns smaller pages than requested, so that a step of `limit` would skip items.
    pub(super) fn check_size<T, C>(
        &self,
        response: &Response,
        page: &Page<T, C>,
        offset: u64,
        limit: u64,
    ) -> Result<(), Error> {
        if response.endpoint.pointers.ignores_reports {
            return Ok(());
        }
        // More items than that prove that it is the limit of something else.
        let is_below = |size: &u64| (page.items.len() as u64..limit).contains(size) && *size > 0;
        let Some(size) = self.neighbors.describe(response)?.page_size().filter(is_below) else {
            return Ok(());
        };
        let is_last = page.has_more == Some(false)
            || page.items.is_empty()
            || page.total.is_some_and(|total| offset.saturating_add(size) >= total);
        if is_last {
            return Ok(());
        }
        let message = format!("the server returns at most {size} items in a page: request no more than that");
        Err(response.reported(&message))
    }

    /// Returns `true` if the response reports a page after this one, though no flag does.
    fn reports_next(&self, description: &Description, number: u64, is_empty: bool) -> bool {
        let is_before = |count: Option<u64>| count.is_some_and(|count| number < self.last_of(count));
        let is_before_last = self.counts_pages
            && self.first <= 1
            // The `page_count` of an empty page is not the number of its items.
            && (is_before(description.page_count()) || is_empty && is_before(description.ambiguous_page_count()));
        is_before_last || description.has_next(number)
    }

    /// Returns an error if the pages are counted from 0, but the stream begins at page 1.
    fn check_first<T, C>(
        &self,
        response: &Response,
        page: &Page<T, C>,
        number: u64,
        description: &Description,
    ) -> Result<(), Error> {
        if !self.counts_pages || self.first != 1 {
            return Ok(());
        }
        let is_second = number == 1 && description.has_previous();
        if is_second || page.items.is_empty() && description.is_past_zero_based(number) {
            return Err(response.reported(
                "the server counts pages from 0, so the stream would lack the first one: begin with number 0",
            ));
        }
        Ok(())
    }

    /// Marks an error as the end of the list, if this is a page beyond the last.
    pub(super) fn mark_past_the_end(self: &Arc<Self>, mut error: Error, number: u64) -> Error {
        if let Some(evidence) = evidence(&error) {
            let extent = Arc::clone(self);
            error.mark_past_the_end(Arc::new(move || extent.is_past_the_end(number, evidence)));
        }
        error
    }

    fn is_past_the_end(&self, number: u64, evidence: Evidence) -> bool {
        let known = self.known();
        let items_before = if self.counts_pages {
            // A resumed stream may begin before the first number.
            number.saturating_sub(self.first).saturating_mul(known.page_size)
        } else {
            number
        };
        let is_contradicted = known.last_page.is_some_and(|last| number <= last)
            || known.total.is_some_and(|total| items_before < total)
            || known.exists.is_some_and(|exists| number <= exists);
        if number <= self.first || is_contradicted {
            return false;
        }
        // The pages before this one may still agree. When they have arrived, the stream requests this one again.
        if evidence == Evidence::Reported || known.pending.iter().any(|pending| *pending < number) {
            return true;
        }
        // An error before any page of this run may be that of a wrong URL.
        let Some(last) = &known.last_received else { return false };
        let ends_before = last.next <= number && last.reports_end
            || known.last_page.is_some()
            || known.total.is_some_and(|total| total > 0);
        let is_short = last.next == number && last.items < known.page_size;
        match evidence {
            Evidence::Reported | Evidence::NotFound => true,
            Evidence::Unclear { is_not_found } => ends_before || is_not_found && is_short,
        }
    }

    /// Ignores poisoning: nothing panics while the lock is held.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the last page, if the response has it.
    fn last_page(&self, response: &Response) -> Result<Option<u64>, Error> {
        let count = match &self.total_pages {
            None => None,
            Some(TotalPages::Header(name)) => response.header(name)?.and_then(|count| count.parse().ok()),
            Some(TotalPages::At(pointer)) => response.find([pointer])?[0].and_then(number_of),
            Some(TotalPages::LastLink) => return Ok(self.last_link(response)),
        };
        Ok(count.map(|count: u64| self.last_of(count)))
    }

    /// Returns the number of the last of so many pages.
    fn last_of(&self, count: u64) -> u64 {
        self.first.saturating_add(count.saturating_sub(1))
    }

    fn last_link(&self, response: &Response) -> Option<u64> {
        let links = Links::parse(response.headers());
        let target = links.find("last").ok()??.target();
        let url = resolve_link(response.url(), target).ok()?;
        url.query_pairs().find(|(name, _)| *name == self.parameter)?.1.parse().ok()
    }
}

/// Returns `true` if a response has a flag for the last page that may be that of something else.
fn is_marked_last(response: &Response) -> Result<bool, Error> {
    let flags = response.find(["/done", "/last"])?;
    Ok(flags.into_iter().flatten().any(|flag| matches!(flag.get(), "true" | "\"true\"")))
}

//! Fetches pages in order: one at a time, ahead of the consumer, or several at once.
//!
//! ```text
//! Fetcher ─┬─ Sequential ── Request ── Source    one page at a time, when it is wanted
//!          ├─ Prefetch ──── Sequential ── ..     the same, on a task, ahead of the consumer
//!          └─ Concurrent ── Request × n ── ..    several numbered pages at once
//! ```
//!
//! - `Source` calls the user's fetch function once.
//! - `Request` fetches one page: it throttles, retries and restarts as the `Hooks` decide.
//! - `Pagination` (in `next_page`) decides which page comes next, also after a failure. Every fetcher has one.
//! - `PageSlot` holds the page that a fetcher has fetched; the consumer reads it there.

pub(super) mod hooks;
pub(super) mod next_page;
pub(super) mod page_slot;
pub(super) mod source;

mod concurrent;
mod prefetch;
mod request;
mod sequential;
mod spawn;

use std::task::{Context, Poll};

use self::concurrent::Concurrent;
use self::hooks::Hooks;
use self::next_page::{Pagination, Retry};
use self::page_slot::{Demand, Outcome, PageSlot};
use self::prefetch::Prefetch;
use self::request::Request;
use self::sequential::Sequential;
use self::source::BoxSource;
use super::cursor::{Cursor, Numbering};
use super::policy::{OnCycle, OnEmpty};

/// The settings of a stream, which may change until its first poll.
pub(super) struct Config<T, C, E> {
    pub(super) source: BoxSource<T, C, E>,
    pub(super) numbering: Option<Numbering<C>>,
    /// The cursor of the first page; `None` if the API has none for it.
    pub(super) start: Option<C>,
    pub(super) hooks: Hooks<C, E>,
    pub(super) on_empty: Option<OnEmpty>,
    pub(super) on_cycle: OnCycle,
    pub(super) read_ahead: usize,
    pub(super) concurrency: usize,
}

pub(super) enum Fetcher<T, C, E> {
    Sequential(Sequential<T, C, E>),
    Prefetch(Prefetch<T, C, E>),
    Concurrent(Concurrent<T, C, E>),
}

impl<T, C, E> Fetcher<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// A fetcher whose first page has the cursor `first` and is the `page`th page of the stream.
    pub(super) fn new(config: Config<T, C, E>, first: Option<C>, page: u64) -> Self {
        let Config { source, numbering, start, hooks, on_empty, on_cycle, read_ahead, concurrency } = config;
        let request = Request::new(source, hooks.share(), start);
        let is_random_access = first.is_some() && numbering.is_some();
        let pagination = Pagination::new(numbering, on_empty, on_cycle, first, page);
        if is_random_access && concurrency > 1 {
            return Self::Concurrent(Concurrent::new(request, pagination, concurrency));
        }
        let sequential = Sequential::new(request, pagination);
        match read_ahead {
            0 => Self::Sequential(sequential),
            capacity => Self::Prefetch(Prefetch::new(sequential, capacity)),
        }
    }

    /// Polls for the next page, which is written into `slot`.
    #[inline(always)]
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        demand: Demand,
        slot: &mut PageSlot<T, C>,
    ) -> Poll<Outcome<E>> {
        match self {
            Self::Sequential(sequential) => sequential.poll_page(cx, slot),
            Self::Prefetch(prefetch) => prefetch.poll_page(cx, demand, slot),
            Self::Concurrent(concurrent) => concurrent.poll_page(cx, demand, slot),
        }
    }

    /// Continues after an error: returns what the next poll requests, or `None` if there is nothing to retry.
    pub(super) fn retry(&mut self) -> Option<Retry> {
        match self {
            Self::Sequential(sequential) => sequential.retry(),
            Self::Prefetch(prefetch) => prefetch.retry(),
            Self::Concurrent(concurrent) => concurrent.retry(),
        }
    }
}

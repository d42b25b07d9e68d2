use std::task::{Context, Poll};

use super::concurrent::Concurrent;
use super::hooks::Hooks;
use super::next_page::{Pagination, Retry};
use super::page_slot::{Demand, Outcome, PageSlot};
use super::prefetch::Prefetch;
use super::request::Request;
use super::sequential::Sequential;
use super::source::BoxSource;
use crate::pages::cursor::{Cursor, Numbering};
use crate::pages::event::Event;
use crate::pages::fingerprint::Content;
use crate::pages::policy::Policies;

/// The settings of a stream, which may change until its first poll.
pub(in crate::pages) struct Config<T, C, E> {
    pub(in crate::pages) source: BoxSource<T, C, E>,
    pub(in crate::pages) numbering: Option<Numbering<C>>,
    /// The cursor of the first page; `None` if the API has no cursor for it.
    pub(in crate::pages) start: Option<C>,
    pub(in crate::pages) hooks: Hooks<C, E>,
    pub(in crate::pages) policies: Policies,
    pub(in crate::pages) read_ahead: usize,
    pub(in crate::pages) concurrency: usize,
}

/// The fetcher that the settings of a stream require.
pub(in crate::pages) enum Fetcher<T, C, E> {
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
    /// A fetcher whose first page has the cursor `first`, and is the `page`th page of the stream. The page before it had
    /// this `content`, if known.
    pub(in crate::pages) fn new(
        config: Config<T, C, E>,
        content: Option<Content>,
        first: Option<C>,
        page: u64,
    ) -> Self {
        let Config { source, numbering, start, hooks, policies, read_ahead, concurrency } = config;
        let request = Request::new(source, hooks.share(), start);
        let is_random_access = first.is_some() && numbering.is_some();
        let pagination = Pagination::new(numbering, policies, content, first, page);
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
    pub(in crate::pages) fn poll_page(
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

    /// Returns `true` if [`poll_usual`](Self::poll_usual) may be called after a usual page.
    pub(in crate::pages) fn is_plain(&self) -> bool {
        matches!(self, Self::Sequential(sequential) if sequential.is_plain())
    }

    /// Polls for the next page, as [`Sequential::poll_usual`] does. `false` if the fetcher is not plain.
    #[inline(always)]
    pub(in crate::pages) fn poll_usual(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut PageSlot<T, C>,
    ) -> Poll<bool> {
        match self {
            Self::Sequential(sequential) => sequential.poll_usual(cx, slot),
            _ => Poll::Ready(false),
        }
    }

    /// Notifies the observer of the stream, if there is one and it has not been lost with its runtime.
    pub(in crate::pages) fn notify(&self, event: &Event<'_, C, E>) {
        match self {
            Self::Sequential(sequential) => sequential.notify(event),
            Self::Prefetch(prefetch) => prefetch.notify(event),
            Self::Concurrent(concurrent) => concurrent.notify(event),
        }
    }

    /// Continues after an error: returns what the next poll requests, or `None` if there is nothing to retry.
    pub(in crate::pages) fn retry(&mut self) -> Option<Retry> {
        match self {
            Self::Sequential(sequential) => sequential.retry(),
            Self::Prefetch(prefetch) => prefetch.retry(),
            Self::Concurrent(concurrent) => concurrent.retry(),
        }
    }
}

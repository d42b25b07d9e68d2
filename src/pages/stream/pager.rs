use std::any::Any;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::position::{Position, UniqueFilter};
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::{Error, ErrorKind};
use crate::pages::event::{Event, Progress};
use crate::pages::fetch::fetcher::{Config, Fetcher};
use crate::pages::fetch::next_page::Retry;
use crate::pages::fetch::page_slot::{Demand, Outcome};
use crate::pages::fingerprint::Content;

/// Delivers the pages of a stream: polls the fetcher, keeps the position, and applies the limits.
///
/// `AsyncGetDocs` yields the items of these pages one by one, `Pages` yields them page by page.
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(in crate::pages) struct Pager<T, C, E> {
    stage: Stage<T, C, E>,
    status: Status,
    position: Position<T, C>,
    filter: Option<UniqueFilter<T>>,
    max_items: u64,
    max_pages: u64,
    retries: u64,
    total: Option<u64>,
    /// `true` if it is an error to end with fewer items than `total`.
    expect_total: bool,
    /// The content of the page before the first one, if the stream resumes.
    content: Option<Content>,
    max_empty_pages: u64,
    /// The number of consecutive pages without an item to yield.
    empty_pages: u64,
    /// `true` if the error that was reported does not concern a request, so that `retry_failed` only continues.
    continues_after_error: bool,
    /// `true` if a page had not changed since an earlier crawl.
    has_unmodified: bool,
    /// The number of items before this run.
    earlier_items: u64,
    /// `true` if nothing is configured that concerns each page. Decided by the first poll.
    is_plain: bool,
}

/// The default of [`max_empty_pages`](crate::pages::AsyncGetDocs::max_empty_pages).
const MAX_EMPTY_PAGES: u64 = 250;

#[expect(clippy::large_enum_variant, reason = "the pager is boxed already")]
enum Stage<T, C, E> {
    Config(Box<Config<T, C, E>>),
    Running(Fetcher<T, C, E>),
    /// The fetcher has been dropped: nothing more can be requested.
    Ended,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Open,
    /// As `Open`, and the last page was a usual one, so that `poll_usual` may find the next one.
    Usual,
    /// During a poll. If a poll finds this status, a function of the user panicked in the previous poll.
    Polling,
    /// The stream yields nothing more. While the fetcher still exists, it may have a page to retry.
    Terminated,
}

pub(super) enum Step<T, E> {
    Page(Vec<T>),
    Failed(Error<E>),
    End,
}

impl<T, C: Cursor, E> Pager<T, C, E> {
    pub(super) fn new(config: Config<T, C, E>) -> Self {
        let by_items = config.numbering.as_ref().filter(|numbering| numbering.page_size.is_some());
        let position = Position::new(config.start.clone(), by_items.map(|numbering| numbering.advance));
        Self {
            stage: Stage::Config(Box::new(config)),
            status: Status::Open,
            position,
            filter: None,
            max_items: u64::MAX,
            max_pages: u64::MAX,
            retries: 0,
            total: None,
            expect_total: false,
            content: None,
            max_empty_pages: MAX_EMPTY_PAGES,
            empty_pages: 0,
            continues_after_error: false,
            has_unmodified: false,
            earlier_items: 0,
            is_plain: false,
        }
    }

    /// Returns the settings for `method` to change. Panics if the stream has been polled.
    #[track_caller]
    pub(in crate::pages) fn config(&mut self, method: &str) -> &mut Config<T, C, E> {
        match &mut self.stage {
            Stage::Config(config) => config,
            _ => panic!("`{method}` must be called before the stream is first polled"),
        }
    }

    #[track_caller]
    pub(in crate::pages) fn set_max_items(&mut self, max: u64) {
        self.config("max_items");
        self.max_items = max;
    }

    #[track_caller]
    pub(in crate::pages) fn set_max_pages(&mut self, max: u64) {
        self.config("max_pages");
        self.max_pages = max;
    }

    #[track_caller]
    pub(in crate::pages) fn set_max_empty_pages(&mut self, max: u64) {
        self.config("max_empty_pages");
        self.max_empty_pages = max;
    }

    #[track_caller]
    pub(in crate::pages) fn set_expect_total(&mut self) {
        self.config("expect_total");
        self.expect_total = true;
    }

    pub(in crate::pages) fn set_restarts_in_place(&mut self, restarts_in_place: bool) {
        self.position.restarts_in_place = restarts_in_place;
    }

    #[track_caller]
    pub(in crate::pages) fn set_filter(&mut self, filter: UniqueFilter<T>) {
        self.config("unique_by").policies.removes_duplicates = true;
        self.filter = Some(filter);
    }

    #[track_caller]
    pub(in crate::pages) fn resume(&mut self, checkpoint: Checkpoint<C>) {
        let start = self.config("resume").start.clone();
        (self.total, self.content) = (checkpoint.total, checkpoint.content);
        self.earlier_items = checkpoint.items;
        self.position.resume(checkpoint, start);
    }

    pub(super) fn is_terminated(&self) -> bool {
        !self.is_open()
    }

    #[inline]
    fn is_open(&self) -> bool {
        matches!(self.status, Status::Open | Status::Usual)
    }

    /// `remaining`: the number of items of the current page that have not been yielded.
    pub(super) fn progress(&self, remaining: usize) -> Progress {
        Progress {
            items: self.position.items(remaining),
            pages: self.position.pages_yielded(),
            retries: self.retries,
            total: self.total,
        }
    }

    pub(super) fn checkpoint(&self, remaining: usize) -> Checkpoint<C> {
        let mut checkpoint = self.position.checkpoint(remaining);
        checkpoint.total = self.total;
        // Until the first page has arrived, the page before is that of the checkpoint resumed from.
        if self.position.slot.next.is_none() && checkpoint.skip == 0 {
            checkpoint.content = self.content;
        }
        checkpoint
    }

    /// The extra value of the page that was received last.
    pub(super) fn extra(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.position.slot.page.extra_value()
    }

    /// Returns `true` if the page that was received last is that of an API without changes.
    pub(super) fn is_not_modified(&self) -> bool {
        self.has_unmodified && self.position.items(0) == self.earlier_items
    }

    /// The number of items that may still be yielded; `u64::MAX` if it is unbounded.
    pub(super) fn item_limit(&self) -> u64 {
        match self.max_items {
            u64::MAX => u64::MAX,
            max => max.saturating_sub(self.position.items(0)),
        }
    }
}

impl<T, C, E> Pager<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// Polls for the next page, if that takes no decision: the pages of a stream without settings usually have items, a next
    /// cursor, and nothing else. Returns its items, at least one; if `None`, [`poll_step`](Self::poll_step) is next.
    #[inline(always)]
    pub(super) fn poll_usual(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<T>>> {
        if self.status != Status::Usual {
            return Poll::Ready(None);
        }
        let Stage::Running(fetcher) = &mut self.stage else { return Poll::Ready(None) };
        self.status = Status::Polling;
        match fetcher.poll_usual(cx, &mut self.position.slot) {
            Poll::Pending => {
                self.status = Status::Usual;
                Poll::Pending
            }
            Poll::Ready(true) => {
                self.status = Status::Usual;
                Poll::Ready(Some(self.position.accept_usual_page()))
            }
            Poll::Ready(false) => {
                self.status = Status::Open;
                Poll::Ready(None)
            }
        }
    }

    /// Polls for the next page. The step contains only those of its items that are to be yielded, possibly none.
    #[inline]
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<T, E>> {
        if !self.is_open() {
            return Poll::Ready(self.poll_terminated());
        }
        // End without a request if the limits are reached, or the last page was delivered.
        let items = self.item_limit();
        let demand = Demand { items, pages: self.max_pages.saturating_sub(self.position.pages_yielded()) };
        if demand.is_zero() {
            return Poll::Ready(self.end());
        }
        if self.position.is_done() {
            return Poll::Ready(self.finish());
        }
        // The first poll ends the configuration.
        if !matches!(self.stage, Stage::Running(_)) {
            if let Some(error) = self.start() {
                return Poll::Ready(Step::Failed(error));
            }
        }
        let Stage::Running(fetcher) = &mut self.stage else { return Poll::Ready(self.end()) };
        self.status = Status::Polling;
        let Poll::Ready(outcome) = fetcher.poll_page(cx, demand, &mut self.position.slot) else {
            self.status = Status::Open;
            return Poll::Pending;
        };
        match outcome {
            Outcome::Page => {
                if self.position.slot.attempts > 1 {
                    self.retries += u64::from(self.position.slot.attempts - 1);
                }
                // A total that shrinks is that of a page, not of the stream.
                if let Some(total) = self.position.slot.page.total {
                    self.total = self.total.max(Some(total));
                }
                // The filter of `unique_by` may panic, so the status is `Polling` until it has run.
                let items = self.position.accept_page(self.filter.as_mut(), demand.items);
                self.status = Status::Open;
                if items.is_empty() {
                    return Poll::Ready(self.accept_empty_page());
                }
                self.empty_pages = 0;
                if self.is_plain && self.position.is_usual() {
                    self.status = Status::Usual;
                }
                Poll::Ready(Step::Page(items))
            }
            Outcome::Failed(error) => Poll::Ready(self.fail(error)),
            Outcome::RuntimeShutdown => Poll::Ready(self.fail_shutdown()),
            Outcome::End => Poll::Ready(self.finish()),
        }
    }

    /// The step for a page without an item to yield.
    #[cold]
    fn accept_empty_page(&mut self) -> Step<T, E> {
        let is_unmodified = self.position.slot.page.is_unmodified();
        self.has_unmodified |= is_unmodified;
        if is_unmodified {
            self.position.accept_out_of_range();
        }
        // A page with fewer items than are to be skipped has none to yield.
        if let Some(kind) = self.position.out_of_range() {
            return self.fail_out_of_range(kind);
        }
        if !self.position.has_current {
            return self.finish();
        }
        if is_unmodified {
            return Step::Page(Vec::new());
        }
        self.empty_pages += 1;
        let max = self.max_empty_pages.saturating_add(self.position.replayed_pages);
        if self.empty_pages > max && !self.position.is_done() {
            self.status = Status::Terminated;
            let (page, cursor) = (self.position.pages_yielded(), self.position.slot.cursor.as_ref());
            let kind = ErrorKind::TooManyEmptyPages { count: mem::take(&mut self.empty_pages) };
            self.continues_after_error = true;
            return Step::Failed(Error::new(page, cursor, kind));
        }
        Step::Page(Vec::new())
    }

    /// The step at the end of the pages, not at a limit.
    #[cold]
    fn finish(&mut self) -> Step<T, E> {
        let (items, expect_total) = (self.position.items(0), self.expect_total);
        let Some(total) = self.total.filter(|total| items < *total && !self.has_unmodified) else {
            return self.end();
        };
        // `Terminated` while the observer runs, so that the stream has ended even if it panics.
        let stage = mem::replace(&mut self.stage, Stage::Ended);
        self.status = Status::Terminated;
        let event = Event::EndedShort { items, total };
        match stage {
            Stage::Config(mut config) => {
                if let Some(observer) = &mut config.hooks.on_event {
                    observer(&event);
                }
            }
            Stage::Running(fetcher) => fetcher.notify(&event),
            Stage::Ended => {}
        }
        if !expect_total {
            return Step::End;
        }
        let (page, cursor) = (self.position.pages_yielded(), self.position.slot.cursor.as_ref());
        let error = Error::new(page, cursor, ErrorKind::EndedShort { items, total });
        self.position.reopen();
        Step::Failed(error)
    }

    /// Reopens the stream after an error; returns `false` if there is nothing to retry.
    pub(super) fn retry_failed(&mut self) -> bool {
        let Stage::Running(fetcher) = &mut self.stage else { return false };
        if self.status != Status::Terminated {
            return false;
        }
        // The page of the error has arrived: continue after it, without another request for it.
        if mem::take(&mut self.continues_after_error) || self.position.accept_out_of_range() {
            self.status = Status::Open;
            return true;
        }
        match fetcher.retry() {
            None => return false,
            Some(Retry::Failed | Retry::Repeated) => self.retries += 1,
            Some(Retry::Delivered) => {
                self.retries += 1;
                self.position.refetch();
            }
            // That page has not been requested before, so requesting it is not a retry.
            Some(Retry::Next) => {}
        }
        self.status = Status::Open;
        true
    }

    /// Creates the fetcher, unless the configuration is invalid.
    #[cold]
    fn start(&mut self) -> Option<Error<E>> {
        let Stage::Config(config) = mem::replace(&mut self.stage, Stage::Ended) else { return None };
        let (cursor, page) = self.position.next_request();
        if config.numbering.as_ref().is_some_and(|numbering| numbering.page_size == Some(0)) {
            let error = Error::new(page, cursor, ErrorKind::InvalidPageSize);
            self.end();
            return Some(error);
        }
        let fetcher = Fetcher::new(*config, self.content, cursor.cloned(), page);
        let is_unlimited = self.max_items == u64::MAX && self.max_pages == u64::MAX;
        self.is_plain = is_unlimited && self.filter.is_none() && fetcher.is_plain();
        self.stage = Stage::Running(fetcher);
        None
    }

    #[cold]
    fn fail(&mut self, error: Error<E>) -> Step<T, E> {
        if let ErrorKind::Fetch { attempts, .. } = error.kind() {
            self.retries += u64::from(attempts - 1);
        }
        if self.position.slot.restarted {
            self.position.clear_skip();
        }
        self.status = Status::Terminated;
        Step::Failed(error)
    }

    #[cold]
    fn fail_out_of_range(&mut self, kind: ErrorKind<E>) -> Step<T, E> {
        self.status = Status::Terminated;
        let page = self.position.finished_pages + 1;
        Step::Failed(Error::new(page, self.position.slot.cursor.as_ref(), kind))
    }

    #[cold]
    fn fail_shutdown(&mut self) -> Step<T, E> {
        let (cursor, page) = self.position.next_request();
        let error = Error::new(page, cursor, ErrorKind::RuntimeShutdown);
        self.end();
        Step::Failed(error)
    }

    /// The step of a poll after the end, after an error, or after a panic.
    #[cold]
    fn poll_terminated(&mut self) -> Step<T, E> {
        match self.status {
            // The previous poll panicked: drop the fetcher, and report the end.
            Status::Polling => self.end(),
            _ => Step::End,
        }
    }

    /// Drops the fetcher.
    #[cold]
    fn end(&mut self) -> Step<T, E> {
        self.stage = Stage::Ended;
        self.status = Status::Terminated;
        Step::End
    }
}

use std::task::{Context, Poll, ready};

use super::next_page::{NextPage, Pagination, Retry};
use super::page_slot::{Outcome, PageSlot};
use super::request::{Completed, Request};
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Event;

/// Fetches one page after the other, each when it is wanted.
pub(in crate::pages) struct Sequential<T, C, E> {
    request: Request<T, C, E>,
    pagination: Pagination<C>,
}

impl<T, C: Cursor, E> Sequential<T, C, E> {
    pub(super) fn new(request: Request<T, C, E>, pagination: Pagination<C>) -> Self {
        Self { request, pagination }
    }

    #[inline(always)]
    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>, slot: &mut PageSlot<T, C>) -> Poll<Outcome<E>> {
        if let Some(cursor) = self.pagination.start_request() {
            self.request.start(cursor, self.pagination.page());
        } else if !self.pagination.is_requested() {
            return Poll::Ready(self.stopped());
        }
        let completed = ready!(self.request.poll(cx, &mut slot.page));
        Poll::Ready(self.receive(completed, slot))
    }

    /// Returns `true` if the pages are requested one after the other by their cursors, and nothing else happens.
    pub(super) fn is_plain(&self) -> bool {
        self.request.has_no_hooks() && self.pagination.numbering.is_none()
    }

    /// Polls for the next page of a [plain](Self::is_plain) stream, whose last page was a usual one: with items, a next
    /// cursor, and nothing else.
    ///
    /// Returns `true` if the next page is a usual one, too, and is in the slot. Otherwise, [`poll_page`](Self::poll_page)
    /// returns the outcome.
    #[inline(always)]
    pub(super) fn poll_usual(&mut self, cx: &mut Context<'_>, slot: &mut PageSlot<T, C>) -> Poll<bool> {
        ready!(self.request.poll_turn(cx));
        let start = self.pagination.start_request();
        let result = ready!(self.request.poll_usual(start, cx, &mut slot.page));
        if result.is_ok() {
            if let Some(next) = self.pagination.usual_page_received(&mut slot.page) {
                slot.cursor.clone_from(self.request.cursor());
                slot.next = Some(NextPage::Cursor(next));
                return Poll::Ready(true);
            }
        }
        self.request.keep(result);
        Poll::Ready(false)
    }

    /// `poll_page` for the task of `Prefetch`, where inlining gains nothing.
    #[inline(never)]
    pub(super) fn poll_page_outlined(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut PageSlot<T, C>,
    ) -> Poll<Outcome<E>> {
        self.poll_page(cx, slot)
    }

    pub(super) fn retry(&mut self) -> Option<Retry> {
        let retry = self.pagination.retry()?;
        self.request.reset_restarts();
        Some(retry)
    }

    pub(super) fn notify(&self, event: &Event<'_, C, E>) {
        self.request.notify(event);
    }

    #[inline(always)]
    fn receive(&mut self, completed: Completed<E>, slot: &mut PageSlot<T, C>) -> Outcome<E> {
        let Completed { result, attempts, restarted, may_end: _ } = completed;
        if let Err(source) = result {
            slot.restarted = restarted;
            return Outcome::Failed(self.fail(attempts, source, restarted));
        }
        let cursor = self.request.cursor();
        if let Some(error) = self.pagination.check_content(cursor.as_ref(), &mut slot.page, restarted) {
            return Outcome::Failed(error);
        }
        self.request.page_delivered();
        let next = self.pagination.page_received(cursor.as_ref(), &mut slot.page, restarted);
        slot.is_terminator = slot.page.is_terminator(&next);
        slot.cursor.clone_from(cursor);
        slot.next = Some(next);
        (slot.attempts, slot.restarted) = (attempts, restarted);
        Outcome::Page
    }

    #[cold]
    fn fail(&mut self, attempts: u32, source: E, restarted: bool) -> Error<E> {
        let cursor = self.request.cursor().clone();
        let view = self.request.error_view();
        self.pagination.fetch_failed(cursor, attempts, source, restarted, view)
    }

    /// The outcome when no page is due.
    #[cold]
    fn stopped(&mut self) -> Outcome<E> {
        self.pagination.report_deferred().map_or(Outcome::End, Outcome::Failed)
    }
}

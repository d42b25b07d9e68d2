use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::next_page::{Pagination, Retry};
use super::page_slot::{Demand, Outcome, PageSlot};
use super::request::{Completed, Request};
use super::spawn::{Spawned, Task, TaskError, poll_then_spawn};
use crate::pages::cursor::Cursor;
use crate::pages::event::Event;
use crate::pages::page::Page;
use crate::panic::KeptPayload;

/// Fetches several numbered pages at once, and delivers them in order.
///
/// The first slot holds the page that is due. The other requests are speculative: they assume the cursors of the pages
/// after it. If a page turns out to have another next cursor, because it is shorter than requested or names one, the
/// speculative requests are dropped.
pub(in crate::pages) struct Concurrent<T, C, E> {
    /// Cloned for every request.
    template: Request<T, C, E>,
    pagination: Pagination<C>,
    /// The maximum number of slots.
    concurrency: usize,
    slots: VecDeque<Slot<T, C, E>>,
    /// The expected number of items of a page: at first the limit of an offset stream, then that of the last page that
    /// was not empty.
    page_size_hint: Option<u64>,
    /// The number of all items, if the API reports it.
    total: Option<u64>,
    /// The number of items received.
    received: u64,
}

/// A page that was requested, in order of delivery.
struct Slot<T, C, E> {
    cursor: C,
    request: SlotRequest<T, C, E>,
}

/// A request as [`poll_then_spawn`] returned it.
enum SlotRequest<T, C, E> {
    Ready(FetchedPage<T, C, E>),
    Task(Task<FetchedPage<T, C, E>>),
    Inline(RequestTask<T, C, E>),
    Panicked(KeptPayload),
}

struct FetchedPage<T, C, E> {
    completed: Completed<E>,
    /// The cursor of the last attempt.
    cursor: Option<C>,
    /// Empty if the request failed.
    page: Page<T, C>,
}

impl<T, C, E> Concurrent<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    pub(super) fn new(template: Request<T, C, E>, pagination: Pagination<C>, concurrency: usize) -> Self {
        let page_size_hint = pagination.numbering.as_ref().and_then(|numbering| numbering.page_size);
        let slots = VecDeque::new();
        Self { template, pagination, concurrency, slots, page_size_hint, total: None, received: 0 }
    }

    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        demand: Demand,
        slot: &mut PageSlot<T, C>,
    ) -> Poll<Outcome<E>> {
        if self.pagination.due().is_none() {
            return Poll::Ready(self.pagination.report_deferred().map_or(Outcome::End, Outcome::Failed));
        }
        // Start as many requests as there are free slots.
        self.fill_slots(demand);
        let Some(due) = self.slots.front_mut() else { return Poll::Ready(Outcome::End) };
        // Wait for the page that is due; the others continue on their tasks.
        let fetched = match &mut due.request {
            SlotRequest::Inline(task) => ready!(Pin::new(task).poll(cx)),
            SlotRequest::Task(task) => match ready!(task.poll(cx)) {
                Ok(fetched) => fetched,
                // End before the panic is resumed: a later poll finds the end instead of the page that was lost.
                Err(error) => {
                    self.end();
                    match error {
                        TaskError::Panicked(payload) => resume_unwind(payload),
                        TaskError::RuntimeShutdown => return Poll::Ready(Outcome::RuntimeShutdown),
                    }
                }
            },
            SlotRequest::Ready(_) | SlotRequest::Panicked(_) => {
                match self.slots.pop_front().map(|slot| slot.request) {
                    Some(SlotRequest::Ready(fetched)) => {
                        return Poll::Ready(self.receive(fetched, demand, slot));
                    }
                    Some(SlotRequest::Panicked(payload)) => {
                        self.end();
                        payload.resume()
                    }
                    _ => unreachable!("matched just now"),
                }
            }
        };
        self.slots.pop_front();
        Poll::Ready(self.receive(fetched, demand, slot))
    }

    /// Keeps the speculative requests after the failed page: their pages are not requested again.
    pub(super) fn retry(&mut self) -> Option<Retry> {
        let retry = self.pagination.retry()?;
        self.template.reset_restarts();
        Some(retry)
    }

    pub(super) fn notify(&self, event: &Event<'_, C, E>) {
        self.template.notify(event);
    }

    fn receive(
        &mut self,
        fetched: FetchedPage<T, C, E>,
        demand: Demand,
        slot: &mut PageSlot<T, C>,
    ) -> Outcome<E> {
        let FetchedPage { completed: Completed { result, attempts, restarted, may_end }, cursor, mut page } =
            fetched;
        if let Err(source) = result {
            let number = self.pagination.page();
            if may_end && self.template.confirm_end(number, cursor.as_ref(), attempts, &source) {
                page = Page::new(Vec::new(), None).has_more(false);
            } else {
                slot.restarted = restarted;
                let view = self.template.error_view();
                return Outcome::Failed(
                    self.pagination.fetch_failed(cursor, attempts, source, restarted, view),
                );
            }
        }
        if let Some(error) = self.pagination.check_content(cursor.as_ref(), &mut page, restarted) {
            return Outcome::Failed(error);
        }
        self.template.page_delivered();
        // The stream continues at another page, so the items received before do not count towards `total`.
        if restarted {
            self.received = 0;
        }
        let items = page.items.len() as u64;
        self.received += items;
        // A total that shrinks is that of a page, not of the stream.
        self.total = page.total.max(self.total);
        if items > 0 {
            self.page_size_hint = Some(items);
        }
        let next = self.pagination.page_received(cursor.as_ref(), &mut page, restarted);
        let is_terminator = page.is_terminator(&next);
        // Drop the speculative requests if they assumed another next page.
        if self.slots.front().is_some_and(|slot| self.pagination.due() != Some(&slot.cursor)) {
            self.slots.clear();
        }
        self.fill_slots(demand.minus_page(&page));
        *slot = PageSlot { page, cursor, next: Some(next), attempts, is_terminator, restarted };
        Outcome::Page
    }

    /// Requests the page that is due, and as many after it as there are free slots and the consumer accepts.
    fn fill_slots(&mut self, demand: Demand) {
        let Some(due) = self.pagination.due() else { return };
        if demand.is_zero() {
            return;
        }
        // After an error, the slots begin with the page after the one that is due: request that page again.
        if self.slots.front().is_none_or(|slot| slot.cursor != *due) {
            let Some(slot) = self.request_page(due.clone(), 0) else { return };
            self.slots.push_front(slot);
        }
        while self.slots.len() < self.concurrency && self.should_speculate(demand) {
            let ahead = self.slots.len() as u64;
            let (Some(last), Some(numbering)) = (self.slots.back(), &self.pagination.numbering) else {
                return;
            };
            let next = (numbering.advance)(&last.cursor, self.page_size_hint.unwrap_or(1));
            let Some(slot) = self.request_page(next, ahead) else { return };
            self.slots.push_back(slot);
        }
    }

    fn should_speculate(&self, demand: Demand) -> bool {
        let ahead = self.slots.len() as u64;
        // Before the first page, the page size is unknown, so one page might satisfy a bounded demand.
        let Some(page_size) = self.page_size_hint else {
            return ahead < demand.pages && demand.items == u64::MAX;
        };
        let items = ahead.saturating_mul(page_size);
        ahead < demand.pages
            && items < demand.items
            && self.total.is_none_or(|total| self.received.saturating_add(items) < total)
    }

    fn request_page(&self, cursor: C, ahead: u64) -> Option<Slot<T, C, E>> {
        let mut request = self.template.try_clone()?;
        request.start(Some(cursor.clone()), self.pagination.page() + ahead);
        if ahead > 0 {
            request.set_speculative();
        }
        let request = match poll_then_spawn(RequestTask { request, page: Page::new(Vec::new(), None) }) {
            Spawned::Ready(fetched) => SlotRequest::Ready(fetched),
            Spawned::Task(task) => SlotRequest::Task(task),
            Spawned::Inline(task) => SlotRequest::Inline(task),
            Spawned::Panicked(payload) => SlotRequest::Panicked(payload),
        };
        Some(Slot { cursor, request })
    }

    fn end(&mut self) {
        self.slots.clear();
        self.pagination.end();
    }
}

/// One request as a future.
struct RequestTask<T, C, E> {
    request: Request<T, C, E>,
    page: Page<T, C>,
}

impl<T, C: Cursor, E> Future for RequestTask<T, C, E> {
    type Output = FetchedPage<T, C, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { request, page } = &mut *self;
        let completed = ready!(request.poll(cx, page));
        let page = mem::replace(page, Page::new(Vec::new(), None));
        Poll::Ready(FetchedPage { completed, cursor: request.cursor().clone(), page })
    }
}

/// No field is pinned: the future of the fetch function is boxed by its source.
impl<T, C, E> Unpin for RequestTask<T, C, E> {}

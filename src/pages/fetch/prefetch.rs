use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::next_page::Retry;
use super::page_slot::{Demand, Outcome, PageSlot};
use super::sequential::Sequential;
use super::spawn::{Spawned, Task, TaskError, poll_then_spawn};
use crate::pages::cursor::Cursor;
use crate::pages::event::Event;
use crate::panic::KeptPayload;

/// Fetches pages on a task while the consumer processes the earlier ones.
///
/// The sequential fetcher is moved into the task. When the task has fetched as many pages as there is capacity for, it
/// returns the fetcher through the channel, after those pages. When the consumer takes a page, the fetcher is spawned
/// again. So the task and the consumer share no state, and the task never waits for the consumer.
///
/// ```text
///     Idle ──► Spawned     spawn_task
///     Idle ──► Panicked    spawn_task, if the first poll of the task panics
///  Spawned ──► Idle        Message::Done returns the fetcher
///  Spawned ──► Lost        the task panicked, or its runtime shut down
/// Panicked ──► Lost        the panic is resumed, after the earlier pages
/// ```
pub(in crate::pages) struct Prefetch<T, C, E> {
    /// The maximum number of pages in `ready`.
    capacity: usize,
    ready: VecDeque<PageSlot<T, C>>,
    state: State<T, C, E>,
    /// The outcome that follows the pages in `ready`.
    terminal: Option<Terminal<E>>,
}

/// The end or an error, and `true` if it concerns a page that the stream restarted at.
type Terminal<E> = (Outcome<E>, bool);

enum State<T, C, E> {
    Idle(Box<Sequential<T, C, E>>),
    Spawned { task: Task<()>, rx: UnboundedReceiver<Message<T, C, E>> },
    Panicked(KeptPayload),
    Lost,
}

enum Message<T, C, E> {
    Page(PageSlot<T, C>),
    Done(Box<Sequential<T, C, E>>, Option<Terminal<E>>),
}

impl<T, C, E> Prefetch<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    pub(super) fn new(sequential: Sequential<T, C, E>, capacity: usize) -> Self {
        let state = State::Idle(Box::new(sequential));
        Self { capacity, ready: VecDeque::new(), state, terminal: None }
    }

    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        demand: Demand,
        slot: &mut PageSlot<T, C>,
    ) -> Poll<Outcome<E>> {
        loop {
            // Deliver a page that was fetched ahead, and use the capacity that it frees.
            self.receive_all();
            if let Some(page) = self.ready.pop_front() {
                *slot = page;
                self.spawn_task(demand.minus_page(&slot.page));
                return Poll::Ready(Outcome::Page);
            }
            // No page is left: report the outcome that followed the pages.
            if let Some((outcome, restarted)) = self.terminal.take() {
                slot.restarted = restarted;
                return Poll::Ready(outcome);
            }
            match &mut self.state {
                // Nothing was fetched ahead: fetch the page here, then continue on a task.
                State::Idle(sequential) => {
                    let outcome = ready!(sequential.poll_page_outlined(cx, slot));
                    if let Outcome::Page = &outcome {
                        self.spawn_task(demand.minus_page(&slot.page));
                    }
                    return Poll::Ready(outcome);
                }
                State::Spawned { task, rx } => {
                    if let Some(message) = ready!(rx.poll_recv(cx)) {
                        self.receive(message);
                        continue;
                    }
                    // The channel closed before the fetcher was returned: the task has panicked or was cancelled.
                    let result = ready!(task.poll(cx));
                    self.state = State::Lost;
                    match result {
                        Err(TaskError::Panicked(payload)) => resume_unwind(payload),
                        Ok(()) | Err(TaskError::RuntimeShutdown) => {
                            return Poll::Ready(Outcome::RuntimeShutdown);
                        }
                    }
                }
                State::Panicked(_) => {
                    let state = mem::replace(&mut self.state, State::Lost);
                    let State::Panicked(payload) = state else { unreachable!("matched just now") };
                    payload.resume()
                }
                State::Lost => return Poll::Ready(Outcome::End),
            }
        }
    }

    pub(super) fn retry(&mut self) -> Option<Retry> {
        match &mut self.state {
            State::Idle(sequential) => sequential.retry(),
            _ => None,
        }
    }

    pub(super) fn notify(&self, event: &Event<'_, C, E>) {
        if let State::Idle(sequential) = &self.state {
            sequential.notify(event);
        }
    }

    /// Receives the messages that the task has sent so far.
    fn receive_all(&mut self) {
        while let State::Spawned { rx, .. } = &mut self.state {
            match rx.try_recv() {
                Ok(message) => self.receive(message),
                Err(_) => return,
            }
        }
    }

    fn receive(&mut self, message: Message<T, C, E>) {
        match message {
            Message::Page(page) => self.ready.push_back(page),
            Message::Done(sequential, terminal) => {
                self.state = State::Idle(sequential);
                self.terminal = terminal;
            }
        }
    }

    /// Spawns the fetcher to use the free capacity, unless it is running already or there is nothing left to fetch.
    fn spawn_task(&mut self, demand: Demand) {
        let demand = self.ready.iter().fold(demand, |demand, slot| demand.minus_page(&slot.page));
        let capacity = self.capacity.saturating_sub(self.ready.len());
        let is_idle = matches!(self.state, State::Idle(_));
        if !is_idle || self.terminal.is_some() || capacity == 0 || demand.is_zero() {
            return;
        }
        // The state is `Lost` only until the match below: every arm sets it or receives the fetcher.
        let State::Idle(sequential) = mem::replace(&mut self.state, State::Lost) else {
            unreachable!("matched just now");
        };
        let (tx, rx) = unbounded_channel();
        let slot = PageSlot::new(None);
        match poll_then_spawn(PrefetchTask { sequential: Some(sequential), slot, tx, capacity, demand }) {
            Spawned::Task(task) => self.state = State::Spawned { task, rx },
            // Without a runtime: the request was sent, and continues when the consumer polls.
            Spawned::Inline(task) => {
                self.state = task.sequential.map_or(State::Lost, State::Idle);
                self.drain(rx);
            }
            // The task has completed, so its last message returns the fetcher.
            Spawned::Ready(()) => self.drain(rx),
            // The pages that were fetched before the panic are delivered first.
            Spawned::Panicked(payload) => {
                self.state = State::Panicked(payload);
                self.drain(rx);
            }
        }
    }

    fn drain(&mut self, mut rx: UnboundedReceiver<Message<T, C, E>>) {
        while let Ok(message) = rx.try_recv() {
            self.receive(message);
        }
    }
}

/// Fetches until the capacity is used or no page is left, then returns the fetcher through the channel.
struct PrefetchTask<T, C, E> {
    sequential: Option<Box<Sequential<T, C, E>>>,
    slot: PageSlot<T, C>,
    tx: UnboundedSender<Message<T, C, E>>,
    capacity: usize,
    demand: Demand,
}

impl<T, C: Cursor, E> Future for PrefetchTask<T, C, E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // A send fails only while the stream is being dropped, which aborts this task.
        while let Some(sequential) = &mut this.sequential {
            let terminal = if this.capacity == 0 || this.demand.is_zero() {
                None
            } else {
                match ready!(sequential.poll_page_outlined(cx, &mut this.slot)) {
                    // Send the page, and fetch the next one.
                    Outcome::Page => {
                        this.capacity -= 1;
                        this.demand = this.demand.minus_page(&this.slot.page);
                        let slot = mem::replace(&mut this.slot, PageSlot::new(None));
                        drop(this.tx.send(Message::Page(slot)));
                        continue;
                    }
                    outcome => Some((outcome, this.slot.restarted)),
                }
            };
            // Return the fetcher: the consumer will spawn it again when there is capacity.
            if let Some(sequential) = this.sequential.take() {
                drop(this.tx.send(Message::Done(sequential, terminal)));
            }
        }
        Poll::Ready(())
    }
}

/// No field is pinned: the future of the fetch function is boxed by its source.
impl<T, C, E> Unpin for PrefetchTask<T, C, E> {}

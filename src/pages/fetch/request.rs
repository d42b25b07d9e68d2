use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::coop;
use tokio::time::{Sleep, sleep};

use super::decision::{Decision, Target, decide};
use super::hooks::{Delays, Permit, PermitFuture, RestartLimiter, SharedHooks};
use super::page_span::{PageSpan, Retried, emit_retry};
use super::source::{BoxSource, FetchPage};
use crate::as_error::ErrorView;
use crate::pages::cursor::Cursor;
use crate::pages::event::Event;
use crate::pages::page::Page;
use crate::pages::policy::OnError;

/// Fetches one page, with retries, until it arrives or its error is final.
///
/// ```text
///          start                 begin_attempt
///   Idle ────────► Ready ──────────────────────────► Fetching ────► Idle
///                   ▲ │                              ▲  │  result is final
///                   │ └───► AwaitingPermit ──────────┘  │
///                   │  before_request                   │ finish_attempt: retry or restart
///                   └──────────── Backoff ◄─────────────┘
/// ```
///
/// Without a delay, a retry goes straight from `Fetching` to `Ready`. Without hooks, the state stays `Idle`: the only
/// attempt is polled directly.
pub(super) struct Request<T, C, E> {
    source: BoxSource<T, C, E>,
    hooks: Option<SharedHooks<C, E>>,
    state: State,
    /// The first cursor of the stream, for a restart that names none.
    start: Option<C>,
    cursor: Option<C>,
    /// The call to the source that the next poll makes.
    fetch: Option<FetchPage<C>>,
    page: u64,
    attempts: u32,
    delays: Option<Delays>,
    restarted: bool,
    /// `true` if the page before may not have arrived yet.
    is_speculative: bool,
    permit: Option<Permit>,
    /// Closed between two pages.
    span: PageSpan,
    /// The result of a page that was not a usual one, for `poll`.
    result: Option<Result<(), E>>,
    /// The number of pages and attempts, ready at once, since the executor last had its turn.
    run: u8,
}

/// The number of pages and attempts, ready at once, after which a stream yields to the executor.
const MAX_RUN: u8 = 128;
/// The number of usual pages for which one unit of tokio's budget is consumed, since that costs a third of a page.
const PAGES_PER_UNIT: u8 = 8;

enum State {
    Idle,
    Ready,
    AwaitingPermit(PermitFuture),
    Fetching,
    Backoff(Pin<Box<Sleep>>),
}

/// A completed request.
pub(super) struct Completed<E> {
    pub(super) result: Result<(), E>,
    pub(super) attempts: u32,
    /// `true` if the request moved to another cursor because the first one had expired.
    pub(super) restarted: bool,
    /// `true` if the error may mark the end, which the pages before it decide: see [`Request::confirm_end`].
    pub(super) may_end: bool,
}

impl<T, C: Cursor, E> Request<T, C, E> {
    pub(super) fn new(
        source: BoxSource<T, C, E>,
        hooks: Option<SharedHooks<C, E>>,
        start: Option<C>,
    ) -> Self {
        Self {
            source,
            hooks,
            state: State::Idle,
            start,
            cursor: None,
            fetch: None,
            page: 0,
            attempts: 0,
            delays: None,
            restarted: false,
            is_speculative: false,
            permit: None,
            span: PageSpan::default(),
            result: None,
            run: 0,
        }
    }

    /// Returns `true` if no function of the user runs before or after a request.
    pub(super) fn has_no_hooks(&self) -> bool {
        self.hooks.is_none()
    }

    /// A second request with the same function and hooks, if the source can be cloned.
    pub(super) fn try_clone(&self) -> Option<Self> {
        Some(Self::new(self.source.try_clone()?, self.hooks.clone(), self.start.clone()))
    }

    /// Returns the functions that find the cause of an error.
    pub(super) fn error_view(&self) -> ErrorView<E> {
        self.source.error_view()
    }

    /// Records that the page was delivered. Pages are delivered in order.
    #[inline]
    pub(super) fn page_delivered(&self) {
        if let Some(hooks) = &self.hooks {
            hooks.lock().restarts.page_delivered();
        }
    }

    pub(super) fn notify(&self, event: &Event<'_, C, E>) {
        if let Some(hooks) = &self.hooks {
            hooks.notify(event);
        }
    }

    /// Forgets earlier restarts, because the consumer retries after an error.
    pub(super) fn reset_restarts(&self) {
        if let Some(hooks) = &self.hooks {
            hooks.lock().restarts = RestartLimiter::default();
        }
    }

    /// The cursor of the last attempt: after a restart, not the one that the request was started with.
    #[expect(
        clippy::ref_option,
        reason = "callers `clone_from` it, to reuse the allocation of their own cursor"
    )]
    pub(super) fn cursor(&self) -> &Option<C> {
        &self.cursor
    }

    #[inline]
    pub(super) fn start(&mut self, cursor: Option<C>, page: u64) {
        if self.hooks.is_none() {
            // `clone_from` reuses the allocation of the previous cursor.
            self.cursor.clone_from(&cursor);
            self.fetch = Some(FetchPage(cursor));
            return;
        }
        if let Some(hooks) = &self.hooks {
            self.span = hooks.open_span(page, cursor.as_ref());
        }
        self.state = State::Ready;
        self.cursor = cursor;
        self.page = page;
        self.attempts = 0;
        self.delays = None;
        self.restarted = false;
    }

    /// Leaves it to [`confirm_end`](Self::confirm_end) whether an error marks the end.
    pub(super) fn set_speculative(&mut self) {
        self.is_speculative = true;
    }

    /// Polls for the page, which is written into `into`. Each completed request must be started again.
    #[inline(always)]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, into: &mut Page<T, C>) -> Poll<Completed<E>> {
        if self.hooks.is_some() {
            return self.poll_hooked(cx, into);
        }
        if let Some(result) = self.result.take() {
            return Poll::Ready(Completed { result, attempts: 1, restarted: false, may_end: false });
        }
        let coop = ready!(self.poll_attempt(cx));
        let polled = self.source.as_mut().poll(self.fetch.take(), cx, into);
        self.run = if polled.is_pending() { 0 } else { self.run + 1 };
        let result = ready!(polled);
        coop.made_progress();
        Poll::Ready(Completed { result, attempts: 1, restarted: false, may_end: false })
    }

    /// Yields to the executor after a run of attempts that were ready at once. tokio's budget alone would not suffice,
    /// because an unconstrained task has none.
    #[inline]
    fn poll_attempt(&mut self, cx: &mut Context<'_>) -> Poll<coop::RestoreOnPending> {
        if self.run >= MAX_RUN {
            self.run = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = coop::poll_proceed(cx);
        if polled.is_pending() {
            self.run = 0;
        }
        polled
    }

    /// Yields to the executor, between two usual pages.
    #[inline(always)]
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.run += 1;
        if self.run % PAGES_PER_UNIT == 0 { self.poll_budget(cx) } else { Poll::Ready(()) }
    }

    #[cold]
    #[inline(never)]
    fn poll_budget(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.run >= MAX_RUN {
            self.run = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = coop::poll_proceed(cx);
        if polled.is_pending() {
            // The next poll requests the page again.
            self.run -= 1;
        }
        ready!(polled).made_progress();
        Poll::Ready(())
    }

    /// Polls for the page that starts with this cursor, without hooks; `start` is `None` if its request is in progress.
    #[expect(clippy::option_option, reason = "a page may be started that has no cursor: the first one")]
    #[inline(always)]
    pub(super) fn poll_usual(
        &mut self,
        start: Option<Option<C>>,
        cx: &mut Context<'_>,
        into: &mut Page<T, C>,
    ) -> Poll<Result<(), E>> {
        let fetch = start.map(|cursor| {
            self.cursor.clone_from(&cursor);
            FetchPage(cursor)
        });
        let polled = self.source.as_mut().poll(fetch, cx, into);
        if polled.is_pending() {
            self.run = 0;
        }
        polled
    }

    /// Keeps the result of a page that is not a usual one, which the next call to `poll` returns.
    pub(super) fn keep(&mut self, result: Result<(), E>) {
        self.result = Some(result);
    }

    #[inline(never)]
    fn poll_hooked(&mut self, cx: &mut Context<'_>, into: &mut Page<T, C>) -> Poll<Completed<E>> {
        let _entered = self.span.enter();
        loop {
            match &mut self.state {
                State::Idle => unreachable!("request polled before it was started"),
                // Ask for permission first, if there is a throttle.
                State::Ready => match self.request_permit() {
                    Some(permit) => self.state = State::AwaitingPermit(permit),
                    None => self.begin_attempt(),
                },
                // Hold the permit until the attempt has ended.
                State::AwaitingPermit(permit) => {
                    self.permit = Some(ready!(permit.as_mut().poll(cx)));
                    self.begin_attempt();
                }
                State::Fetching => {
                    let coop = ready!(self.poll_attempt(cx));
                    // Moved out of `self` during the poll, so that a panic releases it.
                    let permit = self.permit.take();
                    let Poll::Ready(result) = self.source.as_mut().poll(self.fetch.take(), cx, into) else {
                        self.permit = permit;
                        self.run = 0;
                        return Poll::Pending;
                    };
                    self.run += 1;
                    coop.made_progress();
                    // The next attempt needs a permit of its own, so release this one before the hooks run.
                    drop(permit);
                    if let Some((result, may_end)) = self.finish_attempt(result, into) {
                        self.state = State::Idle;
                        let Self { attempts, restarted, .. } = *self;
                        return Poll::Ready(Completed { result, attempts, restarted, may_end });
                    }
                }
                State::Backoff(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.state = State::Ready;
                }
            }
        }
    }

    fn request_permit(&mut self) -> Option<PermitFuture> {
        self.hooks.as_ref()?.lock().before_request.as_mut().map(|before_request| before_request())
    }

    fn begin_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        if let Some(hooks) = &self.hooks {
            let (page, cursor, attempt) = (self.page, self.cursor.as_ref(), self.attempts);
            hooks.notify(&Event::Request { page, cursor, attempt });
        }
        self.fetch = Some(FetchPage(self.cursor.clone()));
        self.state = State::Fetching;
    }

    /// Decides whether an error that may mark the end does so, now that the pages before it have arrived; notifies the
    /// observer.
    pub(super) fn confirm_end(&self, page: u64, cursor: Option<&C>, attempts: u32, error: &E) -> bool {
        let Some(hooks) = &self.hooks else { return false };
        let ends =
            matches!(hooks.lock().classify.as_mut().map(|classify| classify(error)), Some(OnError::End));
        hooks.notify(&if ends {
            Event::EndedByError { page, cursor, attempts, error }
        } else {
            Event::Failure { page, cursor, attempts, error }
        });
        ends
    }

    /// Returns the result if it is final; prepares the next attempt otherwise.
    fn finish_attempt(
        &mut self,
        result: Result<(), E>,
        into: &mut Page<T, C>,
    ) -> Option<(Result<(), E>, bool)> {
        let Some(hooks) = &self.hooks else { return Some((result, false)) };
        let (page, attempt) = (self.page, self.attempts);
        let view = || self.source.error_view();
        let Err(error) = result else {
            let items = into.items.len();
            self.span.close(attempt, Ok::<_, (&E, fn() -> _)>(items));
            hooks.notify(&Event::Response { page, cursor: self.cursor.as_ref(), items });
            return Some((Ok(()), false));
        };
        let decision = decide(hooks, &error, &mut self.delays, self.restarted, self.start.as_ref());
        let (target, delay) = match decision {
            Decision::Again(target, delay) => (target, delay),
            // The pages before this one may contradict that.
            Decision::End if page > 1 && self.is_speculative => {
                self.span.close(attempt, Err((&error, view)));
                return Some((Err(error), true));
            }
            // A first page is not past the end of anything.
            Decision::End if page > 1 => {
                self.span.close(attempt, Err((&error, view)));
                let cursor = self.cursor.as_ref();
                hooks.notify(&Event::EndedByError { page, cursor, attempts: attempt, error: &error });
                *into = Page::new(Vec::new(), None).has_more(false);
                return Some((Ok(()), false));
            }
            Decision::End | Decision::Fail => {
                self.span.close(attempt, Err((&error, view)));
                let cursor = self.cursor.as_ref();
                hooks.notify(&Event::Failure { page, cursor, attempts: attempt, error: &error });
                return Some((Err(error), false));
            }
        };
        if let Target::Restart(cursor) = target {
            self.restarted = true;
            self.cursor = cursor;
            self.span.record_cursor(self.cursor.as_ref());
        }
        let cursor = self.cursor.as_ref();
        emit_retry(&Retried { page, cursor, attempt, delay, error: &error }, view);
        hooks.notify(&Event::Retry { page, cursor, attempt, delay, error: &error });
        // A timer would need a runtime, so there is none for a zero delay.
        self.state = if delay.is_zero() { State::Ready } else { State::Backoff(Box::pin(sleep(delay))) };
        None
    }
}

/// A fetch that is cancelled is dropped in the span of its page.
#[cfg(feature = "tracing")]
impl<T, C, E> Drop for Request<T, C, E> {
    fn drop(&mut self) {
        if self.span.is_open() {
            let _entered = self.span.enter();
            self.source.as_mut().cancel();
        }
    }
}

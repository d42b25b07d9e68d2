use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop;
use tokio::time::{Sleep, sleep};

use super::hooks::{Delays, Pass, Passing, Shared};
use super::restarts::Restarts;
use super::source::{Begin, BoxSource};
use crate::pages::{Cursor, Event, OnError, Page};

/// One page, asked for until it comes or its error is final: gate, fetch, classify, pause, again.
pub(super) struct Request<T, C, E> {
    source: BoxSource<T, C, E>,
    hooks: Option<Shared<C, E>>,
    state: State,
    /// Where the walk begins, for a restart that names no cursor.
    origin: Option<C>,
    at: Option<C>,
    /// The cursor to ask with, until it was asked.
    begin: Option<Begin<C>>,
    page: u64,
    attempts: u32,
    delays: Option<Delays>,
    restarted: bool,
    pass: Option<Pass>,
}

enum State {
    Idle,
    Ready,
    Gate(Passing),
    Fetch,
    Pause(Pin<Box<Sleep>>),
}

/// How a page was asked for, in the end.
pub(super) struct Reply<E> {
    pub(super) result: Result<(), E>,
    pub(super) attempts: u32,
    /// Whether the walk jumped to this page, because the cursor before it had expired.
    pub(super) restarted: bool,
}

impl<T, C: Cursor, E> Request<T, C, E> {
    pub(super) fn new(source: BoxSource<T, C, E>, hooks: Option<Shared<C, E>>, origin: Option<C>) -> Self {
        Self {
            source,
            hooks,
            state: State::Idle,
            origin,
            at: None,
            begin: None,
            page: 0,
            attempts: 0,
            delays: None,
            restarted: false,
            pass: None,
        }
    }

    /// A request of its own for another page, where the source allows it.
    pub(super) fn fork(&self) -> Option<Self> {
        Some(Self::new(self.source.fork()?, self.hooks.clone(), self.origin.clone()))
    }

    /// The page is handed on, in its turn.
    #[inline]
    pub(super) fn arrived(&self) {
        if let Some(hooks) = &self.hooks {
            hooks.lock().restarts.arrive();
        }
    }

    /// The consumer wants to go on after an error: what restarted before counts no more.
    pub(super) fn forgive(&self) {
        if let Some(hooks) = &self.hooks {
            hooks.lock().restarts = Restarts::default();
        }
    }

    /// The cursor that was asked last: another than at first after a restart.
    #[expect(
        clippy::ref_option,
        reason = "it is cloned from as it is, to reuse what the clone has allocated"
    )]
    pub(super) fn at(&self) -> &Option<C> {
        &self.at
    }

    #[inline]
    pub(super) fn start(&mut self, at: Option<C>, page: u64) {
        if self.hooks.is_none() {
            self.at.clone_from(&at);
            self.begin = Some(Begin(at));
            return;
        }
        self.state = State::Ready;
        self.at = at;
        self.page = page;
        self.attempts = 0;
        self.delays = None;
        self.restarted = false;
    }

    /// Must be started before; after a reply it must be started again. A page comes into `into`.
    #[inline(always)]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, into: &mut Page<T, C>) -> Poll<Reply<E>> {
        if self.hooks.is_some() {
            return self.poll_hooked(cx, into);
        }
        // Without hooks there is one attempt and nothing around it.
        let coop = ready!(coop::poll_proceed(cx));
        let result = ready!(self.source.as_mut().poll(self.begin.take(), cx, into));
        coop.made_progress();
        Poll::Ready(Reply { result, attempts: 1, restarted: false })
    }

    #[inline(never)]
    fn poll_hooked(&mut self, cx: &mut Context<'_>, into: &mut Page<T, C>) -> Poll<Reply<E>> {
        loop {
            match &mut self.state {
                State::Idle => unreachable!("a request is started before it is polled"),
                State::Ready => match self.passing() {
                    Some(passing) => self.state = State::Gate(passing),
                    None => self.ask(),
                },
                State::Gate(passing) => {
                    self.pass = Some(ready!(passing.as_mut().poll(cx)));
                    self.ask();
                }
                State::Fetch => {
                    let coop = ready!(coop::poll_proceed(cx));
                    // Taken, so that a panic lets go of it.
                    let pass = self.pass.take();
                    let Poll::Ready(result) = self.source.as_mut().poll(self.begin.take(), cx, into) else {
                        self.pass = pass;
                        return Poll::Pending;
                    };
                    coop.made_progress();
                    drop(pass);
                    if let Some(result) = self.settle(result, into.items.len()) {
                        self.state = State::Idle;
                        let Self { attempts, restarted, .. } = *self;
                        return Poll::Ready(Reply { result, attempts, restarted });
                    }
                }
                State::Pause(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.state = State::Ready;
                }
            }
        }
    }

    fn passing(&mut self) -> Option<Passing> {
        self.hooks.as_ref()?.lock().before_request.as_mut().map(|before_request| before_request())
    }

    fn ask(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        if let Some(hooks) = &self.hooks {
            hooks.notify(&Event::Request {
                page: self.page,
                cursor: self.at.as_ref(),
                attempt: self.attempts,
            });
        }
        self.begin = Some(Begin(self.at.clone()));
        self.state = State::Fetch;
    }

    /// The result if it is final; otherwise the next attempt is prepared.
    fn settle(&mut self, result: Result<(), E>, items: usize) -> Option<Result<(), E>> {
        let Some(hooks) = &self.hooks else { return Some(result) };
        let (page, attempt) = (self.page, self.attempts);
        let Err(error) = result else {
            hooks.notify(&Event::Response { page, cursor: self.at.as_ref(), items });
            return Some(Ok(()));
        };
        let Some((restart, delay)) =
            next_attempt(hooks, &error, &mut self.delays, self.restarted, self.origin.as_ref())
        else {
            let cursor = self.at.as_ref();
            hooks.notify(&Event::Failure { page, cursor, attempts: attempt, error: &error });
            return Some(Err(error));
        };
        if let Restart::From(cursor) = restart {
            self.restarted = true;
            self.at = cursor;
        }
        let cursor = self.at.as_ref();
        hooks.notify(&Event::Retry { page, cursor, attempt, delay, error: &error });
        // No timer for no time: it would need a runtime.
        self.state = if delay.is_zero() { State::Ready } else { State::Pause(Box::pin(sleep(delay))) };
        None
    }
}

enum Restart<C> {
    No,
    From(Option<C>),
}

/// Where to ask next and how long to wait before it; `None` if the error is final.
fn next_attempt<C: Cursor, E>(
    hooks: &Shared<C, E>,
    error: &E,
    delays: &mut Option<Delays>,
    restarted: bool,
    origin: Option<&C>,
) -> Option<(Restart<C>, Duration)> {
    let mut hooks = hooks.lock();
    let answer = match &mut hooks.classify {
        Some(classify) => classify(error),
        None => OnError::Retry { after: None },
    };
    if delays.is_none() {
        *delays = hooks.policy.as_mut().map(|policy| policy());
    }
    match (answer, delays) {
        (OnError::Fatal, _) | (OnError::Retry { .. }, None) => None,
        (OnError::Retry { after }, Some(delays)) => {
            let delay = delays.next()?;
            Some((Restart::No, after.unwrap_or(delay)))
        }
        (OnError::Restart { cursor }, delays) => {
            let delay = match delays {
                Some(delays) => delays.next()?,
                None if restarted => return None,
                None => Duration::ZERO,
            };
            let target = cursor.or_else(|| origin.cloned());
            hooks.restarts.allow(target.as_ref()).then_some((Restart::From(target), delay))
        }
    }
}

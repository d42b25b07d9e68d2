use std::mem;
use std::task::{Context, Poll};

use super::engine::{After, Engine, Outcome, Setup, Want};
use super::place::{Distinct, Place};
use super::{Checkpoint, Cursor, Error, ErrorKind, Progress};

/// The consumer's side of a walk: where it stands, what it has had, and how much it wants.
///
/// `AsyncGetDocs` hands out the items of a page one by one, `Pages` all at once; both keep their place here.
pub(super) struct Walk<T, C, E> {
    stage: Stage<T, C, E>,
    status: Status,
    place: Place<T, C>,
    distinct: Option<Distinct<T>>,
    max_items: u64,
    max_pages: u64,
    retries: u64,
    /// Whether a retry after the error that was told last asks for the same page.
    asks_again: bool,
    total: Option<u64>,
}

#[expect(clippy::large_enum_variant, reason = "the walk lies in a box of its own already")]
enum Stage<T, C, E> {
    Setup(Box<Setup<T, C, E>>),
    Running(Engine<T, C, E>),
    /// What fetched was dropped: there is nothing more to ask for.
    Gone,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Open,
    /// Being polled; found so at the next poll, a function of the user panicked, and the walk is over.
    Polled,
    /// An error was told.
    Failed,
    Over,
}

pub(super) enum Step<T, E> {
    Page(Vec<T>),
    Failed(Error<E>),
    End,
}

impl<T, C: Cursor, E> Walk<T, C, E> {
    pub(super) fn new(setup: Setup<T, C, E>) -> Self {
        let counting = setup.numbering.as_ref().filter(|numbering| numbering.stride.is_some());
        let place = Place::new(setup.origin.clone(), counting.map(|numbering| numbering.advance));
        Self {
            stage: Stage::Setup(Box::new(setup)),
            status: Status::Open,
            place,
            distinct: None,
            max_items: u64::MAX,
            max_pages: u64::MAX,
            retries: 0,
            asks_again: false,
            total: None,
        }
    }

    /// The settings, which `method` is about to change. Panics once the stream has been polled.
    #[track_caller]
    pub(super) fn setup(&mut self, method: &str) -> &mut Setup<T, C, E> {
        match &mut self.stage {
            Stage::Setup(setup) => setup,
            _ => panic!("`{method}` must be called before the stream is first polled"),
        }
    }

    #[track_caller]
    pub(super) fn set_max_items(&mut self, max: u64) {
        self.setup("max_items");
        self.max_items = max;
    }

    #[track_caller]
    pub(super) fn set_max_pages(&mut self, max: u64) {
        self.setup("max_pages");
        self.max_pages = max;
    }

    #[track_caller]
    pub(super) fn set_filter(&mut self, distinct: Distinct<T>) {
        self.setup("unique_by");
        self.distinct = Some(distinct);
    }

    #[track_caller]
    pub(super) fn resume(&mut self, checkpoint: Checkpoint<C>) {
        let origin = self.setup("resume").origin.clone();
        self.place.resume(checkpoint, origin);
    }

    /// Whether a poll would yield nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.status != Status::Open
    }

    /// `left`: how many items of the page in hand the consumer has not taken yet.
    pub(super) fn progress(&self, left: usize) -> Progress {
        Progress {
            items: self.place.items(left),
            pages: self.place.pages_in_all(),
            retries: self.retries,
            total: self.total,
        }
    }

    pub(super) fn checkpoint(&self, left: usize) -> Checkpoint<C> {
        self.place.checkpoint(left)
    }

    /// How many more items may be handed out; `u64::MAX` is no bound.
    pub(super) fn wanted(&self) -> u64 {
        match self.max_items {
            u64::MAX => u64::MAX,
            max => max.saturating_sub(self.place.items(0)),
        }
    }
}

impl<T, C, E> Walk<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// The next page: of its items those that are to be handed out, which may be none.
    #[inline]
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<T, E>> {
        if self.status != Status::Open {
            return Poll::Ready(self.stay());
        }
        let items = self.wanted();
        let want = Want { items, pages: self.max_pages.saturating_sub(self.place.pages_in_all()) };
        if want.is_none() || self.place.is_done() {
            return Poll::Ready(self.end());
        }
        if let Stage::Setup(_) = &self.stage {
            if let Some(error) = self.open() {
                return Poll::Ready(Step::Failed(error));
            }
        }
        let Stage::Running(engine) = &mut self.stage else { return Poll::Ready(self.end()) };
        self.status = Status::Polled;
        let Poll::Ready(outcome) = engine.poll_page(cx, want, &mut self.place.landing) else {
            self.status = Status::Open;
            return Poll::Pending;
        };
        match outcome {
            Outcome::Page => {
                self.retries += u64::from(self.place.landing.attempts - 1);
                self.total = self.place.landing.page.total.or(self.total);
                let items = self.place.turn(self.distinct.as_mut(), want.items);
                self.status = Status::Open;
                if let Some(kind) = self.place.shortage() {
                    return Poll::Ready(self.shrink(kind));
                }
                Poll::Ready(if self.place.in_hand { Step::Page(items) } else { self.end() })
            }
            Outcome::Failed(error) => Poll::Ready(self.fail(error)),
            Outcome::Shutdown => Poll::Ready(self.shut_down()),
            Outcome::End => Poll::Ready(self.end()),
        }
    }

    /// Goes on after an error, if the page that failed can be asked for again.
    pub(super) fn retry_failed(&mut self) -> bool {
        let Stage::Running(engine) = &mut self.stage else { return false };
        if self.status != Status::Failed {
            return false;
        }
        if self.place.accept_shortage() {
            self.status = Status::Open;
            return true;
        }
        if !engine.retry() {
            return false;
        }
        self.status = Status::Open;
        self.retries += u64::from(self.asks_again);
        if self.place.landing.after == Some(After::Unknown) {
            self.place.ask_again();
        }
        true
    }

    /// Begins to run, unless the set-up is at fault.
    #[cold]
    fn open(&mut self) -> Option<Error<E>> {
        let Stage::Setup(setup) = mem::replace(&mut self.stage, Stage::Gone) else { return None };
        let (cursor, page) = self.place.to_come();
        if setup.numbering.as_ref().is_some_and(|numbering| numbering.stride == Some(0)) {
            let error = Error::new(page, cursor, ErrorKind::InvalidPageSize);
            self.end();
            return Some(error);
        }
        self.stage = Stage::Running(Engine::new(*setup, cursor.cloned(), page));
        None
    }

    #[cold]
    fn fail(&mut self, error: Error<E>) -> Step<T, E> {
        if let ErrorKind::Fetch { attempts, .. } = error.kind() {
            self.retries += u64::from(attempts - 1);
        }
        if self.place.landing.restarted {
            self.place.forget_pending();
        }
        // To go on over a false alarm is to ask for another page.
        self.asks_again = !matches!(error.kind(), ErrorKind::CursorCycle { .. });
        self.status = Status::Failed;
        Step::Failed(error)
    }

    #[cold]
    fn shrink(&mut self, kind: ErrorKind<E>) -> Step<T, E> {
        self.status = Status::Failed;
        let page = self.place.pages + 1;
        Step::Failed(Error::new(page, self.place.landing.at.as_ref(), kind))
    }

    #[cold]
    fn shut_down(&mut self) -> Step<T, E> {
        let (cursor, page) = self.place.to_come();
        let error = Error::new(page, cursor, ErrorKind::RuntimeShutdown);
        self.end();
        Step::Failed(error)
    }

    /// A poll after the end, after an error, or after a panic.
    #[cold]
    fn stay(&mut self) -> Step<T, E> {
        match self.status {
            Status::Polled => self.end(),
            _ => Step::End,
        }
    }

    /// Lets go of what fetches.
    #[cold]
    fn end(&mut self) -> Step<T, E> {
        self.stage = Stage::Gone;
        self.status = Status::Over;
        Step::End
    }
}

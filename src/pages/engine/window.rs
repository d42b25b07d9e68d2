use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::course::{After, Course};
use super::request::{Reply, Request};
use super::task::{Begun, Lost, Task, begin};
use super::{Landing, Outcome, Want};
use crate::pages::error::name;
use crate::pages::{Cursor, Error, ErrorKind, Page};

/// Several numbered pages at once, delivered in order.
///
/// The head is the page that is due. The others are guesses at what comes after it; the page that arrives knows better,
/// and where a guess was wrong (a page shorter than asked for, a cursor that jumps) the guesses are dropped.
pub(in crate::pages) struct Window<T, C, E> {
    model: Request<T, C, E>,
    course: Course<C>,
    width: usize,
    /// The first is the page that is due.
    slots: VecDeque<Slot<T, C, E>>,
    state: State<C>,
    /// The position in the walk of the page that is due, from 1.
    page: u64,
    /// How many items a page is guessed to hold: what the last one held.
    stride: Option<u64>,
    /// How many items there are, where the API told, and how many of them have come.
    total: Option<u64>,
    received: u64,
}

enum State<C> {
    Due(C),
    Stuck {
        at: C,
        next: C,
    },
    /// An error was told; whether this is another page than the walk led to.
    Failed(C, bool),
    Ended,
}

struct Slot<T, C, E> {
    at: C,
    work: Work<T, C, E>,
}

/// A reply, the cursor it was had with, and the page if it is one.
type Answer<T, C, E> = (Reply<E>, Option<C>, Page<T, C>);

enum Work<T, C, E> {
    Done(Answer<T, C, E>),
    Away(Task<Answer<T, C, E>>),
    Here(Errand<T, C, E>),
    Panicked(Box<dyn Any + Send>),
}

impl<T, C, E> Window<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    pub(super) fn new(model: Request<T, C, E>, course: Course<C>, start: C, page: u64, width: usize) -> Self {
        let stride = course.numbering.as_ref().and_then(|numbering| numbering.stride);
        let slots = VecDeque::new();
        Self { model, course, width, slots, state: State::Due(start), page, stride, total: None, received: 0 }
    }

    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        want: Want,
        landing: &mut Landing<T, C>,
    ) -> Poll<Outcome<E>> {
        match &self.state {
            State::Due(_) => {}
            State::Stuck { .. } => {
                return Poll::Ready(Outcome::Failed(self.fail()));
            }
            State::Failed(..) | State::Ended => return Poll::Ready(Outcome::End),
        }
        self.fill(want);
        let Some(due) = self.slots.front_mut() else { return Poll::Ready(Outcome::End) };
        let reply = match &mut due.work {
            Work::Here(errand) => ready!(Pin::new(errand).poll(cx)),
            Work::Away(task) => match ready!(task.poll(cx)) {
                Ok(reply) => reply,
                Err(lost) => {
                    self.end();
                    match lost {
                        Lost::Panic(payload) => resume_unwind(payload),
                        Lost::Shutdown => return Poll::Ready(Outcome::Shutdown),
                    }
                }
            },
            Work::Done(_) | Work::Panicked(_) => match self.slots.pop_front().map(|slot| slot.work) {
                Some(Work::Done(reply)) => return Poll::Ready(self.receive(reply, want, landing)),
                Some(Work::Panicked(payload)) => {
                    self.end();
                    resume_unwind(payload)
                }
                _ => unreachable!("matched just now"),
            },
        };
        self.slots.pop_front();
        Poll::Ready(self.receive(reply, want, landing))
    }

    /// The guesses after the failed page are kept: they are not asked for again.
    pub(super) fn retry(&mut self) -> bool {
        let State::Failed(at, jumps) = &self.state else { return false };
        if *jumps {
            self.course.jump(Some(at));
        }
        self.model.forgive();
        self.state = State::Due(at.clone());
        true
    }

    fn receive(&mut self, answer: Answer<T, C, E>, want: Want, landing: &mut Landing<T, C>) -> Outcome<E> {
        let (Reply { result, attempts, restarted }, at, mut page) = answer;
        if let Err(source) = result {
            let error = Error::new(self.page, at.as_ref(), ErrorKind::Fetch { attempts, source });
            self.state = at.map_or(State::Ended, |at| State::Failed(at, restarted));
            landing.restarted = restarted;
            return Outcome::Failed(error);
        }
        self.model.arrived();
        if restarted {
            self.course.jump(at.as_ref());
            self.received = 0;
        }
        let items = page.items.len() as u64;
        self.received += items;
        self.total = page.total.or(self.total);
        if items > 0 {
            self.stride = Some(items);
        }
        let after = self.course.after(at.as_ref(), &mut page);
        let mark = page.is_mark(&after);
        self.page += 1;
        self.turn_to(&after, at.as_ref());
        self.fill(want.less(&page));
        *landing = Landing { page, at, after: Some(after), attempts, mark, restarted };
        Outcome::Page
    }

    /// Goes on to what comes after a page, and drops the guesses that it proves wrong.
    fn turn_to(&mut self, after: &After<C>, at: Option<&C>) {
        match (after, at) {
            (After::Next(next), _) => {
                if self.slots.front().is_some_and(|slot| slot.at != *next) {
                    self.slots.clear();
                }
                self.state = State::Due(next.clone());
            }
            (After::Repeat(next), Some(at)) => {
                self.slots.clear();
                self.state = State::Stuck { at: at.clone(), next: next.clone() };
            }
            _ => self.end(),
        }
    }

    /// Asks for the page that is due, and for as many after it as the window is wide and somebody wants.
    fn fill(&mut self, want: Want) {
        let State::Due(due) = &self.state else { return };
        if want.is_none() {
            return;
        }
        // After an error the page that is due is missing in front of the guesses behind it.
        if self.slots.front().is_none_or(|slot| slot.at != *due) {
            let Some(slot) = self.open(due.clone(), 0) else { return };
            self.slots.push_front(slot);
        }
        while self.slots.len() < self.width && self.is_worth_guessing(want) {
            let ahead = self.slots.len() as u64;
            let (Some(last), Some(numbering)) = (self.slots.back(), &self.course.numbering) else { return };
            let next = (numbering.advance)(&last.at, self.stride.unwrap_or(1));
            let Some(slot) = self.open(next, ahead) else { return };
            self.slots.push_back(slot);
        }
    }

    fn is_worth_guessing(&self, want: Want) -> bool {
        let ahead = self.slots.len() as u64;
        // Before the first page nobody knows how few pages hold what is wanted, unless all is.
        let Some(stride) = self.stride else { return ahead < want.pages && want.items == u64::MAX };
        let items = ahead.saturating_mul(stride);
        ahead < want.pages
            && items < want.items
            && self.total.is_none_or(|total| self.received.saturating_add(items) < total)
    }

    fn open(&self, at: C, ahead: u64) -> Option<Slot<T, C, E>> {
        let mut request = self.model.fork()?;
        request.start(Some(at.clone()), self.page + ahead);
        let work = match begin(Errand { request, page: Page::new(Vec::new(), None) }) {
            Begun::Done(reply) => Work::Done(reply),
            Begun::Away(task) => Work::Away(task),
            Begun::Here(errand) => Work::Here(errand),
            Begun::Panic(payload) => Work::Panicked(payload),
        };
        Some(Slot { at, work })
    }

    fn end(&mut self) {
        self.slots.clear();
        self.state = State::Ended;
    }

    /// Tells of the error that the page before this one leads to.
    fn fail(&mut self) -> Error<E> {
        match mem::replace(&mut self.state, State::Ended) {
            State::Stuck { at, next } => {
                let kind = ErrorKind::CursorCycle { next_cursor: name(Some(&next)) };
                let error = Error::new(self.page - 1, Some(&at), kind);
                self.state = State::Failed(next, true);
                error
            }
            _ => unreachable!("called when the walk is stuck"),
        }
    }
}

/// One request, as a future.
struct Errand<T, C, E> {
    request: Request<T, C, E>,
    page: Page<T, C>,
}

impl<T, C: Cursor, E> Future for Errand<T, C, E> {
    type Output = Answer<T, C, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { request, page } = &mut *self;
        let reply = ready!(request.poll(cx, page));
        Poll::Ready((reply, request.at().clone(), mem::replace(page, Page::new(Vec::new(), None))))
    }
}

/// Nothing in it is pinned: the fetch lies in a box of its own.
impl<T, C, E> Unpin for Errand<T, C, E> {}

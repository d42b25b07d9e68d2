use std::task::{Context, Poll, ready};

use super::course::{After, Course};
use super::request::{Reply, Request};
use super::{Arrival, Outcome};
use crate::pages::error::name;
use crate::pages::{Cursor, Error};

/// One page after the other, each asked for when it is wanted.
pub(in crate::pages) struct Chain<T, C, E> {
    request: Request<T, C, E>,
    course: Course<C>,
    state: State<C>,
    /// The position of the page to come, from 1.
    page: u64,
}

enum State<C> {
    Idle(Option<C>),
    Asking,
    /// The page was delivered; what it leads to is an error, told when the next page is wanted.
    Stuck {
        at: Option<C>,
        after: After<C>,
    },
    /// An error was told; this is the page to ask for if it is retried.
    Failed {
        at: Option<C>,
        page: u64,
    },
    Ended,
}

impl<T, C: Cursor, E> Chain<T, C, E> {
    pub(super) fn new(request: Request<T, C, E>, course: Course<C>, start: Option<C>, page: u64) -> Self {
        Self { request, course, state: State::Idle(start), page }
    }

    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T, C, E>> {
        loop {
            match &mut self.state {
                State::Idle(next) => {
                    self.request.start(next.take(), self.page);
                    self.state = State::Asking;
                }
                State::Asking => {
                    let reply = ready!(self.request.poll(cx));
                    return Poll::Ready(self.receive(reply));
                }
                State::Stuck { .. } => return Poll::Ready(Outcome::Failed(self.fail())),
                State::Failed { .. } | State::Ended => return Poll::Ready(Outcome::End),
            }
        }
    }

    /// Whether there is a page to ask for again; it is, when the next page is wanted.
    pub(super) fn retry(&mut self) -> bool {
        let State::Failed { at, page } = &mut self.state else { return false };
        self.page = *page;
        self.course.jump(at.as_ref());
        self.state = State::Idle(at.take());
        true
    }

    fn receive(&mut self, reply: Reply<T, C, E>) -> Outcome<T, C, E> {
        let Reply { result, at, attempts, restarted } = reply;
        let mut page = match result {
            Ok(page) => page,
            Err(source) => {
                let error = Error::Fetch { page: self.page, cursor: name(at.as_ref()), attempts, source };
                self.state = State::Failed { at, page: self.page };
                return Outcome::Failed(error);
            }
        };
        if restarted {
            self.course.jump(at.as_ref());
        }
        let mark = self.course.is_mark(&page);
        let after = self.course.after(at.as_ref(), &mut page);
        self.state = match &after {
            After::Next(next) => State::Idle(Some(next.clone())),
            After::End => State::Ended,
            After::Repeat(_) | After::Unknown => State::Stuck { at: at.clone(), after: after.clone() },
        };
        self.page += 1;
        Outcome::Page(Arrival { items: page.items, total: page.total, at, after, attempts, mark })
    }

    /// Tells of the error that the page before this one leads to.
    fn fail(&mut self) -> Error<E> {
        let page = self.page - 1;
        let state = std::mem::replace(&mut self.state, State::Ended);
        let State::Stuck { at, after } = state else { unreachable!("called when the walk is stuck") };
        let cursor = name(at.as_ref());
        if let After::Repeat(next) = after {
            let error = Error::Repeat { page, cursor, next: name(Some(&next)) };
            self.state = State::Failed { at: Some(next), page: self.page };
            error
        } else {
            self.state = State::Failed { at, page };
            Error::MissingCursor { page, cursor }
        }
    }
}

use std::task::{Context, Poll, ready};

use super::course::{After, Course};
use super::request::{Reply, Request};
use super::{Landing, Outcome};
use crate::pages::error::name;
use crate::pages::{Cursor, Error, ErrorKind};

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
        after: After<C>,
    },
    /// An error was told; this is the page to ask for if it is retried.
    Failed {
        at: Option<C>,
        page: u64,
        /// Whether it is another page than the walk led to, so that what was seen before is no loop.
        jumps: bool,
    },
    Ended,
}

impl<T, C: Cursor, E> Chain<T, C, E> {
    pub(super) fn new(request: Request<T, C, E>, course: Course<C>, start: Option<C>, page: u64) -> Self {
        Self { request, course, state: State::Idle(start), page }
    }

    #[inline(always)]
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        landing: &mut Landing<T, C>,
    ) -> Poll<Outcome<E>> {
        if let State::Idle(next) = &mut self.state {
            self.request.start(next.take(), self.page);
            self.state = State::Asking;
        }
        let State::Asking = &self.state else { return Poll::Ready(self.stop()) };
        let reply = ready!(self.request.poll(cx, &mut landing.page));
        Poll::Ready(self.receive(reply, landing))
    }

    /// As `poll_page`, for a task, where it need not be inlined.
    #[inline(never)]
    pub(super) fn poll_page_away(
        &mut self,
        cx: &mut Context<'_>,
        landing: &mut Landing<T, C>,
    ) -> Poll<Outcome<E>> {
        self.poll_page(cx, landing)
    }

    /// Whether there is a page to ask for again; it is, when the next page is wanted.
    pub(super) fn retry(&mut self) -> bool {
        let State::Failed { at, page, jumps } = &mut self.state else { return false };
        self.page = *page;
        if *jumps {
            self.course.jump(at.as_ref());
        }
        self.request.forgive();
        self.state = State::Idle(at.take());
        true
    }

    #[inline(always)]
    fn receive(&mut self, reply: Reply<E>, landing: &mut Landing<T, C>) -> Outcome<E> {
        let Reply { result, attempts, restarted } = reply;
        if let Err(source) = result {
            landing.restarted = restarted;
            return Outcome::Failed(self.fail(attempts, source, restarted));
        }
        self.request.arrived();
        let at = self.request.at();
        if restarted {
            self.course.jump(at.as_ref());
        }
        let after = self.course.after(at.as_ref(), &mut landing.page);
        landing.mark = landing.page.is_mark(&after);
        self.state = match &after {
            After::Next(next) => State::Idle(Some(next.clone())),
            After::End => State::Ended,
            After::Repeat(_) | After::Unknown => State::Stuck { after: after.clone() },
        };
        self.page += 1;
        landing.at.clone_from(at);
        landing.after = Some(after);
        (landing.attempts, landing.restarted) = (attempts, restarted);
        Outcome::Page
    }

    #[cold]
    fn fail(&mut self, attempts: u32, source: E, jumps: bool) -> Error<E> {
        let at = self.request.at().clone();
        let error = Error::new(self.page, at.as_ref(), ErrorKind::Fetch { attempts, source });
        self.state = State::Failed { at, page: self.page, jumps };
        error
    }

    /// There is nothing to ask for; perhaps there is an error to tell of, to which the page before this one leads.
    #[cold]
    fn stop(&mut self) -> Outcome<E> {
        let page = self.page - 1;
        let at = self.request.at().clone();
        let after = match std::mem::replace(&mut self.state, State::Ended) {
            State::Stuck { after } => after,
            state => {
                self.state = state;
                return Outcome::End;
            }
        };
        if let After::Repeat(next) = after {
            let error =
                Error::new(page, at.as_ref(), ErrorKind::CursorCycle { next_cursor: name(Some(&next)) });
            self.state = State::Failed { at: Some(next), page: self.page, jumps: true };
            Outcome::Failed(error)
        } else {
            let error = Error::new(page, at.as_ref(), ErrorKind::MissingCursor);
            self.state = State::Failed { at, page, jumps: false };
            Outcome::Failed(error)
        }
    }
}

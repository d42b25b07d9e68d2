//! Fetches pages, in order: one at a time, ahead of the consumer, or several at once.

mod ahead;
mod chain;
mod course;
mod hooks;
mod repeats;
mod request;
mod restarts;
mod source;
mod task;
mod window;

use std::task::{Context, Poll};

use self::ahead::Ahead;
use self::chain::Chain;
use self::course::Course;
use self::request::Request;
use self::window::Window;
use super::cursor::Numbering;
use super::{Cursor, Error, OnCycle, OnEmpty, Page};

pub(super) use self::course::After;
pub(super) use self::hooks::{Hooks, Pass};
pub(super) use self::source::{BoxSource, chain, shared};

/// What a walk is set up with, before its first poll.
pub(super) struct Setup<T, C, E> {
    pub(super) source: BoxSource<T, C, E>,
    pub(super) numbering: Option<Numbering<C>>,
    /// The cursor of the first page; `None` if the API has none for it.
    pub(super) origin: Option<C>,
    pub(super) hooks: Hooks<C, E>,
    pub(super) on_empty: Option<OnEmpty>,
    pub(super) on_cycle: OnCycle,
    pub(super) read_ahead: usize,
    pub(super) concurrency: usize,
}

/// Where a page lands: written where the consumer reads it, rather than handed up from layer to layer.
pub(super) struct Landing<T, C> {
    pub(super) page: Page<T, C>,
    /// The cursor it was asked with.
    pub(super) at: Option<C>,
    /// What comes after it; `None` before the first page.
    pub(super) after: Option<After<C>>,
    /// How often it was asked for.
    pub(super) attempts: u32,
    /// Whether it is empty, and nothing but the mark of the end.
    pub(super) mark: bool,
    /// Whether what was asked for last, and came or failed, is another page than the one before it led to.
    pub(super) restarted: bool,
}

impl<T, C> Landing<T, C> {
    pub(super) fn new(at: Option<C>) -> Self {
        let page = Page::new(Vec::new(), None);
        Self { page, at, after: None, attempts: 1, mark: false, restarted: false }
    }
}

pub(super) enum Outcome<E> {
    /// A page has landed.
    Page,
    Failed(Error<E>),
    /// The runtime that fetched ahead is gone, and the fetch function with it.
    Shutdown,
    End,
}

/// How much more the consumer will take: nothing beyond it is fetched ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub(super) items: u64,
    pub(super) pages: u64,
}

impl Want {
    fn less<T, C>(self, page: &Page<T, C>) -> Self {
        let items = self.items.saturating_sub(page.items.len() as u64);
        Self { items, pages: self.pages.saturating_sub(1) }
    }

    pub(super) fn is_none(self) -> bool {
        self.items == 0 || self.pages == 0
    }
}

pub(super) enum Engine<T, C, E> {
    Chain(Chain<T, C, E>),
    Ahead(Ahead<T, C, E>),
    Window(Window<T, C, E>),
}

impl<T, C, E> Engine<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// An engine that begins at `start`, the `page`th page of the walk.
    pub(super) fn new(setup: Setup<T, C, E>, start: Option<C>, page: u64) -> Self {
        let Setup { source, numbering, origin, hooks, on_empty, on_cycle, read_ahead, concurrency } = setup;
        let request = Request::new(source, hooks.share(), origin);
        let course = Course::new(numbering, on_empty, on_cycle, start.as_ref());
        match start {
            Some(start) if concurrency > 1 && course.numbering.is_some() => {
                Self::Window(Window::new(request, course, start, page, concurrency))
            }
            start => {
                let chain = Chain::new(request, course, start, page);
                match read_ahead {
                    0 => Self::Chain(chain),
                    room => Self::Ahead(Ahead::new(chain, room)),
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        want: Want,
        landing: &mut Landing<T, C>,
    ) -> Poll<Outcome<E>> {
        match self {
            Self::Chain(chain) => chain.poll_page(cx, landing),
            Self::Ahead(ahead) => ahead.poll_page(cx, want, landing),
            Self::Window(window) => window.poll_page(cx, want, landing),
        }
    }

    /// Whether the page that failed will be asked for again.
    pub(super) fn retry(&mut self) -> bool {
        match self {
            Self::Chain(chain) => chain.retry(),
            Self::Ahead(ahead) => ahead.retry(),
            Self::Window(window) => window.retry(),
        }
    }
}

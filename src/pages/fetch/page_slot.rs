use super::next_page::NextPage;
use crate::pages::error::Error;
use crate::pages::page::Page;

/// A fetched page, and how it was fetched.
///
/// Fetchers write into the slot of the consumer instead of returning a page through every layer, because moving a page
/// is expensive.
pub(in crate::pages) struct PageSlot<T, C> {
    pub(in crate::pages) page: Page<T, C>,
    /// The cursor with which the page was requested.
    pub(in crate::pages) cursor: Option<C>,
    /// The page after this one; `None` before the first page.
    pub(in crate::pages) next: Option<NextPage<C>>,
    /// The number of times that the page was requested.
    pub(in crate::pages) attempts: u32,
    /// `true` if the page is empty and only marks the end.
    pub(in crate::pages) is_terminator: bool,
    /// `true` if the last request, successful or not, was for another page than the one after the previous page.
    pub(in crate::pages) restarted: bool,
}

impl<T, C> PageSlot<T, C> {
    pub(in crate::pages) fn new(cursor: Option<C>) -> Self {
        let page = Page::new(Vec::new(), None);
        Self { page, cursor, next: None, attempts: 1, is_terminator: false, restarted: false }
    }
}

/// The outcome of polling a fetcher for a page.
pub(in crate::pages) enum Outcome<E> {
    /// The page is in the slot.
    Page,
    Failed(Error<E>),
    /// The runtime that fetched the pages ahead has shut down and dropped the fetch function.
    RuntimeShutdown,
    End,
}

/// The number of items and pages that the consumer still accepts. Nothing beyond it is fetched ahead.
#[derive(Clone, Copy, Debug)]
pub(in crate::pages) struct Demand {
    pub(in crate::pages) items: u64,
    pub(in crate::pages) pages: u64,
}

impl Demand {
    /// The demand that remains once `page` is delivered.
    pub(super) fn minus_page<T, C>(self, page: &Page<T, C>) -> Self {
        let items = self.items.saturating_sub(page.items.len() as u64);
        Self { items, pages: self.pages.saturating_sub(1) }
    }

    pub(in crate::pages) fn is_zero(self) -> bool {
        self.items == 0 || self.pages == 0
    }
}

use std::mem;

use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::ErrorKind;
use crate::pages::fetch::next_page::NextPage;
use crate::pages::fetch::page_slot::PageSlot;

/// Returns `true` for the first item with its key.
pub(in crate::pages) type UniqueFilter<T> = Box<dyn FnMut(&T) -> bool + Send>;

/// The position of the consumer: the current page, the number of its items that were accepted, and the page after it.
///
/// The items of the current page, by their indices in the response:
///
/// ```text
/// 0               skip                                         received
/// ├────────────────┼──────────────┬──────────────┬─────────────────┤
/// │ skipped: an    │   yielded    │ `remaining`, │ truncated:      │
/// │ earlier run    │              │ not yet      │ beyond          │
/// │ yielded them   │              │ yielded      │ `max_items`     │
/// ├────────────────┼──────────────┼──────────────┼─────────────────┤
///                  │          checkpoint         │
///                  └── accepted, if not removed ─┘
///                      by the unique filter
/// ```
///
/// From page to page:
///
/// ```text
/// next_request ──► the fetcher fills the slot ──► accept_page ──┬──► next_request
///                                                               │
///        resume ──┐                                out_of_range ├──► accept_out_of_range ──► next_request
///                 ▼                                             │
///            skip_next ◄────────────────────────────── refetch ─┘
///                 └──► the next accept_page skips so many items
/// ```
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct Position<T, C> {
    /// The current page without its items. Before the first page, the cursor of that page.
    pub(super) slot: PageSlot<T, C>,
    /// The number of pages before the current one.
    pub(super) finished_pages: u64,
    /// `true` if there is a current page. An empty page that only marks the end does not count, nor does a page that is to
    /// be fetched again.
    pub(super) has_current: bool,
    /// The number of items accepted from the pages before the current one.
    items_before: u64,
    /// The number of items accepted from the current page.
    accepted: usize,
    /// The number of items of the current page as the API returned it.
    received: usize,
    /// The number of items skipped at the start of the current page.
    skip: usize,
    /// The number of items to skip at the start of the next page that arrives.
    skip_next: usize,
    /// The indices in the response of the accepted items. Empty unless duplicates are filtered out.
    kept_indices: Vec<usize>,
    /// `true` if the consumer does not get all of the current page: it is beyond `max_items`, or out of range.
    truncated: bool,
    /// `true` if the current page has fewer items than were to be skipped.
    out_of_range: bool,
    /// `true` if a restart continues at the same item, so that the items of the page are still to be skipped.
    pub(super) restarts_in_place: bool,
    /// The number of pages before the last restart, which may come again with known items only.
    pub(super) replayed_pages: u64,
    /// Returns the cursor after so many items of a page, if cursors count items.
    advance: Option<fn(&C, u64) -> C>,
}

impl<T, C: Cursor> Position<T, C> {
    pub(super) fn new(cursor: Option<C>, advance: Option<fn(&C, u64) -> C>) -> Self {
        Self {
            slot: PageSlot::new(cursor),
            finished_pages: 0,
            has_current: false,
            items_before: 0,
            accepted: 0,
            received: 0,
            skip: 0,
            skip_next: 0,
            kept_indices: Vec::new(),
            truncated: false,
            out_of_range: false,
            restarts_in_place: false,
            replayed_pages: 0,
            advance,
        }
    }

    /// Moves to a checkpoint. If the checkpoint has no cursor, `start` is used, the first cursor of the stream.
    pub(super) fn resume(&mut self, checkpoint: Checkpoint<C>, start: Option<C>) {
        let Checkpoint { cursor, skip, items, pages, done, total: _, content: _ } = checkpoint;
        self.slot.cursor = cursor.or(start);
        self.slot.next = done.then_some(NextPage::End);
        self.skip_next = usize::try_from(skip).unwrap_or(usize::MAX);
        // A checkpoint taken before that page arrives has the same skip.
        self.received = self.skip_next;
        self.items_before = items;
        self.finished_pages = pages;
    }

    /// Makes the page in the slot the current one, and returns the items to yield: `limit` at most.
    #[inline]
    pub(super) fn accept_page(&mut self, filter: Option<&mut UniqueFilter<T>>, limit: u64) -> Vec<T> {
        let mut items = mem::take(&mut self.slot.page.items);
        // Finish the previous page before the counts of this one replace its counts.
        self.items_before += self.accepted as u64;
        self.finished_pages += u64::from(self.has_current);
        self.has_current = !self.slot.is_terminator;
        self.received = items.len();
        self.skip = 0;
        if self.skip_next > 0 || filter.is_some() {
            self.filter_items(&mut items, filter);
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.truncated = self.out_of_range || items.len() > limit;
        if self.truncated {
            items.truncate(limit);
        }
        self.accepted = items.len();
        items
    }

    /// Returns `true` if the current page has items and a next cursor, and reached the consumer whole, so that
    /// [`accept_usual_page`](Self::accept_usual_page) may follow.
    pub(super) fn is_usual(&self) -> bool {
        self.has_current
            && !self.truncated
            && self.skip_next == 0
            && self.accepted > 0
            && matches!(self.slot.next, Some(NextPage::Cursor(_)))
    }

    /// Makes the page in the slot the current one, and returns its items. The page and the one before are
    /// [usual](Self::is_usual), and the stream has neither a filter nor a limit.
    #[inline]
    pub(super) fn accept_usual_page(&mut self) -> Vec<T> {
        let items = mem::take(&mut self.slot.page.items);
        self.items_before += self.accepted as u64;
        self.finished_pages += 1;
        self.skip = 0;
        (self.received, self.accepted) = (items.len(), items.len());
        items
    }

    /// Removes the items that were yielded before: by an earlier run, or with the same key.
    #[inline(never)]
    fn filter_items(&mut self, items: &mut Vec<T>, filter: Option<&mut UniqueFilter<T>>) {
        if self.slot.restarted {
            self.replayed_pages = self.finished_pages;
        }
        let skip_next = mem::take(&mut self.skip_next);
        // After a restart, this is another page than the one whose items were to be skipped.
        self.skip = if self.slot.restarted && !self.restarts_in_place { 0 } else { skip_next };
        if self.skip > items.len() && self.next_page_starts_after(items.len()) {
            // With offsets, the next page starts where this page ends: skip the remaining items there.
            self.skip_next = self.skip - items.len();
            self.skip = items.len();
        }
        self.out_of_range = self.skip > items.len();
        // If the filter panics, the position is before the items of this page.
        (self.accepted, self.truncated) = (0, true);
        self.kept_indices.clear();
        let Some(filter) = filter else {
            items.drain(..self.skip.min(items.len()));
            return;
        };
        let mut index = 0;
        items.retain(|item| {
            // The filter sees the skipped items, too, so that it recognizes their duplicates.
            let keep = filter(item) && index >= self.skip;
            if keep {
                self.kept_indices.push(index);
            }
            index += 1;
            keep
        });
    }

    /// Returns `true` if the next page is known to start after the first `items` of this one, and `items` is not zero.
    fn next_page_starts_after(&self, items: usize) -> bool {
        match (&self.slot.next, &self.slot.cursor, self.advance) {
            (Some(NextPage::Cursor(next)), Some(cursor), Some(advance)) => {
                items > 0 && advance(cursor, items as u64) == *next
            }
            _ => false,
        }
    }

    /// The error of the current page, if it has fewer items than were to be skipped.
    pub(super) fn out_of_range<E>(&self) -> Option<ErrorKind<E>> {
        self.out_of_range.then_some(ErrorKind::ResumeOutOfRange { len: self.received, skip: self.skip })
    }

    /// Treats a page that is out of range as fully yielded; returns `false` if the current page is not out of range.
    pub(super) fn accept_out_of_range(&mut self) -> bool {
        if self.out_of_range {
            self.truncated = false;
            // That many of its items were yielded, even if the page has fewer now.
            self.received = self.skip;
        }
        mem::take(&mut self.out_of_range)
    }

    /// Prepares for fetching the current page again: its items will be skipped.
    pub(super) fn refetch(&mut self) {
        self.has_current = false;
        self.skip_next = self.received;
    }

    /// Skips no items of the next page: it is another page than the one whose items were to be skipped.
    pub(super) fn clear_skip(&mut self) {
        if !self.restarts_in_place {
            self.skip_next = 0;
        }
    }

    /// The number of items yielded. The last `remaining` items of the current page have not been yielded.
    pub(super) fn items(&self, remaining: usize) -> u64 {
        self.items_before + (self.accepted - remaining) as u64
    }

    /// The number of pages that have reached the consumer.
    pub(super) fn pages_yielded(&self) -> u64 {
        self.finished_pages + u64::from(self.has_current)
    }

    pub(super) fn is_done(&self) -> bool {
        self.slot.next == Some(NextPage::End)
    }

    /// Declares that the last page was not the end: a checkpoint taken from now on requests it again.
    pub(super) fn reopen(&mut self) {
        self.slot.next = Some(NextPage::MissingCursor);
    }

    /// The cursor of the next page to request, and its position in the stream.
    pub(super) fn next_request(&self) -> (Option<&C>, u64) {
        match &self.slot.next {
            Some(NextPage::Cursor(next)) => (Some(next), self.pages_yielded() + 1),
            _ => (self.slot.cursor.as_ref(), self.pages_yielded().max(self.finished_pages + 1)),
        }
    }

    pub(super) fn checkpoint(&self, remaining: usize) -> Checkpoint<C> {
        let (items, is_inside_page) = (self.items(remaining), remaining > 0 || self.truncated);
        match &self.slot.next {
            // Between two pages.
            Some(NextPage::Cursor(next)) if !is_inside_page => {
                let pages = self.pages_yielded();
                let skip = self.skip_next as u64;
                let content = self.slot.page.content();
                Checkpoint {
                    cursor: Some(next.clone()),
                    skip,
                    items,
                    pages,
                    done: false,
                    total: None,
                    content,
                }
            }
            // Inside a page, at the end, or at an error in place of the next page.
            next => {
                let skip =
                    if is_inside_page { self.index_after(self.accepted - remaining) } else { self.received };
                let done = *next == Some(NextPage::End) && !is_inside_page;
                let pages = if done { self.pages_yielded() } else { self.finished_pages };
                let cursor = self.slot.cursor.clone();
                Checkpoint { cursor, skip: skip as u64, items, pages, done, total: None, content: None }
            }
        }
    }

    /// The index in the response that follows the first `yielded` accepted items.
    fn index_after(&self, yielded: usize) -> usize {
        match yielded.checked_sub(1).and_then(|last| self.kept_indices.get(last)) {
            Some(last) => last + 1,
            // Nothing was yielded, or no filter is set and the accepted items are consecutive.
            None => self.skip + yielded,
        }
    }
}

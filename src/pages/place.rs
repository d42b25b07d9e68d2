use std::mem;

use super::engine::{After, Landing};
use super::{Checkpoint, Cursor, ErrorKind};

/// Says whether an item is the first with its key.
pub(super) type Distinct<T> = Box<dyn FnMut(&T) -> bool + Send>;

/// Where the consumer stands: a page, how much of it was handed out, and what comes after it.
pub(super) struct Place<T, C> {
    /// The page in hand, without its items; before the first page, the cursor of the page to come.
    pub(super) landing: Landing<T, C>,
    /// Pages wholly behind.
    pub(super) pages: u64,
    /// Whether there is a page in hand. An empty page that only marks the end is none, nor is one that has to be asked
    /// for again.
    pub(super) in_hand: bool,
    /// Items handed out before the page in hand, and of it.
    items: u64,
    handed: usize,
    /// Items of the page as the API sent it, and how many of them were passed over.
    received: usize,
    skip: usize,
    /// How many items of the page to come to pass over.
    pending: usize,
    /// Which of the items received were handed out, where some were left out as not distinct.
    kept: Vec<usize>,
    /// Whether the consumer did not get all of the page: `max_items` cut it, or it is short.
    cut: bool,
    /// Whether the page has fewer items than were handed out of it before.
    is_short: bool,
    /// The cursor behind so many items of a page, where cursors count items.
    advance: Option<fn(&C, u64) -> C>,
}

impl<T, C: Cursor> Place<T, C> {
    pub(super) fn new(at: Option<C>, advance: Option<fn(&C, u64) -> C>) -> Self {
        Self {
            landing: Landing::new(at),
            pages: 0,
            in_hand: false,
            items: 0,
            handed: 0,
            received: 0,
            skip: 0,
            pending: 0,
            kept: Vec::new(),
            cut: false,
            is_short: false,
            advance,
        }
    }

    pub(super) fn resume(&mut self, checkpoint: Checkpoint<C>, origin: Option<C>) {
        let Checkpoint { cursor, skip, items, pages, done } = checkpoint;
        self.landing.at = cursor.or(origin);
        self.landing.after = done.then_some(After::End);
        self.pending = usize::try_from(skip).unwrap_or(usize::MAX);
        // Until that page comes, this is as far as the walk has come in it.
        self.received = self.pending;
        self.items = items;
        self.pages = pages;
    }

    /// Takes the page that has landed in hand, and of its items those that are to be handed out: `want` at most.
    #[inline]
    pub(super) fn turn(&mut self, distinct: Option<&mut Distinct<T>>, want: u64) -> Vec<T> {
        let mut items = mem::take(&mut self.landing.page.items);
        self.items += self.handed as u64;
        self.pages += u64::from(self.in_hand);
        self.in_hand = !self.landing.mark;
        self.received = items.len();
        self.skip = 0;
        if self.pending > 0 || distinct.is_some() {
            self.pick(&mut items, distinct);
        }
        let want = usize::try_from(want).unwrap_or(usize::MAX);
        self.cut = self.is_short || items.len() > want;
        if self.cut {
            items.truncate(want);
        }
        self.handed = items.len();
        items
    }

    /// Leaves out what was handed out before.
    #[inline(never)]
    fn pick(&mut self, items: &mut Vec<T>, distinct: Option<&mut Distinct<T>>) {
        let pending = mem::take(&mut self.pending);
        // After a restart this is not the page of which something was to be passed over.
        self.skip = if self.landing.restarted { 0 } else { pending };
        if self.skip > items.len() && self.next_begins_behind(items.len()) {
            // An offset: what is missing here stands on the next page.
            self.pending = self.skip - items.len();
            self.skip = items.len();
        }
        self.is_short = self.skip > items.len();
        // Should a key panic, the walk stands before the items of this page.
        (self.handed, self.cut) = (0, true);
        self.kept.clear();
        let Some(distinct) = distinct else {
            items.drain(..self.skip.min(items.len()));
            return;
        };
        let mut index = 0;
        items.retain(|item| {
            // The items passed over count as seen, too.
            let keep = distinct(item) && index >= self.skip;
            if keep {
                self.kept.push(index);
            }
            index += 1;
            keep
        });
    }

    /// Whether the next page is known to begin behind so many items of this one, and these are some.
    fn next_begins_behind(&self, items: usize) -> bool {
        match (&self.landing.after, &self.landing.at, self.advance) {
            (Some(After::Next(next)), Some(at), Some(advance)) => {
                items > 0 && advance(at, items as u64) == *next
            }
            _ => false,
        }
    }

    /// What is wrong with the page in hand, if it has fewer items than were handed out of it before.
    pub(super) fn shortage<E>(&self) -> Option<ErrorKind<E>> {
        self.is_short.then_some(ErrorKind::ResumeOutOfRange { len: self.received, skip: self.skip })
    }

    /// Takes a page that is short for one that was handed out as a whole; says whether there is one.
    pub(super) fn accept_shortage(&mut self) -> bool {
        if self.is_short {
            self.cut = false;
            // So many were yielded of it, however many it has now.
            self.received = self.skip;
        }
        mem::take(&mut self.is_short)
    }

    /// The page in hand did not say how to go on: it will be asked for again, and passed over.
    pub(super) fn ask_again(&mut self) {
        self.in_hand = false;
        self.pending = self.received;
    }

    /// The page to come is not the one of which something was to be passed over.
    pub(super) fn forget_pending(&mut self) {
        self.pending = 0;
    }

    /// Items handed out and taken, where the consumer has `left` so many of the page in hand.
    pub(super) fn items(&self, left: usize) -> u64 {
        self.items + (self.handed - left) as u64
    }

    /// Pages that have reached the consumer.
    pub(super) fn pages_in_all(&self) -> u64 {
        self.pages + u64::from(self.in_hand)
    }

    pub(super) fn is_done(&self) -> bool {
        self.landing.after == Some(After::End)
    }

    /// The cursor of the page to come, and its position in the walk.
    pub(super) fn to_come(&self) -> (Option<&C>, u64) {
        match &self.landing.after {
            Some(After::Next(next)) => (Some(next), self.pages_in_all() + 1),
            _ => (self.landing.at.as_ref(), self.pages_in_all().max(self.pages + 1)),
        }
    }

    pub(super) fn checkpoint(&self, left: usize) -> Checkpoint<C> {
        let (items, page_is_left) = (self.items(left), left > 0 || self.cut);
        match &self.landing.after {
            Some(After::Next(next)) if !page_is_left => {
                let pages = self.pages_in_all();
                let skip = self.pending as u64;
                Checkpoint { cursor: Some(next.clone()), skip, items, pages, done: false }
            }
            after => {
                let skip = if page_is_left { self.index_after(self.handed - left) } else { self.received };
                let done = *after == Some(After::End) && !page_is_left;
                let pages = if done { self.pages_in_all() } else { self.pages };
                let cursor = self.landing.at.clone();
                Checkpoint { cursor, skip: skip as u64, items, pages, done }
            }
        }
    }

    /// Where the page, as the API sent it, goes on after the first `taken` items handed out.
    fn index_after(&self, taken: usize) -> usize {
        match taken.checked_sub(1).and_then(|last| self.kept.get(last)) {
            Some(last) => last + 1,
            None => self.skip + taken,
        }
    }
}

use super::engine::{After, Arrival};
use super::{Checkpoint, Cursor};

/// Says whether an item is the first with its key.
pub(super) type Distinct<T> = Box<dyn FnMut(&T) -> bool + Send>;

/// Where the consumer stands: a page, how much of it was handed out, and what comes after it.
pub(super) struct Place<C> {
    /// The cursor of the page in hand; before the first page, of the page to come.
    pub(super) at: Option<C>,
    /// `None` before the first page.
    pub(super) after: Option<After<C>>,
    /// Pages wholly behind.
    pub(super) pages: u64,
    /// Whether there is a page in hand; an empty page that only marks the end is none.
    pub(super) in_hand: bool,
    /// Whether that page has to be asked for again, because it did not say how to go on.
    pub(super) again: bool,
    /// Items handed out before the page in hand, and of it.
    items: u64,
    handed: usize,
    /// Items of the page as the API sent it, and how many of them were passed over.
    received: usize,
    skip: usize,
    /// Which of the items received were handed out, where some were left out as not distinct.
    kept: Vec<usize>,
    /// Whether `max_items` cut the page short.
    cut: bool,
    /// A place inside the page as a cursor of its own, where the numbering can say it.
    inside: Option<fn(&C, u64) -> Option<C>>,
}

impl<C: Cursor> Place<C> {
    pub(super) fn new(at: Option<C>, inside: Option<fn(&C, u64) -> Option<C>>) -> Self {
        Self {
            at,
            after: None,
            pages: 0,
            in_hand: false,
            again: false,
            items: 0,
            handed: 0,
            received: 0,
            skip: 0,
            kept: Vec::new(),
            cut: false,
            inside,
        }
    }

    pub(super) fn resume(&mut self, checkpoint: Checkpoint<C>) {
        let Checkpoint { cursor, skip, items, pages, done } = checkpoint;
        self.at = cursor.or(self.at.take());
        self.skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.received = self.skip;
        self.items = items;
        self.pages = pages;
        self.after = done.then_some(After::End);
    }

    /// Takes a page in hand, and of its items those that are to be handed out: `want` at most.
    pub(super) fn turn<T>(
        &mut self,
        page: Arrival<T, C>,
        distinct: Option<&mut Distinct<T>>,
        want: u64,
    ) -> Vec<T> {
        let Arrival { mut items, at, after, mark, .. } = page;
        // What was handed out of a page is passed over only if this is the page that was meant: not after a restart.
        let mut skip = if self.after.is_none() || self.again { self.skip } else { 0 };
        if skip > 0 && self.at != at {
            skip = 0;
        }
        self.items += self.handed as u64;
        self.pages += u64::from(self.in_hand && !self.again);
        self.in_hand = !mark;
        self.again = false;
        self.at = at;
        self.after = Some(after);
        self.received = items.len();
        self.skip = skip.min(items.len());
        self.kept.clear();
        if let Some(distinct) = distinct {
            self.keep_distinct(&mut items, distinct);
        } else if self.skip > 0 {
            items.drain(..self.skip);
        }
        let want = usize::try_from(want).unwrap_or(usize::MAX);
        self.cut = items.len() > want;
        items.truncate(want);
        self.handed = items.len();
        items
    }

    /// The items passed over count as seen, too.
    fn keep_distinct<T>(&mut self, items: &mut Vec<T>, distinct: &mut Distinct<T>) {
        let mut index = 0;
        items.retain(|item| {
            let keep = distinct(item) && index >= self.skip;
            if keep {
                self.kept.push(index);
            }
            index += 1;
            keep
        });
    }

    /// The page in hand did not say how to go on: it will be asked for again, and passed over.
    pub(super) fn ask_again(&mut self) {
        self.again = true;
        self.skip = self.received;
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
        self.after == Some(After::End)
    }

    /// The cursor of the page to come, and its position in the walk.
    pub(super) fn to_come(&self) -> (Option<&C>, u64) {
        match &self.after {
            Some(After::Next(next)) => (Some(next), self.pages_in_all() + 1),
            _ => (self.at.as_ref(), self.pages_in_all().max(self.pages + 1)),
        }
    }

    pub(super) fn checkpoint(&self, left: usize) -> Checkpoint<C> {
        let (items, page_is_left) = (self.items(left), left > 0 || self.cut);
        match &self.after {
            Some(After::Next(next)) if !page_is_left => {
                let pages = self.pages_in_all();
                Checkpoint { cursor: Some(next.clone()), skip: 0, items, pages, done: false }
            }
            after => {
                let skip = if page_is_left { self.index_after(self.handed - left) } else { self.received };
                let done = *after == Some(After::End) && !page_is_left;
                let (cursor, skip) = self.normal(skip);
                Checkpoint { cursor, skip, items, pages: self.pages, done }
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

    /// A place inside the page at hand, as a cursor of its own where there is one.
    fn normal(&self, skip: usize) -> (Option<C>, u64) {
        let skip = skip as u64;
        let own = self.at.as_ref().zip(self.inside).and_then(|(at, inside)| inside(at, skip));
        match own {
            Some(own) => (Some(own), 0),
            None => (self.at.clone(), skip),
        }
    }
}

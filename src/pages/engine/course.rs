use super::repeats::Repeats;
use crate::pages::cursor::{Numbering, is_blank};
use crate::pages::{Cursor, OnCycle, OnEmpty, Page};

/// Knows what comes after a page.
pub(super) struct Course<C> {
    pub(super) numbering: Option<Numbering<C>>,
    /// `None` where the user did not say.
    on_empty: Option<OnEmpty>,
    on_cycle: OnCycle,
    repeats: Repeats<C>,
}

/// What comes after a page.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages) enum After<C> {
    /// The page with this cursor.
    Next(C),
    /// Nothing.
    End,
    /// The page before this cursor, which was there before.
    Repeat(C),
    /// More, as the API says, but nobody knows where.
    Unknown,
}

impl<C: Cursor> Course<C> {
    pub(super) fn new(
        numbering: Option<Numbering<C>>,
        on_empty: Option<OnEmpty>,
        on_cycle: OnCycle,
        start: Option<&C>,
    ) -> Self {
        let mut repeats = Repeats::new();
        repeats.restart(start);
        Self { numbering, on_empty, on_cycle, repeats }
    }

    /// What comes after this page, which was asked for with `at`. Takes the page's cursor.
    ///
    /// The explicit word counts first: `has_more`, then what the user said of empty pages, then a cursor.
    #[inline(always)]
    pub(super) fn after<T>(&mut self, at: Option<&C>, page: &mut Page<T, C>) -> After<C> {
        if page.has_more == Some(false) || self.ends_at(page) {
            return After::End;
        }
        let told = page.next_cursor.take().filter(|next| !is_blank(next));
        let next = match (told, &self.numbering, at) {
            (Some(next), _, _) => next,
            (None, Some(numbering), Some(at)) => (numbering.advance)(at, page.items.len() as u64),
            (None, _, _) if page.has_more == Some(true) => return After::Unknown,
            (None, _, _) => return After::End,
        };
        if self.on_cycle == OnCycle::Allow || !self.repeats.seen(&next) {
            return After::Next(next);
        }
        match self.on_cycle {
            OnCycle::End => After::End,
            _ => After::Repeat(next),
        }
    }

    /// Whether this page ends the walk by being empty.
    #[inline]
    fn ends_at<T>(&self, page: &Page<T, C>) -> bool {
        page.items.is_empty()
            && match self.on_empty {
                Some(OnEmpty::End) => true,
                Some(OnEmpty::Continue) => false,
                None => {
                    let more = page.has_more == Some(true)
                        || page.next_cursor.as_ref().is_some_and(|c| !is_blank(c));
                    self.numbering.is_some() && !more
                }
            }
    }

    /// The walk jumps, on purpose, to a cursor that may have been there before.
    pub(super) fn jump(&mut self, to: Option<&C>) {
        self.repeats.restart(to);
    }
}

impl<T, C> Page<T, C> {
    /// Whether this page, given what comes after it, is nothing but the mark of the end.
    #[inline]
    pub(super) fn is_mark(&self, after: &After<C>) -> bool {
        self.items.is_empty() && matches!(after, After::End)
    }
}

//! Decides which page comes next: after a page, after a failure, and on a retry.

use super::cycle_detector::CycleDetector;
use super::page_span::{emit_cycle, emit_repeat};
use super::repeats::Repeats;
use crate::as_error::ErrorView;
use crate::pages::cursor::{Cursor, Numbering, is_blank};
use crate::pages::error::{Error, ErrorKind, format_cursor};
use crate::pages::fingerprint::Content;
use crate::pages::page::Page;
use crate::pages::policy::{OnBlankCursor, OnCycle, OnEmpty, OnRepeat, Policies};

/// The page after a page.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages) enum NextPage<C> {
    /// The page with this cursor.
    Cursor(C),
    /// There is no next page.
    End,
    /// A page with this cursor was fetched before.
    Cycle(C),
    /// The API reports more pages but returned no cursor.
    MissingCursor,
}

/// The page that a retry after an error requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages) enum Retry {
    /// The page that could not be fetched.
    Failed,
    /// The page that was delivered but had no cursor to the next one.
    Delivered,
    /// The page after a cursor cycle that was a false alarm.
    Next,
    /// The page whose content repeats that of an earlier one.
    Repeated,
}

/// Decides which page comes next. It is the only owner of a stream's failure state: the fetchers keep none.
///
/// ```text
///             start_request            page_received
///     ┌─► Due ─────────────► Requested ─┬──────────► Due       the next page is known
///     │                          │      ├──────────► Ended     there is none
///     │             fetch_failed │      └──────────► Deferred  the next page is an error
///     │                          ▼                       │
///     └────────────────────── Failed ◄───────────────────┘
///             retry                     report_deferred
/// ```
///
/// The concurrent fetcher has several requests in flight and omits `Requested`: the page whose turn it is stays `Due`.
pub(super) struct Pagination<C> {
    pub(super) numbering: Option<Numbering<C>>,
    /// `None` if the user has not set it.
    on_empty: Option<OnEmpty>,
    on_cycle: OnCycle,
    on_blank_cursor: OnBlankCursor,
    cycles: CycleDetector<C>,
    repeats: Repeats,
    state: State<C>,
    /// The position in the stream of the page that is due or requested, from 1.
    page: u64,
}

enum State<C> {
    /// The page with this cursor is requested next.
    Due(Option<C>),
    Requested,
    /// A page was delivered, and in place of the next page there is an error. It is reported when the consumer wants
    /// that page.
    Deferred {
        /// The cursor of the delivered page.
        cursor: Option<C>,
        /// The repeated cursor of a cycle; `None` if the cursor is missing.
        cycle: Option<C>,
    },
    /// An error was reported. A retry requests this page.
    Failed {
        cursor: Option<C>,
        page: u64,
        retry: Retry,
        /// `true` if the cursor is not the next cursor of the previous page, so that cycle detection starts again.
        is_jump: bool,
    },
    Ended,
}

impl<C: Cursor> Pagination<C> {
    pub(super) fn new(
        numbering: Option<Numbering<C>>,
        policies: Policies,
        content: Option<Content>,
        first: Option<C>,
        page: u64,
    ) -> Self {
        let mut cycles = CycleDetector::new();
        cycles.reset(first.as_ref());
        let (on_empty, on_blank_cursor) = (policies.on_empty, policies.on_blank_cursor);
        let (on_cycle, _) = policies.on_repetition();
        let repeats = Repeats::new(policies, content);
        let state = State::Due(first);
        Self { numbering, on_empty, on_cycle, on_blank_cursor, cycles, repeats, state, page }
    }

    /// The position in the stream of the page that is due or requested, from 1.
    #[inline]
    pub(super) fn page(&self) -> u64 {
        self.page
    }

    /// The cursor of the page that is due, if that page has one.
    pub(super) fn due(&self) -> Option<&C> {
        match &self.state {
            State::Due(cursor) => cursor.as_ref(),
            _ => None,
        }
    }

    /// Takes the cursor of the page that is due. From now on, that page counts as requested.
    #[expect(clippy::option_option, reason = "a page may be due that has no cursor: the first one")]
    #[inline(always)]
    pub(super) fn start_request(&mut self) -> Option<Option<C>> {
        let State::Due(cursor) = &mut self.state else { return None };
        let cursor = cursor.take();
        self.state = State::Requested;
        Some(cursor)
    }

    #[inline(always)]
    pub(super) fn is_requested(&self) -> bool {
        matches!(self.state, State::Requested)
    }

    /// Compares the content of a page with that of earlier ones, before it is accepted. Returns the error to report in
    /// place of a page that repeats; a page that ends the stream becomes empty.
    ///
    /// `restarted`: the page is not the one after the previous page.
    #[inline(always)]
    pub(super) fn check_content<T, E>(
        &mut self,
        cursor: Option<&C>,
        page: &mut Page<T, C>,
        restarted: bool,
    ) -> Option<Error<E>> {
        if page.has_details() { self.compare_content(cursor, page, restarted) } else { None }
    }

    #[inline(never)]
    fn compare_content<T, E>(
        &mut self,
        cursor: Option<&C>,
        page: &mut Page<T, C>,
        restarted: bool,
    ) -> Option<Error<E>> {
        if restarted {
            self.repeats.reset();
        }
        // Empty pages are equal without being repetitions. `max_empty_pages` limits them.
        let content = page.item_fingerprint().filter(|_| !page.items.is_empty())?;
        let on_repeat = match self.repeats.check(content) {
            OnRepeat::Allow => self.repeats.check_head(page.head()),
            on_repeat => on_repeat,
        };
        match on_repeat {
            OnRepeat::Allow => {
                let items = page.compared_items()?;
                return self
                    .repeats
                    .overlaps(items)
                    .then(|| self.fail_repeated(cursor, ErrorKind::RepeatedItems));
            }
            OnRepeat::End => {
                emit_repeat(self.page, cursor, true);
                page.items.clear();
                page.has_more = Some(false);
                return None;
            }
            OnRepeat::Error => {}
        }
        Some(self.fail_repeated(cursor, ErrorKind::RepeatedPage))
    }

    #[cold]
    fn fail_repeated<E>(&mut self, cursor: Option<&C>, kind: ErrorKind<E>) -> Error<E> {
        emit_repeat(self.page, cursor, false);
        let retry = Retry::Repeated;
        self.state = State::Failed { cursor: cursor.cloned(), page: self.page, retry, is_jump: false };
        Error::new(self.page, cursor, kind)
    }

    /// Accepts a page that was requested with `cursor`, and takes its next cursor.
    ///
    /// `restarted`: the cursor is not the next cursor of the previous page.
    #[inline(always)]
    pub(super) fn page_received<T>(
        &mut self,
        cursor: Option<&C>,
        page: &mut Page<T, C>,
        restarted: bool,
    ) -> NextPage<C> {
        if restarted {
            self.cycles.reset(cursor);
            // Otherwise `check_content` has done so, before it recorded the page.
            if !page.has_details() {
                self.repeats.reset();
            }
        }
        let next = self.next_page(cursor, page);
        // The state is assigned in each arm: with `self.state = match ..`, the compiler would copy it on each page.
        match &next {
            NextPage::Cursor(next) => self.state = State::Due(Some(next.clone())),
            NextPage::End => self.state = State::Ended,
            NextPage::Cycle(next) => self.defer_error(cursor, Some(next)),
            NextPage::MissingCursor => self.defer_error(cursor, None),
        }
        self.page += 1;
        next
    }

    /// Accepts a page with items and a next cursor, and nothing else that matters to the stream, and returns that cursor.
    ///
    /// For any other page, changes nothing and returns `None`: it is one for `check_content` and `page_received`.
    #[inline(always)]
    pub(super) fn usual_page_received<T>(&mut self, page: &mut Page<T, C>) -> Option<C> {
        if page.items.is_empty() || page.total.is_some() || page.has_more.is_some() || page.has_details() {
            return None;
        }
        let next = page.next_cursor.as_ref().filter(|next| self.is_cursor(next))?;
        if !self.cycles.insert(next) {
            return None;
        }
        let next = page.next_cursor.take()?;
        self.state = State::Due(Some(next.clone()));
        self.page += 1;
        Some(next)
    }

    /// Keeps the error that follows the delivered page: the repeated cursor `cycle`, or a missing cursor.
    #[cold]
    fn defer_error(&mut self, cursor: Option<&C>, cycle: Option<&C>) {
        self.state = State::Deferred { cursor: cursor.cloned(), cycle: cycle.cloned() };
    }

    /// Finds the page after `page`. The most explicit statement wins: `has_more`, then `on_empty`, then a cursor.
    #[inline(always)]
    fn next_page<T>(&mut self, cursor: Option<&C>, page: &mut Page<T, C>) -> NextPage<C> {
        if page.has_more == Some(false) || self.ends_at(page) {
            return NextPage::End;
        }
        let reported = page.next_cursor.take().filter(|next| self.is_cursor(next));
        let next = match (reported, &self.numbering, cursor) {
            (Some(next), _, _) => next,
            (None, Some(numbering), Some(cursor)) => (numbering.advance)(cursor, page.items.len() as u64),
            (None, _, _) if page.has_more == Some(true) => return NextPage::MissingCursor,
            (None, _, _) => return NextPage::End,
        };
        if self.on_cycle == OnCycle::Allow || self.cycles.insert(&next) {
            return NextPage::Cursor(next);
        }
        match self.on_cycle {
            OnCycle::End => {
                emit_cycle(self.page, cursor, &next, true);
                NextPage::End
            }
            _ => NextPage::Cycle(next),
        }
    }

    /// Returns `false` if the API returned this cursor in place of none.
    #[inline]
    fn is_cursor(&self, next: &C) -> bool {
        !is_blank(next) || self.on_blank_cursor == OnBlankCursor::Continue
    }

    /// Returns `true` if the page is empty and thereby ends the stream.
    #[inline]
    fn ends_at<T>(&self, page: &Page<T, C>) -> bool {
        page.items.is_empty()
            && match self.on_empty {
                // Without its items, an unchanged page only seems empty.
                Some(OnEmpty::End) => !page.is_unmodified(),
                Some(OnEmpty::Continue) => false,
                None => {
                    let has_cursor = page.next_cursor.as_ref().is_some_and(|next| self.is_cursor(next));
                    self.numbering.is_some() && page.has_more != Some(true) && !has_cursor
                }
            }
    }

    /// Records that the page could not be fetched, last with `cursor`, and returns the error to report.
    #[cold]
    pub(super) fn fetch_failed<E>(
        &mut self,
        cursor: Option<C>,
        attempts: u32,
        source: E,
        restarted: bool,
        view: ErrorView<E>,
    ) -> Error<E> {
        let error = Error::fetch(self.page, cursor.as_ref(), attempts, source, view);
        let retry = Retry::Failed;
        self.state = State::Failed { cursor, page: self.page, retry, is_jump: restarted };
        error
    }

    /// Returns the error that follows the delivered page, if any. A second call returns `None`.
    #[cold]
    pub(super) fn report_deferred<E>(&mut self) -> Option<Error<E>> {
        let State::Deferred { cursor, cycle } = &mut self.state else { return None };
        // The error belongs to the delivered page, which `page_received` has counted already.
        let (cursor, page) = (cursor.take(), self.page - 1);
        if let Some(next) = cycle.take() {
            emit_cycle(page, cursor.as_ref(), &next, false);
            let kind = ErrorKind::CursorCycle { next_cursor: format_cursor(&next) };
            // A retry accepts the repeated cursor: cycle detection starts again from it.
            let retry = Retry::Next;
            self.state = State::Failed { cursor: Some(next), page: self.page, retry, is_jump: true };
            return Some(Error::new(page, cursor.as_ref(), kind));
        }
        let error = Error::new(page, cursor.as_ref(), ErrorKind::MissingCursor);
        self.state = State::Failed { cursor, page, retry: Retry::Delivered, is_jump: false };
        Some(error)
    }

    /// After an error, makes the page to retry due; `None` if no error was reported or nothing can be retried.
    pub(super) fn retry(&mut self) -> Option<Retry> {
        let State::Failed { cursor, page, retry, is_jump } = &mut self.state else { return None };
        let (cursor, retry) = (cursor.take(), *retry);
        if *is_jump {
            self.cycles.reset(cursor.as_ref());
        }
        // The pages from here on may have the content of earlier ones.
        if *is_jump || retry == Retry::Repeated {
            self.repeats.reset();
        }
        self.page = *page;
        self.state = State::Due(cursor);
        Some(retry)
    }

    pub(super) fn end(&mut self) {
        self.state = State::Ended;
    }
}

impl<T, C> Page<T, C> {
    /// Returns `true` if this page, given the next one, only marks the end.
    #[inline]
    pub(super) fn is_terminator(&self, next: &NextPage<C>) -> bool {
        self.items.is_empty() && matches!(next, NextPage::End)
    }
}

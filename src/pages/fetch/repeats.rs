use std::sync::Arc;

use super::cycle_detector::CycleDetector;
use crate::pages::fingerprint::{Content, Fingerprint};
use crate::pages::policy::{OnRepeat, Policies};

/// Detects pages whose content repeats that of earlier pages, by their fingerprints, in bounded memory.
pub(super) struct Repeats {
    on_repeat: OnRepeat,
    /// `false` if the stream removes duplicates, or allows them.
    compares_items: bool,
    /// The identities of the first items of the page before.
    head: Option<Fingerprint>,
    /// The items of the page before, if they are compared.
    previous: Arc<[Fingerprint]>,
    /// Created with the first fingerprint, because most pages have none.
    seen: Option<Box<CycleDetector<Fingerprint>>>,
}

impl Repeats {
    /// `content`: that of the page before the first one, if the stream resumes.
    pub(super) fn new(policies: Policies, content: Option<Content>) -> Self {
        let (_, on_repeat) = policies.on_repetition();
        let compares_items = !policies.removes_duplicates && on_repeat != OnRepeat::Allow;
        let mut repeats =
            Self { on_repeat, compares_items, seen: None, head: None, previous: Arc::default() };
        if let Some(Content { page, last_item }) = content {
            repeats.check(page);
            repeats.previous = last_item.into_iter().collect();
        }
        repeats
    }

    /// Compares the first items of a page with those of the page before, by their identities; returns the setting if they
    /// are the same, and `Allow` otherwise.
    pub(super) fn check_head(&mut self, head: Option<Fingerprint>) -> OnRepeat {
        let is_same = self.compares_items && head.is_some() && head == self.head;
        self.head = head;
        if is_same { self.on_repeat } else { OnRepeat::Allow }
    }

    /// Compares the items of a page with those of the page before; returns `true` if the page begins with the last of
    /// them. Otherwise, it records the page.
    pub(super) fn overlaps(&mut self, items: &Arc<[Fingerprint]>) -> bool {
        let begins_with =
            |rest: &[Fingerprint]| items.iter().zip(rest).all(|(item, earlier)| item == earlier);
        let first = items.first();
        let place = self.previous.iter().position(|item| Some(item) == first);
        if self.compares_items && place.is_some_and(|place| begins_with(&self.previous[place..])) {
            return true;
        }
        self.previous = Arc::clone(items);
        false
    }

    /// Records the content of a page; returns the setting if it was recorded before, and `Allow` otherwise.
    pub(super) fn check(&mut self, content: Fingerprint) -> OnRepeat {
        if self.on_repeat == OnRepeat::Allow {
            return OnRepeat::Allow;
        }
        let seen = self.seen.get_or_insert_with(|| Box::new(CycleDetector::new()));
        if seen.insert(&content) { OnRepeat::Allow } else { self.on_repeat }
    }

    /// Forgets the pages so far: the next one may have the content of any of them.
    pub(super) fn reset(&mut self) {
        self.seen = None;
        self.head = None;
        self.previous = Arc::default();
    }
}

use super::cycle_detector::CycleDetector;
use crate::pages::fingerprint::Fingerprint;
use crate::pages::policy::OnRepeat;

/// Detects pages whose content repeats that of earlier pages, by their fingerprints, in bounded memory.
pub(super) struct Repeats {
    on_repeat: OnRepeat,
    /// Created with the first fingerprint, because most pages have none.
    seen: Option<Box<CycleDetector<Fingerprint>>>,
}

impl Repeats {
    /// `content`: the fingerprint of the page before the first one, if the stream resumes.
    pub(super) fn new(on_repeat: OnRepeat, content: Option<Fingerprint>) -> Self {
        let mut repeats = Self { on_repeat, seen: None };
        if let Some(content) = content {
            repeats.check(content);
        }
        repeats
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
    }
}

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::CallbackError;
use crate::panic::drop_all;

pub(super) type Callback = Box<dyn FnOnce() -> Result<(), CallbackError>>;

/// The callbacks that have not been called: those in the queue, and those that wait for their time.
#[derive(Default)]
pub(super) struct Callbacks {
    next: u64,
    soon: HashMap<u64, Callback>,
    /// asyncio's `_scheduled`. Numbers rise, so that those of one time are called in the order in which they came.
    later: BTreeMap<(Instant, u64), Callback>,
}

impl Callbacks {
    pub(super) fn soon(&mut self, callback: Callback) -> u64 {
        self.next += 1;
        self.soon.insert(self.next, callback);
        self.next
    }

    pub(super) fn at(&mut self, when: Instant, callback: Callback) -> u64 {
        self.next += 1;
        self.later.insert((when, self.next), callback);
        self.next
    }

    /// The callback, if it has not been called or cancelled.
    pub(super) fn take(&mut self, call: u64, when: Option<Instant>) -> Option<Callback> {
        let later = when.and_then(|when| self.later.remove(&(when, call)));
        later.or_else(|| self.soon.remove(&call))
    }

    /// Of those whose time has come, the next; it is one to be called soon now.
    pub(super) fn due(&mut self, now: Instant) -> Option<u64> {
        let first = self.later.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, call), callback) = first.remove_entry();
        self.soon.insert(call, callback);
        Some(call)
    }

    /// Drops them; none of them keeps the others from it.
    pub(super) fn discard(self) {
        let mut soon: Vec<_> = self.soon.into_iter().collect();
        soon.sort_unstable_by_key(|(call, _)| *call);
        drop_all(soon.into_iter().map(|(_, callback)| callback).chain(self.later.into_values()));
    }

    /// The time of the first.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((when, _), _)| *when)
    }
}

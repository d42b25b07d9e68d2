use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::callback_error::CallbackError;
use crate::panic::drop_all;

pub(super) type Callback = Box<dyn FnOnce() -> Result<(), CallbackError>>;

/// The callbacks that have not been called yet, by number.
#[derive(Default)]
pub(super) struct Callbacks {
    /// The number of the latest callback.
    last_id: u64,
    /// The callbacks whose numbers are in the ready queue.
    ready: HashMap<u64, Callback>,
    /// The callbacks that are not due yet: asyncio's `_scheduled`. Numbers increase, so callbacks that are due at the
    /// same time are called in the order in which they were added.
    scheduled: BTreeMap<(Instant, u64), Callback>,
}

impl Callbacks {
    pub(super) fn add_ready(&mut self, callback: Callback) -> u64 {
        self.last_id += 1;
        self.ready.insert(self.last_id, callback);
        self.last_id
    }

    pub(super) fn schedule(&mut self, when: Instant, callback: Callback) -> u64 {
        self.last_id += 1;
        self.scheduled.insert((when, self.last_id), callback);
        self.last_id
    }

    /// Removes and returns a callback, unless it was called or cancelled.
    pub(super) fn take(&mut self, id: u64, when: Option<Instant>) -> Option<Callback> {
        let scheduled = when.and_then(|when| self.scheduled.remove(&(when, id)));
        // A scheduled callback that became due has moved to `ready`.
        scheduled.or_else(|| self.ready.remove(&id))
    }

    /// Moves the first callback that is due to `ready`, and returns its number for the ready queue.
    pub(super) fn make_next_ready(&mut self, now: Instant) -> Option<u64> {
        let first = self.scheduled.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, id), callback) = first.remove_entry();
        self.ready.insert(id, callback);
        Some(id)
    }

    /// Drops all callbacks, the ready ones first, each group in order.
    pub(super) fn drop_all(self) {
        let mut ready: Vec<_> = self.ready.into_iter().collect();
        ready.sort_unstable_by_key(|(id, _)| *id);
        drop_all(ready.into_iter().map(|(_, callback)| callback).chain(self.scheduled.into_values()));
    }

    /// The time at which the first scheduled callback is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.scheduled.first_key_value().map(|((when, _), _)| *when)
    }
}

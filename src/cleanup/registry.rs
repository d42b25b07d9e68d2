use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Id;
use tokio::sync::watch;

type Counts = HashMap<Id, Arc<watch::Sender<usize>>>;

/// How many cleanups each runtime has under way; none is not listed, so that what is listed is no more than what runs.
static COUNTS: LazyLock<Mutex<Counts>> = LazyLock::new(Mutex::default);

/// Nothing panics while they are locked, and nobody else's code runs: wakers are woken outside.
fn counts() -> MutexGuard<'static, Counts> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One cleanup under way, until it is dropped.
pub(super) struct Entry {
    runtime: Id,
    count: Arc<watch::Sender<usize>>,
}

impl Entry {
    pub(super) fn new(runtime: Id) -> Self {
        let mut counts = counts();
        let count = counts.entry(runtime).or_default();
        count.send_if_modified(|count| {
            *count += 1;
            false
        });
        Self { runtime, count: Arc::clone(count) }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.count.send_if_modified(|count| {
            *count -= 1;
            *count == 0
        });
        let mut counts = counts();
        // Another may have been added meanwhile, under the lock.
        if *self.count.borrow() == 0 {
            // Unless it is the next one's, made since.
            let is_ours = counts.get(&self.runtime).is_some_and(|count| Arc::ptr_eq(count, &self.count));
            if is_ours {
                counts.remove(&self.runtime);
            }
        }
    }
}

pub(super) fn count(runtime: Id) -> usize {
    counts().get(&runtime).map_or(0, |count| *count.borrow())
}

/// The count of a runtime that has cleanups under way.
pub(super) fn watch(runtime: Id) -> Option<watch::Receiver<usize>> {
    counts().get(&runtime).filter(|count| *count.borrow() > 0).map(|count| count.subscribe())
}

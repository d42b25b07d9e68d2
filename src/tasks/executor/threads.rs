use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle, ThreadId};

/// Those of an executor.
#[derive(Default)]
pub(super) struct Threads {
    started: Mutex<Started>,
    /// Held while some are joined. Not by the above: one that ends may look whether it is one of them.
    joining: Mutex<()>,
}

#[derive(Default)]
pub(super) struct Started {
    /// Those that nobody has joined.
    pub(super) handles: Vec<JoinHandle<()>>,
    pub(super) all: Vec<ThreadId>,
}

impl Threads {
    /// Nothing panics while they are locked.
    pub(super) fn started(&self) -> MutexGuard<'_, Started> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is called by one of them.
    pub(super) fn is_one_here(&self) -> bool {
        self.started().all.contains(&thread::current().id())
    }

    /// Blocks until they have ended, all but the one that calls it. Whoever calls it meanwhile waits for that as well; one of
    /// them does not, since it may be the one that is waited for.
    pub(super) fn join(&self) {
        let _joining = match self.joining.try_lock() {
            Err(TryLockError::WouldBlock) if self.is_one_here() => return,
            Err(TryLockError::WouldBlock) => self.joining.lock().unwrap_or_else(PoisonError::into_inner),
            Err(TryLockError::Poisoned(joining)) => joining.into_inner(),
            Ok(joining) => joining,
        };
        let here = thread::current().id();
        let is_here = |thread: &JoinHandle<()>| thread.thread().id() == here;
        let mut started = self.started();
        let (kept, others): (Vec<_>, Vec<_>) = started.handles.drain(..).partition(is_here);
        started.handles = kept;
        drop(started);
        for thread in others {
            // What jobs panic with is caught, so a thread of ours does not panic.
            drop(thread.join());
        }
    }
}

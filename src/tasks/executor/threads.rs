use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle, ThreadId};

/// The threads of an executor.
#[derive(Default)]
pub(super) struct Threads {
    started: Mutex<Started>,
    /// Held while threads are joined. It is separate from `started`, which a thread that is being joined may lock.
    joining: Mutex<()>,
}

#[derive(Default)]
pub(super) struct Started {
    /// The threads that have not been joined.
    pub(super) handles: Vec<JoinHandle<()>>,
    /// All threads that were started, including those that have been joined.
    pub(super) ids: Vec<ThreadId>,
}

impl Threads {
    /// Never poisoned: nothing panics while the threads are locked.
    pub(super) fn started(&self) -> MutexGuard<'_, Started> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if the calling thread is one of the executor's threads.
    pub(super) fn contains_current(&self) -> bool {
        self.started().ids.contains(&thread::current().id())
    }

    /// Blocks until all threads but the calling one have ended. Concurrent calls wait for each other. A call on a
    /// thread of the executor returns at once if another call is in progress: that call waits for this thread.
    pub(super) fn join(&self) {
        let _joining = match self.joining.try_lock() {
            Err(TryLockError::WouldBlock) if self.contains_current() => return,
            Err(TryLockError::WouldBlock) => self.joining.lock().unwrap_or_else(PoisonError::into_inner),
            Err(TryLockError::Poisoned(joining)) => joining.into_inner(),
            Ok(joining) => joining,
        };
        let current = thread::current().id();
        let is_current = |thread: &JoinHandle<()>| thread.thread().id() == current;
        let mut started = self.started();
        let (kept, others): (Vec<_>, Vec<_>) = started.handles.drain(..).partition(is_current);
        started.handles = kept;
        drop(started);
        for thread in others {
            // Never an error: panics of jobs are caught.
            drop(thread.join());
        }
    }
}

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};

use super::pool::Threads;
use super::queue::Queue;

/// A shutdown that has begun; see [`ThreadPoolExecutor::shutdown`](super::ThreadPoolExecutor::shutdown).
///
/// # Cancel safety
///
/// Awaited, it is cancel safe: it only waits.
pub struct Shutdown {
    queue: Arc<Queue>,
    threads: Arc<Mutex<Threads>>,
}

impl Shutdown {
    pub(super) fn new(queue: Arc<Queue>, threads: Arc<Mutex<Threads>>) -> Self {
        Self { queue, threads }
    }

    /// Cancels the jobs that no thread has begun; those that run come to their end.
    #[expect(
        clippy::must_use_candidate,
        reason = "it has cancelled; the value is there to wait for the rest"
    )]
    #[expect(clippy::return_self_not_must_use, reason = "as said above")]
    pub fn cancel_futures(self) -> Self {
        self.queue.cancel();
        self
    }

    /// Blocks the thread until all work is done, and all threads have ended.
    ///
    /// Called by a job, it does not wait for the thread that it is on; two jobs must not do so.
    pub fn wait(self) {
        let here = thread::current().id();
        let is_one_of_them = self.threads().all.contains(&here);
        self.queue.wait(usize::from(is_one_of_them));
        // Locked, so that whoever waits at the same time does so for them as well; but for a thread that may be joined.
        let mut threads = match self.threads.try_lock() {
            Err(TryLockError::WouldBlock) if is_one_of_them => return,
            Err(TryLockError::Poisoned(threads)) => threads.into_inner(),
            Err(TryLockError::WouldBlock) => self.threads(),
            Ok(threads) => threads,
        };
        let is_here = |thread: &JoinHandle<()>| thread.thread().id() == here;
        let (here, others) = threads.started.drain(..).partition(is_here);
        threads.started = here;
        for thread in others {
            // What jobs panic with is caught, so a thread of ours does not panic.
            drop(thread.join());
        }
    }

    /// Nothing panics while they are locked.
    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IntoFuture for Shutdown {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Waits until all work is done. The threads may be ending then: nothing waits for that but what blocks.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut workers = self.queue.workers();
            // An error is that of a sender which is gone, and the queue is ours.
            drop(workers.wait_for(|&workers| workers == 0).await);
        })
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("workers", &*self.queue.workers().borrow()).finish_non_exhaustive()
    }
}

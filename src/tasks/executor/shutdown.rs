use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::job_queue::JobQueue;
use super::threads::Threads;

/// A shutdown in progress, returned by [`ThreadPoolExecutor::shutdown`](super::ThreadPoolExecutor::shutdown).
///
/// Await the `Shutdown`, or call [`wait`](Self::wait), to wait until all jobs have completed. Dropping it does not undo
/// the shutdown.
///
/// # Cancel safety
///
/// Awaiting it is cancel safe: it only waits.
pub struct Shutdown {
    queue: Arc<JobQueue>,
    threads: Arc<Threads>,
}

impl Shutdown {
    pub(super) fn new(queue: Arc<JobQueue>, threads: Arc<Threads>) -> Self {
        Self { queue, threads }
    }

    /// Cancels the jobs that have not started. Running jobs continue.
    #[expect(
        clippy::must_use_candidate,
        reason = "the jobs are cancelled already; the value serves only to wait for the others"
    )]
    #[expect(clippy::return_self_not_must_use, reason = "as above")]
    pub fn cancel_futures(self) -> Self {
        self.queue.cancel_pending();
        self
    }

    /// Blocks until all jobs have completed and all threads have ended.
    ///
    /// A job may call `wait` on its own executor: it does not wait for its own thread. Two jobs must not call `wait` at
    /// the same time, because they would wait for each other.
    #[doc(alias = "join")]
    pub fn wait(self) {
        self.queue.wait_for_workers(usize::from(self.threads.contains_current()));
        self.threads.join();
    }
}

impl IntoFuture for Shutdown {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Waits until all jobs have completed. Unlike [`wait`](Self::wait), it does not join the threads, which may still
    /// be ending.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut workers = self.queue.workers();
            // Never an error: the sender belongs to the queue, which `self` keeps.
            drop(workers.wait_for(|&workers| workers == 0).await);
        })
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("workers", &*self.queue.workers().borrow()).finish_non_exhaustive()
    }
}

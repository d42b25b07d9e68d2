use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::queue::Queue;
use super::threads::Threads;

/// A shutdown that has begun; see [`ThreadPoolExecutor::shutdown`](super::ThreadPoolExecutor::shutdown).
///
/// # Cancel safety
///
/// Awaited, it is cancel safe: it only waits.
pub struct Shutdown {
    queue: Arc<Queue>,
    threads: Arc<Threads>,
}

impl Shutdown {
    pub(super) fn new(queue: Arc<Queue>, threads: Arc<Threads>) -> Self {
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
        self.queue.wait(usize::from(self.threads.is_one_here()));
        self.threads.join();
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

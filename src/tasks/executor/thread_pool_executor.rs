use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::queue::{Need, Queue};
use super::threads::Threads;
use super::{ExecutorError, Map, Shutdown};
use crate::context::{AsyncContextManager, AsyncGuard, ExitReason, Restart};
use crate::panic::{catch_panic, drop_all};
use crate::tasks::{Promise, TaskHandle};

/// Runs blocking work on a few threads of its own: PEP 3148's `ThreadPoolExecutor`.
///
/// Unlike tokio's [`spawn_blocking`](tokio::task::spawn_blocking), which is the better answer where one pool for all is
/// enough, it has a bound of its own, needs no runtime, and its jobs can be [cancelled](TaskHandle::cancel) while they wait.
/// Threads are started when they are needed, and wait for more work until the shutdown.
///
/// Dropped, it takes no more work, and does not wait: what was submitted is still done, as with Python's
/// `shutdown(wait=False)`, as long as the process goes on. When `main` returns, what has not been done by then never is:
/// there is nothing here that waits at the exit of the process, as Python does. `shutdown().wait()` does.
///
/// # Examples
///
/// ```
/// use withal::tasks::{Error, ThreadPoolExecutor};
///
/// # fn main() -> Result<(), withal::tasks::ExecutorError> {
/// let parsed = ThreadPoolExecutor::scope(2, |executor| {
///     let seven = executor.submit(|| "7".parse::<u32>())?;
///     let x = executor.submit(|| "x".parse::<u32>())?;
///     assert_eq!(seven.blocking_result(), Ok(&7));
///     assert!(matches!(x.blocking_result(), Err(Error::Raised(_))));
///     executor.map(["1", "2", "3"], str::parse::<u32>)
/// })??;
/// assert_eq!(parsed.collect::<Result<Vec<_>, _>>(), Ok(vec![1, 2, 3]));
/// # Ok(())
/// # }
/// ```
pub struct ThreadPoolExecutor {
    queue: Arc<Queue>,
    name: String,
    threads: Arc<Threads>,
}

impl ThreadPoolExecutor {
    /// At most so many threads.
    ///
    /// # Errors
    ///
    /// [`ExecutorError::NoWorkers`] for none.
    pub fn new(max_workers: usize) -> Result<Self, ExecutorError> {
        if max_workers == 0 {
            return Err(ExecutorError::NoWorkers);
        }
        Ok(Self::of(max_workers))
    }

    fn of(max_workers: usize) -> Self {
        /// For names.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        Self {
            queue: Arc::new(Queue::new(max_workers)),
            name: format!("ThreadPoolExecutor-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
            threads: Arc::default(),
        }
    }

    /// As many threads as Python has by default: four more than the machine has processors, and at most 32.
    #[must_use]
    pub fn with_default_workers() -> Self {
        let processors = thread::available_parallelism().map_or(1, Into::into);
        Self::of(processors.saturating_add(4).min(32))
    }

    /// What its threads are called, before a number: `thread_name_prefix`. NUL, which no thread's name may have in it, is
    /// left out.
    #[must_use]
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name = prefix.into().replace('\0', "");
        self
    }

    /// Runs `block` with an executor, and shuts that down afterwards, waiting for its work: Python's `with`.
    ///
    /// The shutdown comes also when the block panics. It blocks the thread: in a task, enter the executor by
    /// [`async_with!`](crate::async_with).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// When the block does.
    pub fn scope<R>(max_workers: usize, block: impl FnOnce(&Self) -> R) -> Result<R, ExecutorError> {
        let executor = Self::new(max_workers)?;
        let returned = catch_panic(|| block(&executor));
        executor.shutdown().wait();
        returned.or_else(|payload| std::panic::resume_unwind(payload))
    }

    /// Has a thread call `work`; what it returns, or panics with, comes through the future.
    ///
    /// Jobs begin in the order in which they were submitted.
    ///
    /// # Errors
    ///
    /// [`ExecutorError::Shutdown`] after the shutdown; [`ExecutorError::NoThread`] where there is no thread, and the
    /// operating system gives none.
    ///
    /// # Panics
    ///
    /// Never: a panic of the work is [`Error::Panicked`](crate::tasks::Error::Panicked) of the future.
    pub fn submit<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<TaskHandle<T, E>, ExecutorError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (mut promise, future) = Promise::new();
        let job = move || {
            if promise.set_running() {
                promise.complete(catch_panic(work));
            }
        };
        if self.queue.push(Box::new(job))? == Need::Worker {
            self.start_worker()?;
        }
        Ok(future)
    }

    /// Calls `work` with each item, several at once, and gives the results in the order of the items: `Executor.map`.
    ///
    /// All are submitted at once. What it returns is an iterator that blocks, and
    /// [`into_stream`](Map::into_stream) makes one to be awaited of it.
    ///
    /// # Errors
    ///
    /// [`ExecutorError::Shutdown`] after the shutdown; [`ExecutorError::NoThread`] where there is no thread, and the
    /// operating system gives none.
    pub fn map<I, F, T, E>(&self, items: I, work: F) -> Result<Map<T, E>, ExecutorError>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let work = Arc::new(work);
        let submit = |item| {
            let work = Arc::clone(&work);
            self.submit(move || work(item))
        };
        Ok(Map::new(items.into_iter().map(submit).collect::<Result<_, _>>()?))
    }

    /// Takes no more work from now on. What was submitted is done; the value that is returned is there to wait for that,
    /// or to cancel it.
    ///
    /// A second one does no harm. Python's arguments, one by one: [From Python](crate::from_python).
    #[expect(clippy::must_use_candidate, reason = "it has begun; the value is there to wait for its end")]
    pub fn shutdown(&self) -> Shutdown {
        self.queue.shut_down();
        Shutdown::new(Arc::clone(&self.queue), Arc::clone(&self.threads))
    }

    /// At the first job that finds no idle thread.
    fn start_worker(&self) -> Result<(), ExecutorError> {
        let mut threads = self.threads.started();
        let queue = Arc::clone(&self.queue);
        let name = format!("{}_{}", self.name, threads.all.len());
        match thread::Builder::new().name(name).spawn(move || queue.work()) {
            Ok(thread) => {
                threads.all.push(thread.thread().id());
                threads.handles.push(thread);
                Ok(())
            }
            // Whoever has threads does with those.
            Err(error) => {
                // What is woken then, and what the jobs hold, may use the executor.
                drop(threads);
                let jobs = self.queue.worker_failed();
                if jobs.is_empty() {
                    return Ok(());
                }
                drop_all(jobs);
                Err(ExecutorError::NoThread(error))
            }
        }
    }
}

/// The exit is the [`shutdown`](ThreadPoolExecutor::shutdown), awaited: all that was submitted is done, whichever way the
/// block was left.
impl AsyncContextManager for ThreadPoolExecutor {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for ThreadPoolExecutor {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    /// A second shutdown does no harm.
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    /// Without end: a thread cannot be interrupted.
    fn grace_period(&self) -> Duration {
        Duration::MAX
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.shutdown().await;
        Ok(())
    }
}

impl Default for ThreadPoolExecutor {
    fn default() -> Self {
        Self::with_default_workers()
    }
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        self.queue.shut_down();
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolExecutor")
            .field("name", &self.name)
            .field("max_workers", &self.queue.max_workers())
            .field("workers", &*self.queue.workers().borrow())
            .field("idle", &self.queue.idle())
            .finish_non_exhaustive()
    }
}

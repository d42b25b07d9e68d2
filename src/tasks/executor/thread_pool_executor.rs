use std::convert::Infallible;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::error::ExecutorError;
use super::job_queue::{JobQueue, Pushed};
use super::map::Map;
use super::shutdown::Shutdown;
use super::threads::Threads;
use crate::context::{AsyncContextManager, AsyncGuard, ExitReason, Restart};
use crate::panic::{catch_panic, drop_all};
use crate::tasks::promise::Promise;
use crate::tasks::task_handle::TaskHandle;
use crate::tasks::unretrieved::Unretrieved;

/// A pool of threads that run blocking work: PEP 3148's `ThreadPoolExecutor`.
///
/// Threads are started when jobs need them, and wait for more jobs until the executor is shut down.
///
/// Dropping the executor shuts it down without waiting, like Python's `shutdown(wait=False)`: it accepts no more jobs,
/// but jobs that were submitted still run. Unlike in Python, the process does not wait for them: a job that has not
/// completed when `main` returns never completes. Call [`shutdown().wait()`](Shutdown::wait) to wait for all jobs.
///
/// # Choosing
///
/// Prefer tokio's [`spawn_blocking`](tokio::task::spawn_blocking) if one pool for the whole program is enough. This
/// executor has its own limit of threads, needs no runtime, and its jobs can be [cancelled](TaskHandle::cancel) before
/// they start.
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
#[doc(alias = "thread pool")]
#[doc(alias = "thread_pool")]
#[doc(alias = "threadpool")]
#[doc(alias = "rayon")]
#[doc(alias = "spawn_blocking")]
#[doc(alias = "blocking")]
#[doc(alias = "worker")]
pub struct ThreadPoolExecutor {
    queue: Arc<JobQueue>,
    name: String,
    threads: Arc<Threads>,
}

impl ThreadPoolExecutor {
    /// Creates an executor with at most `max_workers` threads.
    ///
    /// # Errors
    ///
    /// Returns [`ExecutorError::NoWorkers`] if `max_workers` is zero.
    pub fn new(max_workers: usize) -> Result<Self, ExecutorError> {
        if max_workers == 0 {
            return Err(ExecutorError::NoWorkers);
        }
        Ok(Self::with_workers(max_workers))
    }

    fn with_workers(max_workers: usize) -> Self {
        /// Numbers the executors, for the names of their threads. `Relaxed` suffices: the numbers only have to differ,
        /// and publish no other data.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        Self {
            queue: Arc::new(JobQueue::new(max_workers)),
            name: format!("ThreadPoolExecutor-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
            threads: Arc::default(),
        }
    }

    /// Creates an executor with Python's default number of threads: the number of processors plus 4, but at most 32.
    #[must_use]
    pub fn with_default_workers() -> Self {
        let processors = thread::available_parallelism().map_or(1, Into::into);
        Self::with_workers(processors.saturating_add(4).min(32))
    }

    /// Sets the prefix of the names of the threads, to which each name adds `_` and a number. NUL characters are
    /// removed, because thread names cannot contain them.
    #[must_use]
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name = prefix.into().replace('\0', "");
        self
    }

    /// Calls `block` with a new executor, then shuts the executor down and waits until all its jobs have completed:
    /// Python's `with`.
    ///
    /// The executor is also shut down if `block` panics. `scope` blocks the thread. In a task, enter the executor by
    /// [`async_with!`](crate::async_with) instead.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// Panics if `block` panics.
    #[doc(alias = "with")]
    pub fn scope<R>(max_workers: usize, block: impl FnOnce(&Self) -> R) -> Result<R, ExecutorError> {
        let executor = Self::new(max_workers)?;
        // A panic of the block continues only after all jobs have completed.
        let returned = catch_panic(|| block(&executor));
        executor.shutdown().wait();
        returned.or_else(|payload| resume_unwind(payload))
    }

    /// Submits `work` to be called on a thread of the executor, and returns a handle to its result.
    ///
    /// Jobs start in the order in which they were submitted. If `work` panics, the handle returns
    /// [`Error::Panicked`](crate::tasks::Error::Panicked).
    ///
    /// # Errors
    ///
    /// - [`ExecutorError::Shutdown`] if the executor was shut down.
    /// - [`ExecutorError::NoThread`] if the executor has no thread, and the operating system refuses to start one.
    #[doc(alias = "execute")]
    #[doc(alias = "spawn")]
    #[doc(alias = "spawn_blocking")]
    #[track_caller]
    pub fn submit<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<TaskHandle<T, E>, ExecutorError>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
    {
        self.submit_job(work, Unretrieved::here())
    }

    fn submit_job<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
        unretrieved: Unretrieved<E>,
    ) -> Result<TaskHandle<T, E>, ExecutorError>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
    {
        let (mut promise, handle) = Promise::for_job(unretrieved);
        let job = move || {
            // A job that was cancelled in the queue does not start.
            if promise.set_running() {
                promise.complete_with_output(catch_panic(work));
            }
        };
        if self.queue.push(Box::new(job))? == Pushed::SpawnWorker {
            self.spawn_worker()?;
        }
        Ok(handle)
    }

    /// Calls `work` with each item on the threads of the executor, and returns the results in the order of the items:
    /// Python's `Executor.map`.
    ///
    /// All jobs are submitted at once. The returned iterator blocks; [`into_stream`](Map::into_stream) turns it into a
    /// stream.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`submit`](Self::submit).
    #[doc(alias = "par_iter")]
    #[doc(alias = "parallel")]
    #[track_caller]
    pub fn map<I, F, T, E>(&self, items: I, work: F) -> Result<Map<T, E>, ExecutorError>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
    {
        let work = Arc::new(work);
        let unretrieved = Unretrieved::here();
        let submit = |item| {
            let work = Arc::clone(&work);
            self.submit_job(move || work(item), unretrieved)
        };
        Ok(Map::new(items.into_iter().map(submit).collect::<Result<_, _>>()?))
    }

    /// Shuts the executor down: it accepts no more jobs, but jobs that were submitted still run. Use the returned
    /// [`Shutdown`] to wait for them, or to cancel those that have not started.
    ///
    /// A second shutdown has no further effect. [From Python](crate::from_python) lists the equivalents of the
    /// arguments of Python's `shutdown`.
    #[expect(
        clippy::must_use_candidate,
        reason = "the shutdown has taken effect; the value serves to wait for its end"
    )]
    #[doc(alias = "graceful shutdown")]
    pub fn shutdown(&self) -> Shutdown {
        self.queue.shut_down();
        Shutdown::new(Arc::clone(&self.queue), Arc::clone(&self.threads))
    }

    /// Starts a thread that the queue has counted.
    fn spawn_worker(&self) -> Result<(), ExecutorError> {
        // Locked until the thread is recorded: a job on it may call `contains_current` at once.
        let mut threads = self.threads.started();
        let queue = Arc::clone(&self.queue);
        let name = format!("{}_{}", self.name, threads.ids.len());
        match thread::Builder::new().name(name).spawn(move || queue.run_worker()) {
            Ok(thread) => {
                threads.ids.push(thread.thread().id());
                threads.handles.push(thread);
                Ok(())
            }
            Err(error) => {
                // Unlock first: below, wakers are called and jobs are dropped, and both may use the executor.
                drop(threads);
                let jobs = self.queue.worker_failed();
                if jobs.is_empty() {
                    // Other threads will run the jobs.
                    return Ok(());
                }
                drop_all(jobs);
                Err(ExecutorError::NoThread(error))
            }
        }
    }
}

/// The exit awaits the [`shutdown`](ThreadPoolExecutor::shutdown). However the block ends, all submitted jobs have
/// completed after it.
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
    /// A second shutdown has no further effect.
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    /// Unlimited: a running job cannot be interrupted.
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

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::timeout;

use super::backoff::Backoff;
use super::claim::Claim;
use super::engine::Engine;
use super::error::Error;
use super::report::Report;
use super::settings::{ClaimSettings, MIN_INTERVAL, error_text};
use super::work::Work;
use super::worker::{Claimer, answer};
use crate::as_error::AsError;
use crate::context::{self, SendAsyncFnOnce, async_with};
use crate::tasks::TaskGroup;

/// A future that stops a run.
type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The time that a run which was stopped waits for the progress.
const PROGRESS_TIME: Duration = Duration::from_secs(1);

/// The workers of one process: they claim partitions until all are finished.
///
/// Run the same program several times, on one machine or several: the processes share the work through the storage of their
/// engines.
///
/// # Defaults
///
/// | | default | set by |
/// |---|---|---|
/// | workers, each with one claim at a time | 1 | [`workers`](Self::workers) |
/// | lease time | 30 seconds | the engine |
/// | time between renewals | a third of the lease time | [`renew_every`](Self::renew_every) |
/// | attempts of a partition | 5 | [`attempts`](Self::attempts) |
/// | delay before a retry | from 1 second, doubling, to 5 minutes, with jitter | [`backoff`](Self::backoff) |
/// | pause before the next call of [`Engine::claim`] while no partition is free | from 50 milliseconds, doubling, to 1 second, with jitter | [`max_idle`](Self::max_idle) |
/// | crashes of a partition, in addition to its attempts, before it is set aside | 20 | [`max_crashes`](Self::max_crashes) |
/// | outage of the engine before the run fails | 1 minute | [`max_outage`](Self::max_outage) |
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use withal::fleet::{Engine, Fleet, MemoryEngine};
/// use withal::pages::{AsyncGetDocs, by_cursor};
///
/// fn items(partition: &str) -> AsyncGetDocs<String, u32, std::io::Error> {
///     let partition = partition.to_owned();
///     by_cursor(move |cursor: Option<u32>| {
///         let page = cursor.unwrap_or(1); // your request goes here
///         let items = vec![format!("{partition}.{page}")];
///         async move { Ok((items, (page < 3).then_some(page + 1))) }
///     })
/// }
///
/// let engine = MemoryEngine::new();
/// engine.add(["a", "b"]).await?;
/// let report = Fleet::new(engine.clone())
///     .workers(4)
///     .run(async |work| work.drive(items(work.partition())).await)
///     .await?;
/// assert_eq!(report.finished, 2);
/// assert_eq!(engine.items("b"), ["b.1", "b.2", "b.3"]);
/// # Ok(())
/// # }
/// ```
#[doc(alias("worker_pool", "queue", "consumer"))]
pub struct Fleet<E> {
    pub(super) engine: Arc<E>,
    workers: usize,
    settings: ClaimSettings,
    claimer: Claimer,
    /// Behind a mutex, so that the fleet is `Sync`.
    stop: Mutex<Option<Stop>>,
}

impl<E: Engine> Fleet<E> {
    /// Creates a fleet with one worker, and the defaults [above](Self#defaults).
    #[must_use]
    pub fn new(engine: E) -> Self {
        Self {
            engine: Arc::new(engine),
            workers: 1,
            settings: ClaimSettings::default(),
            claimer: Claimer::default(),
            stop: Mutex::new(None),
        }
    }

    /// Sets the number of workers of this process, which is the number of partitions that it works on at the same time. The
    /// default is 1. 0 counts as 1.
    #[doc(alias = "concurrency")]
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// Sets the number of [attempts](super::Partition::attempt) after which a partition is set aside. The default is 5. Each
    /// commit restarts the count. 0 counts as 1.
    #[doc(alias = "retries")]
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// Sets the delay before a partition that has failed can be claimed again: `min` after the first attempt, doubled after
    /// each further one, up to `max`. The defaults are 1 second and 5 minutes. The actual delay is random, from half of that
    /// value to all of it.
    #[must_use]
    pub fn backoff(mut self, min: Duration, max: Duration) -> Self {
        self.settings.backoff = Backoff::new(min, max);
        self
    }

    /// Sets the time between renewals. The default is a third of the engine's [lease time](Engine::lease_time). It should be
    /// less than half of that. An interval of less than 1 millisecond counts as 1 millisecond.
    #[must_use]
    pub fn renew_every(mut self, interval: Duration) -> Self {
        self.settings.renew_every = Some(interval);
        self
    }

    /// Sets the longest pause before the next call of [`Engine::claim`] while no partition is free. The default is 1 second.
    ///
    /// Workers of this process wake each other when they release a partition. If a worker of another process releases one, the
    /// idle workers of this process notice it after at most this pause. A pause of less than 1 millisecond counts as 1
    /// millisecond.
    #[doc(alias = "poll_interval")]
    #[must_use]
    pub fn max_idle(mut self, pause: Duration) -> Self {
        self.claimer.max_idle = pause.max(MIN_INTERVAL);
        self
    }

    /// Sets the number of claims without a commit, in addition to the [`attempts`](Self::attempts), after which a partition
    /// is set aside even if no worker has reported a failure. The default is 20. It limits the claims of a partition that
    /// crashes its workers, for example because it exhausts the memory.
    #[must_use]
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.claimer.max_crashes = crashes;
        self
    }

    /// Sets the time for which calls of the engine to claim a partition may fail before [`run`](Self::run) and
    /// [`claim`](Self::claim) return the error. The default is 1 minute.
    #[must_use]
    pub fn max_outage(mut self, outage: Duration) -> Self {
        self.claimer.max_outage = outage;
        self
    }

    /// Sets a future that stops [`run`](Self::run) when it completes, for example one that waits for SIGTERM. The workers are
    /// dropped, and their partitions are released, so that another process can continue them at once. Without it, a run ends
    /// only when all partitions are finished or set aside.
    #[doc(alias("shutdown", "graceful shutdown", "ctrl_c", "with_graceful_shutdown"))]
    #[must_use]
    pub fn stop_when(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Mutex::new(Some(Box::pin(stop)));
        self
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Claims a partition, and waits while none is free. Returns `None` when all partitions are finished or set aside.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] or [`Error::NoAnswer`] if the engine fails for longer than [`max_outage`](Self::max_outage).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped while the engine claims a partition, the call completes as a
    /// [cleanup](crate::cleanup), and the partition is released again.
    pub async fn claim(&self) -> Result<Option<Claim<E>>, Error<E::Error>> {
        self.claimer.next_claim(&self.engine, &self.settings).await
    }

    /// Runs `work` for each partition that this process claims, on as many partitions at once as there are
    /// [workers](Self::workers), until all partitions are finished or set aside and none has an owner. Partitions may be added
    /// meanwhile, even by `work` after its last commit: the workers of all processes wait until it returns. It should add them
    /// before that commit, though, because the commit finishes its own partition: if the process is killed afterwards, the
    /// partition is not claimed again, and the others are not added.
    ///
    /// If `work` returns `Ok`, the partition is finished. If it returns an error or panics, the partition is claimed again
    /// after a delay, and set aside after the last attempt. If the lease is lost, the future of `work` is dropped at its next
    /// await, and another worker continues the partition.
    ///
    /// `work` is an async closure or function. It is cloned for each partition, so its captures must be `Clone`, as an `Arc`
    /// is.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] or [`Error::NoAnswer`] if the engine fails for longer than [`max_outage`](Self::max_outage). The
    /// failure of a partition is not an error of the run: see [`Report::progress`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the workers are dropped, and their partitions are released by [cleanups](crate::cleanup), so
    /// that another process can continue them.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a tokio runtime.
    pub async fn run<F, X, K>(self, work: F) -> Result<Report, Error<E::Error>>
    where
        F: AsyncFnOnce(&mut Work<E>) -> Result<(), X>
            + for<'a> SendAsyncFnOnce<&'a mut Work<E>, Result<(), X>>
            + Clone
            + Send
            + 'static,
        X: AsError<K> + Send + 'static,
    {
        // The futures of some clients are large.
        Box::pin(self.run_workers(work)).await
    }

    async fn run_workers<F, X, K>(self, work: F) -> Result<Report, Error<E::Error>>
    where
        F: for<'a> SendAsyncFnOnce<&'a mut Work<E>, Result<(), X>> + Clone + Send + 'static,
        X: AsError<K> + Send + 'static,
    {
        let Self { engine, workers, mut settings, claimer, stop } = self;
        settings.error_text = error_text::<X, K>;
        let claimer = Arc::new(claimer);
        let stop = stop.into_inner().unwrap_or_else(PoisonError::into_inner);
        let stop = stop.unwrap_or_else(|| Box::pin(pending()));
        let body = async |group: &mut TaskGroup<Error<E::Error>>| {
            let workers: Vec<_> = (0..workers)
                .map(|_| {
                    let (engine, claimer) = (Arc::clone(&engine), Arc::clone(&claimer));
                    let (settings, work) = (settings.clone(), work.clone());
                    group.create_task(async move { claimer.run_worker(engine, settings, work).await })
                })
                .collect();
            let end = async {
                for worker in workers {
                    // An error of a worker is that of the group.
                    drop(worker.await);
                }
            };
            let is_stopped = matches!(select(pin!(end), stop).await, Either::Right(_));
            if is_stopped {
                group.cancel();
            }
            Ok::<_, Infallible>(is_stopped)
        };
        let is_stopped = match async_with(TaskGroup::with_sources(), body).await {
            Ok(is_stopped) => is_stopped,
            Err(context::Error::Enter(errors) | context::Error::Exit { error: errors, .. }) => {
                return Err(first_error(errors.into_errors()));
            }
            Err(context::Error::Block(never)) => match never {},
        };
        let progress = if is_stopped {
            timeout(PROGRESS_TIME, engine.progress()).await.ok().and_then(Result::ok)
        } else {
            Some(claimer.retry(|| answer(engine.progress())).await?)
        };
        let counts = *settings.counts();
        Ok(Report {
            finished: counts.finished,
            failed: counts.failed,
            lost: counts.lost,
            is_stopped,
            progress,
        })
    }
}

fn first_error<E: StdError + 'static>(errors: Vec<Error<E>>) -> Error<E> {
    errors.into_iter().next().expect("a group fails with at least one error")
}

impl<E> fmt::Debug for Fleet<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("workers", &self.workers)
            .field("settings", &self.settings)
            .field("claimer", &self.claimer)
            .finish_non_exhaustive()
    }
}

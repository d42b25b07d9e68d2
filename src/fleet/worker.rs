use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::claim::Claim;
use super::engine::{Claimed, Engine};
use super::error::Error;
use super::settings::ClaimSettings;
use super::work::Work;
use crate::context::{SendAsyncFnOnce, async_with_send};
use crate::panic::{catch_unwind, drop_payload};
use crate::tasks::shield;

/// The first pause after a claim or another call has failed, or has found no free partition.
const MIN_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause while the engine fails.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The timeout of a call. A connection may hang after a failure of the network.
const MAX_ANSWER: Duration = Duration::from_secs(30);

/// The time for which a call to claim may continue after its worker was dropped. After that, the lease expires.
const CANCELLED_CLAIM: Duration = Duration::from_secs(5);

/// Claims partitions for the workers of a process.
#[derive(Debug)]
pub(super) struct Claimer {
    pub(super) max_idle: Duration,
    pub(super) max_crashes: u32,
    pub(super) max_outage: Duration,
    /// Locked by the worker that waits for a partition on behalf of all idle workers.
    idle: Mutex<()>,
    /// Notified when a worker of this process has released a partition.
    released: Notify,
}

impl Default for Claimer {
    fn default() -> Self {
        Self {
            max_idle: Duration::from_secs(1),
            max_crashes: 20,
            max_outage: Duration::from_secs(60),
            idle: Mutex::new(()),
            released: Notify::new(),
        }
    }
}

impl Claimer {
    /// Calls `work` for each partition that this worker claims, until all are finished or set aside.
    pub(super) async fn run_worker<E, F, X>(
        &self,
        engine: Arc<E>,
        settings: ClaimSettings,
        work: F,
    ) -> Result<(), Error<E::Error>>
    where
        E: Engine,
        F: for<'a> SendAsyncFnOnce<&'a mut Work<E>, Result<(), X>> + Clone + Send + 'static,
        X: Send + 'static,
    {
        loop {
            // Before the claim, because it may panic.
            let body = work.clone();
            let Some(claim) = self.next_claim(&engine, &settings).await? else { break };
            // The exit releases the partition, and counts the outcome.
            match catch_unwind(async_with_send(claim, body)).await {
                Ok(result) => drop(result),
                Err(payload) => drop_payload(payload),
            }
            self.released.notify_one();
        }
        // The other idle workers find that all partitions are finished, too.
        self.released.notify_one();
        Ok(())
    }

    /// Claims a partition, and waits while none is free. Returns `None` when all are finished or set aside.
    pub(super) async fn next_claim<E: Engine>(
        &self,
        engine: &Arc<E>,
        settings: &ClaimSettings,
    ) -> Result<Option<Claim<E>>, Error<E::Error>> {
        let mut pauses = Backoff::new(MIN_PAUSE.min(self.max_idle), self.max_idle);
        let mut idle = None;
        loop {
            let claimed = self.retry(|| claim(Arc::clone(engine), settings.clone())).await?;
            match claimed {
                Next::Claim(claim)
                    if claim.attempt() <= settings.attempts.saturating_add(self.max_crashes) =>
                {
                    return Ok(Some(claim));
                }
                Next::Claim(claim) => {
                    let attempts = claim.attempt() - 1;
                    let error =
                        format!("{attempts} claims ended without a commit, and the last without a release");
                    // If this fails, the lease expires, and the next claim tries again.
                    drop(answer(claim.set_aside(error)).await);
                }
                Next::Finished => return Ok(None),
                // The first worker that finds no partition waits on behalf of all. The others queue for the lock.
                Next::NotYet(_) if idle.is_none() => idle = Some(self.idle.lock().await),
                Next::NotYet(hint) => {
                    let pause = pauses.next().min(hint.max(Duration::from_millis(1)));
                    // A partition was released, or the time has elapsed: claim again in both cases.
                    drop(timeout(pause, self.released.notified()).await);
                }
            }
        }
    }

    /// Calls the engine until it succeeds, or has failed for too long.
    pub(super) async fn retry<T, E, R>(&self, mut call: impl FnMut() -> R) -> Result<T, Error<E>>
    where
        E: std::error::Error + 'static,
        R: Future<Output = Result<T, Error<E>>>,
    {
        let mut pauses = Backoff::new(MIN_PAUSE, MAX_PAUSE);
        let started = Instant::now();
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if started.elapsed() >= self.max_outage {
                return Err(error);
            }
            sleep(pauses.next()).await;
        }
    }
}

/// The result of a claim.
#[expect(clippy::large_enum_variant, reason = "it is matched at once, and not stored")]
enum Next<E: Engine> {
    Claim(Claim<E>),
    NotYet(Duration),
    Finished,
}

/// Claims a partition. If the future is dropped, the call completes as a cleanup, and the partition is released.
async fn claim<E: Engine>(engine: Arc<E>, settings: ClaimSettings) -> Result<Next<E>, Error<E::Error>> {
    let claim = async move {
        let asked = Instant::now();
        Ok(match answer(engine.claim()).await? {
            Claimed::Partition(partition) => Next::Claim(Claim::new(engine, partition, asked, settings)),
            Claimed::NotYet(hint) => Next::NotYet(hint),
            Claimed::Finished => Next::Finished,
        })
    };
    shield(claim).grace_period(CANCELLED_CLAIM).await
}

/// Awaits the answer to a call of the engine.
pub(super) async fn answer<T, E: std::error::Error + 'static>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, Error<E>> {
    match timeout(MAX_ANSWER, call).await {
        Ok(result) => result.map_err(Error::Engine),
        Err(_) => Err(Error::NoAnswer),
    }
}

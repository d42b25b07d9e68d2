use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::engine::{Engine, Outcome, Ownership};
use super::error::Error;
use super::lease_clock::LeaseClock;
use super::settings::{ClaimSettings, describe_payload, is_failed};
use super::work::Work;
use crate::context::{AsyncGuard, Detach, ExitReason};
use crate::error_text::with_sources;

/// The time for which a release is retried, if the engine fails.
const RELEASE_TIME: Duration = Duration::from_secs(5);

/// The guard of an entered [`Claim`](super::Claim), whose exit releases the partition.
pub struct Lease<E: Engine> {
    engine: Arc<E>,
    work: Work<E>,
    clock: Arc<LeaseClock>,
    settings: ClaimSettings,
}

impl<E: Engine> Lease<E> {
    pub(super) fn new(
        engine: Arc<E>,
        work: Work<E>,
        clock: Arc<LeaseClock>,
        settings: ClaimSettings,
    ) -> Self {
        Self { engine, work, clock, settings }
    }

    /// Releases the partition. If the engine fails, the release is retried for up to 5 seconds. After that, the lease expires.
    async fn release(&self, outcome: &Outcome) -> Result<Ownership, Error<E::Error>> {
        let end = self.clock.deadline().min(Instant::now() + RELEASE_TIME);
        let mut pause = Duration::from_millis(50);
        let mut is_uncertain = false;
        loop {
            let release = self.engine.release(self.work.token(), outcome.clone());
            match timeout_at(end, Box::pin(release)).await {
                // The lease has not expired, so the claim was ended by the attempt whose response was lost.
                Ok(Ok(Ownership::Fenced)) if is_uncertain => return Ok(Ownership::Owned),
                Ok(Ok(ownership)) => return Ok(ownership),
                Ok(Err(error)) if Instant::now() + pause >= end => return Err(Error::Engine(error)),
                Ok(Err(_)) => {
                    is_uncertain = true;
                    sleep(pause).await;
                }
                // The engine does not answer.
                Err(_) => return Err(self.work.lease_lost()),
            }
            pause *= 2;
        }
    }
}

impl<E: Engine> AsyncGuard for Lease<E> {
    type Target = Work<E>;
    type Error = Error<E::Error>;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Work<E> {
        &mut self.work
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Error<E::Error>> {
        let mut failure = None;
        let outcome = match exit {
            ExitReason::Ok => Outcome::Done,
            ExitReason::Error(error) => {
                self.settings.failed(self.work.attempt(), self.settings.describe(error))
            }
            ExitReason::Panic(payload) => {
                self.settings.failed(self.work.attempt(), describe_payload(payload))
            }
            ExitReason::Cancelled => Outcome::Continue,
        };
        let outcome = if outcome == Outcome::Done {
            // The block may have dropped the future of its last commit.
            match self.work.settle().await {
                Ok(()) => Outcome::Done,
                Err(error) => {
                    let outcome = self.settings.failed(self.work.attempt(), with_sources(&error));
                    failure = Some(error);
                    outcome
                }
            }
        } else {
            outcome
        };
        // The error of a block that has failed comes first; otherwise, the exit fails.
        let is_block_failed = failure.is_none() && is_failed(&outcome);
        let released =
            if self.clock.lose_if_expired() { Ok(Ownership::Fenced) } else { self.release(&outcome).await };
        self.settings.counts().count(&outcome, &released);
        match (failure, released) {
            (Some(error), _) | (None, Err(error)) => Err(error),
            (None, Ok(Ownership::Fenced)) if !is_block_failed => Err(self.work.lease_lost()),
            (None, Ok(_)) => Ok(()),
        }
    }
}

impl<E: Engine> fmt::Debug for Lease<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("work", &self.work).finish_non_exhaustive()
    }
}

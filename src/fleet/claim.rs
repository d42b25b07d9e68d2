use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::engine::{Engine, Outcome, Partition};
use super::error::Error;
use super::lease::Lease;
use super::lease_clock::LeaseClock;
use super::renewal::keep_renewed;
use super::settings::{ClaimSettings, MIN_INTERVAL};
use super::work::Work;
use crate::cleanup::Cleanup;
use crate::context::{AsyncContextManager, interrupt_when};

/// A claim, as an async context manager: the block works on the partition, and the exit releases it.
///
/// [`Fleet::claim`](super::Fleet::claim) returns a claim. [`Fleet::run`](super::Fleet::run) claims and enters for you. Enter
/// a claim yourself if the work does not fit into a function.
///
/// | the block | the exit |
/// |---|---|
/// | completes | releases the partition as [finished](Outcome::Done) |
/// | fails or panics | releases it to be [retried](Outcome::Retry) after a delay, or [sets it aside](Outcome::SetAside) after the last attempt |
/// | is dropped | releases it to be [continued](Outcome::Continue) at once |
/// | is interrupted because the lease is lost | fails with [`Error::LeaseLost`] |
///
/// While the block awaits, its task renews the lease. A block that blocks its thread for most of the lease time loses the
/// lease.
///
/// If a claim is dropped before it is entered, a [cleanup](crate::cleanup) releases the partition to be continued.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use withal::context::async_with;
/// use withal::fleet::{Engine, Fleet, MemoryEngine};
/// use withal::pages::Checkpoint;
///
/// let engine = MemoryEngine::<String, u32>::new();
/// engine.add(["a", "b"]).await?;
/// let fleet = Fleet::new(engine.clone());
/// while let Some(claim) = fleet.claim().await? {
///     async_with!(work = claim => {
///         let item = format!("an item of {}", work.partition());
///         work.commit([item], Checkpoint::new(Some(1), 0)).await?;
///     })?;
/// }
/// assert_eq!(engine.items("b"), ["an item of b"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a claim that is not entered is released again"]
pub struct Claim<E: Engine>(Option<Claimed<E>>);

struct Claimed<E: Engine> {
    engine: Arc<E>,
    partition: Partition<E::Token, E::Cursor>,
    /// The time before the request was sent.
    asked: Instant,
    settings: ClaimSettings,
}

impl<E: Engine> Claim<E> {
    pub(super) fn new(
        engine: Arc<E>,
        partition: Partition<E::Token, E::Cursor>,
        asked: Instant,
        settings: ClaimSettings,
    ) -> Self {
        Self(Some(Claimed { engine, partition, asked, settings }))
    }

    fn partition_ref(&self) -> Option<&Partition<E::Token, E::Cursor>> {
        self.0.as_ref().map(|claimed| &claimed.partition)
    }

    /// Returns the name of the partition.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.partition_ref().map_or("", |partition| &partition.name)
    }

    pub(super) fn attempt(&self) -> u32 {
        self.partition_ref().map_or(1, |partition| partition.attempt)
    }

    /// Sets the partition aside, without another attempt.
    pub(super) async fn set_aside(mut self, error: String) -> Result<(), E::Error> {
        let Some(Claimed { engine, partition, .. }) = self.0.take() else { return Ok(()) };
        engine.release(&partition.token, Outcome::SetAside { error }).await.map(drop)
    }
}

impl<E: Engine> AsyncContextManager for Claim<E> {
    type Guard = Lease<E>;

    async fn aenter(mut self) -> Result<Lease<E>, Error<E::Error>> {
        let claimed = self.0.as_ref().expect("a claim is entered once");
        let clock = Arc::new(LeaseClock::new(claimed.engine.lease_time(), claimed.asked));
        let every = claimed.settings.renew_every.unwrap_or(clock.lease_time() / 3).max(MIN_INTERVAL);
        let (engine, token) = (Arc::clone(&claimed.engine), claimed.partition.token.clone());
        interrupt_when(keep_renewed(engine, token, Arc::clone(&clock), every))?;
        // From here on, the lease releases the partition.
        let Claimed { engine, partition, settings, .. } = self.0.take().expect("a claim is entered once");
        let work = Work::new(Arc::clone(&engine), partition, Arc::clone(&clock));
        Ok(Lease::new(engine, work, clock, settings))
    }
}

impl<E: Engine> Drop for Claim<E> {
    fn drop(&mut self) {
        let Some(Claimed { engine, partition, .. }) = self.0.take() else { return };
        let release = async move { engine.release(&partition.token, Outcome::Continue).await.map(drop) };
        Cleanup::new(release).name("release of a claim").detach();
    }
}

impl<E: Engine> fmt::Debug for Claim<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("partition", &self.partition())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

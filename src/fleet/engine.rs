use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::progress::Progress;
use crate::pages::{Checkpoint, Cursor};

/// The lease time of an engine that does not choose one.
pub(crate) const DEFAULT_LEASE_TIME: Duration = Duration::from_secs(30);

/// The storage of a fleet: the partitions with their leases and checkpoints, and the items.
///
/// All workers of a fleet, on all machines, use the same storage, each through an engine of its own. An engine maps the
/// methods to what its storage has: a transaction, a compare-and-set, a work queue.
///
/// # Contract
///
/// - A partition has one *owner* at a time: the last claim. A claim ends when it is released, or when the
///   [lease time](Self::lease_time) has passed since the claim, its last [`renew`](Self::renew) or its last
///   [`commit`](Self::commit), and another claim has taken the partition. The end is final: a token of a claim that has
///   ended is [fenced](Ownership::Fenced) in every method and changes nothing.
/// - [`commit`](Self::commit) stores the items and the checkpoint, both or neither.
/// - A partition whose checkpoint [is done](Checkpoint::is_done), or that was released as [`Done`](Outcome::Done), is
///   finished. No later call can change that.
/// - A method may return an error after it had its effect, because the connection broke. After an error of `commit`, the
///   caller uses [`read`](Self::read) to find out which.
///
/// # Cancel safety
///
/// If the future of a method is dropped, the call may have had its effect or may have it later. The types of this section
/// handle that: they do not drop a `claim`, they `read` after a `commit`, and they release the partition again.
pub trait Engine: Send + Sync + 'static {
    /// The items. They are shared, because a commit may be repeated.
    type Item: Send + Sync + 'static;
    /// The cursors of the checkpoints.
    type Cursor: Cursor + Sync;
    /// The fence: identifies one claim of a partition. A commit may change it.
    type Token: Clone + Send + Sync + 'static;
    /// The error of the engine's client.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Returns the lease time: a claim that is not renewed for this long can be claimed by another worker. The default is
    /// 30 seconds.
    fn lease_time(&self) -> Duration {
        DEFAULT_LEASE_TIME
    }

    /// Adds partitions. Those that exist are kept as they are. Partitions can be added while the fleet runs.
    fn add(&self, partitions: Vec<String>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Claims a partition that is not finished and not set aside, and that has no owner and waits for no retry, or whose
    /// lease has expired.
    fn claim(&self) -> impl Future<Output = Result<ClaimedOf<Self>, Self::Error>> + Send;

    /// Stores items and the checkpoint after them, both or neither, and renews the lease. Fenced, and without effect, if the
    /// claim has ended, or if the stored checkpoint is not the one that the token has seen last: another attempt of the same
    /// commit may have had its effect.
    fn commit(
        &self,
        token: &mut Self::Token,
        items: Arc<[Self::Item]>,
        checkpoint: &Checkpoint<Self::Cursor>,
    ) -> impl Future<Output = Result<Ownership, Self::Error>> + Send;

    /// Returns the stored checkpoint, after a commit has failed, and updates the token so that it can commit again. `None`
    /// if the claim has ended.
    fn read(
        &self,
        token: &mut Self::Token,
    ) -> impl Future<Output = Result<Option<Checkpoint<Self::Cursor>>, Self::Error>> + Send;

    /// Extends the lease to the lease time from now. It runs beside commits, with the token as it was claimed.
    fn renew(&self, token: &Self::Token) -> impl Future<Output = Result<Ownership, Self::Error>> + Send;

    /// Ends the claim.
    fn release(
        &self,
        token: &Self::Token,
        outcome: Outcome,
    ) -> impl Future<Output = Result<Ownership, Self::Error>> + Send;

    /// Returns the progress of the whole fleet.
    fn progress(&self) -> impl Future<Output = Result<Progress, Self::Error>> + Send;
}

/// The result of [`Engine::claim`].
pub type ClaimedOf<E> = Claimed<<E as Engine>::Token, <E as Engine>::Cursor>;

/// The result of [`Engine::claim`].
#[derive(Debug, Clone)]
pub enum Claimed<T, C> {
    /// A partition, which belongs to the caller from now on.
    Partition(Partition<T, C>),
    /// Every partition that is not finished has an owner or waits for a retry. The next one may be free after this time,
    /// if its owner does not renew its lease. Ask earlier: an owner may release its partition at any time.
    NotYet(Duration),
    /// All partitions are finished or set aside, or there is none.
    Finished,
}

/// A partition that was claimed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Partition<T, C> {
    /// The name.
    pub name: String,
    /// The fence of this claim.
    pub token: T,
    /// The position after the last items that were committed.
    pub checkpoint: Checkpoint<C>,
    /// The number of this attempt to get past the checkpoint, from 1. A commit sets it back to 1: it counts the claims
    /// since then, and the claim of the commit, without those that were released with [`Outcome::Continue`].
    pub attempt: u32,
}

impl<T, C> Partition<T, C> {
    /// Creates a partition, for an [`Engine`].
    pub fn new(name: impl Into<String>, token: T, checkpoint: Checkpoint<C>, attempt: u32) -> Self {
        Self { name: name.into(), token, checkpoint, attempt }
    }
}

/// The owner of a partition, as an [`Engine`] has found it.
///
/// It is not an error of the engine: after an error, the call may be repeated, but a worker that was fenced must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a worker that was fenced must stop"]
pub enum Ownership {
    /// The claim is valid, and the call had its effect.
    Owned,
    /// The claim has ended, and the call had no effect.
    Fenced,
}

impl Ownership {
    /// Returns [`Owned`](Self::Owned) if `is_owned` is `true`: for example, because a statement has changed a row.
    pub fn owned_if(is_owned: bool) -> Self {
        if is_owned { Self::Owned } else { Self::Fenced }
    }

    /// Returns `true` for [`Owned`](Self::Owned).
    #[must_use]
    pub fn is_owned(self) -> bool {
        self == Self::Owned
    }
}

/// The end of a claim, for [`Engine::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The partition is finished.
    Done,
    /// Another claim is to continue the partition at once. This claim does not count as an [attempt](Partition::attempt).
    Continue,
    /// The attempt has failed. The partition can be claimed again after a delay.
    Retry {
        /// The delay.
        after: Duration,
        /// The text of the error.
        error: String,
    },
    /// The last attempt has failed. The partition is set aside, and is not claimed again.
    SetAside {
        /// The text of the error.
        error: String,
    },
}

impl fmt::Display for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owned => "owned",
            Self::Fenced => "fenced",
        })
    }
}

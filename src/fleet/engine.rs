use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::fleet_progress::FleetProgress;
use crate::pages::{Checkpoint, Cursor};

/// The lease time of an engine that does not choose one.
pub(crate) const DEFAULT_LEASE_TIME: Duration = Duration::from_secs(30);

/// A client of the storage of a fleet: of the partitions, with their leases and checkpoints, and of the items.
///
/// All processes of a fleet, on all machines, use the same storage, each through an engine of its own. An engine maps the
/// methods to the means of its storage, such as a transaction, a compare-and-set or a work queue.
///
/// # Contract
///
/// - A partition has at most one *owner* at a time: the worker with the last claim. A claim ends when it is released, or
///   when its lease has expired and the partition is claimed again. The lease expires when the
///   [lease time](Self::lease_time) has passed since the claim, its last [`renew`](Self::renew) and its last
///   [`commit`](Self::commit). The end is final: a call with the token of a claim that has ended is
///   [fenced](Ownership::Fenced), and changes nothing.
/// - [`commit`](Self::commit) stores the items and the checkpoint, both or neither.
/// - A partition whose stored checkpoint [is done](Checkpoint::is_done), or that was released as [`Done`](Outcome::Done),
///   is finished. No later call can change that.
///
/// # Errors
///
/// Each method returns an error if the storage fails or does not answer. The call may have had its effect, for example if
/// the connection broke before the response arrived. After an error of `commit`, the caller uses [`read`](Self::read) to
/// find out whether the commit was stored.
///
/// # Cancel safety
///
/// If the future of a method is dropped, the call may have had its effect or may have it later. The types of this module
/// handle that: they complete a `claim` that was begun, they `read` after a `commit`, and they release the partition again.
pub trait Engine: Send + Sync + 'static {
    /// The type of the items. A commit takes them in an `Arc`, because it may be repeated.
    type Item: Send + Sync + 'static;
    /// The type of the cursors in the checkpoints.
    type Cursor: Cursor + Sync;
    /// The type of the tokens, each of which identifies one claim of a partition. `commit` and `read` may change it.
    type Token: Clone + Send + Sync + 'static;
    /// The type of the errors.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Returns the lease time: a partition whose claim is not renewed for this long can be claimed by another worker. The
    /// default is 30 seconds.
    fn lease_time(&self) -> Duration {
        DEFAULT_LEASE_TIME
    }

    /// Adds partitions by name, even while the fleet runs. Existing partitions remain unchanged.
    ///
    /// The names are any iterator of texts, such as `["a", "b"]`. The method calls [`add_partitions`](Self::add_partitions), which
    /// an engine implements.
    ///
    /// # Errors
    ///
    /// If the storage does not accept a name, the error names the partition, and no partition has been added. If the storage
    /// fails, some may have been added: repeat the call to add the others.
    fn add(
        &self,
        partitions: impl IntoIterator<Item = impl Into<String>>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.add_partitions(partitions.into_iter().map(Into::into).collect())
    }

    /// Adds partitions, for [`add`](Self::add), which documents the contract.
    fn add_partitions(&self, partitions: Vec<String>)
    -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Frees all partitions that were set aside, resets the number of their attempts, and returns the number of partitions. A
    /// worker that claims one continues from its checkpoint. Call this method when the cause of the failures is removed.
    ///
    /// Workers leave when all partitions are finished or set aside, so a fleet may have to be started again.
    ///
    /// # Errors
    ///
    /// If the storage fails, some of the partitions may be free: repeat the call to free the others.
    fn retry_set_aside(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Claims a partition that is neither finished nor set aside. The partition has no owner and does not wait for a retry,
    /// or its lease has expired.
    fn claim(&self) -> impl Future<Output = Result<ClaimedOf<Self>, Self::Error>> + Send;

    /// Stores items and the checkpoint after them, both or neither, and renews the lease.
    ///
    /// The call is fenced if the claim has ended, and if another commit was stored since the last `claim`, `commit` or `read`
    /// with this token: for example, an earlier attempt of the same commit, whose response was lost.
    fn commit(
        &self,
        token: &mut Self::Token,
        items: Arc<[Self::Item]>,
        checkpoint: &Checkpoint<Self::Cursor>,
    ) -> impl Future<Output = Result<Ownership, Self::Error>> + Send;

    /// Returns the stored checkpoint, and updates the token so that it can commit again; `None` if the claim has ended.
    ///
    /// It is called after a commit has failed. An earlier commit that arrives afterwards must be fenced.
    fn read(
        &self,
        token: &mut Self::Token,
    ) -> impl Future<Output = Result<Option<Checkpoint<Self::Cursor>>, Self::Error>> + Send;

    /// Renews the lease, which then expires after the lease time from now. The call may run concurrently with commits, and
    /// has the token that `claim` has returned.
    fn renew(&self, token: &Self::Token) -> impl Future<Output = Result<Ownership, Self::Error>> + Send;

    /// Releases the partition, with the outcome of the claim. If the partition is finished already, it remains so.
    fn release(
        &self,
        token: &Self::Token,
        outcome: Outcome,
    ) -> impl Future<Output = Result<Ownership, Self::Error>> + Send;

    /// Returns the progress of the whole fleet.
    fn progress(&self) -> impl Future<Output = Result<FleetProgress, Self::Error>> + Send;
}

/// The [`Claimed`] of an engine.
pub type ClaimedOf<E> = Claimed<<E as Engine>::Token, <E as Engine>::Cursor>;

/// The result of [`Engine::claim`].
#[derive(Debug, Clone)]
pub enum Claimed<T, C> {
    /// A partition, which the caller owns from now on.
    Partition(Partition<T, C>),
    /// No partition is free: each one that is neither finished nor set aside has an owner or waits for a retry, or the owner of
    /// a finished one may still add partitions. The duration is an estimate of the time until a partition is free, or a
    /// finished one has no owner, if its owner does not renew the lease. Callers should claim again earlier, because an owner
    /// may release its partition at any time.
    NotYet(Duration),
    /// All partitions are finished or set aside and none has an owner, or there are none.
    Finished,
}

/// A partition that was claimed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Partition<T, C> {
    /// The name of the partition.
    pub name: String,
    /// The token of this claim.
    pub token: T,
    /// The stored checkpoint: the position after the last commit.
    pub checkpoint: Checkpoint<C>,
    /// The number of this attempt to advance from the checkpoint, from 1.
    ///
    /// Each claim adds one, and a release with [`Outcome::Continue`] subtracts one. A commit sets the number to 1, the attempt
    /// of its own claim.
    pub attempt: u32,
}

impl<T, C> Partition<T, C> {
    /// Creates a partition, for an [`Engine`].
    pub fn new(name: impl Into<String>, token: T, checkpoint: Checkpoint<C>, attempt: u32) -> Self {
        Self { name: name.into(), token, checkpoint, attempt }
    }
}

/// The result of a call of an [`Engine`] with the token of a claim.
///
/// It is not an error of the engine, because a caller may retry after an error, but a worker that was fenced must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a worker that was fenced must stop"]
pub enum Ownership {
    /// The claim is valid, and the call had its effect.
    Owned,
    /// The claim has ended, and the call had no effect.
    Fenced,
}

impl Ownership {
    /// Returns [`Owned`](Self::Owned) if `is_owned` is `true`, and [`Fenced`](Self::Fenced) otherwise.
    pub fn owned_if(is_owned: bool) -> Self {
        if is_owned { Self::Owned } else { Self::Fenced }
    }

    /// Returns `true` if the call was not fenced.
    #[must_use]
    pub fn is_owned(self) -> bool {
        self == Self::Owned
    }
}

/// The outcome of a claim, for [`Engine::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The partition is finished.
    Done,
    /// The partition can be claimed again at once. This claim does not count as an [attempt](Partition::attempt).
    Continue,
    /// The attempt has failed. The partition can be claimed again after a delay.
    Retry {
        /// The delay before the partition can be claimed again.
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

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::engine::{Claimed, ClaimedOf, DEFAULT_LEASE_TIME, Engine, Outcome, Ownership, Partition};
use super::fleet_progress::{FleetProgress, SetAside};
use super::later::later;
use crate::pages::{Checkpoint, Cursor};

/// An [`Engine`] in memory, for tests and simulations. Its clones share their storage.
///
/// Leases expire by tokio's clock, which tests can pause. The storage is lost when the last clone is dropped.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// use withal::fleet::{Claimed, Engine, MemoryEngine, Outcome};
/// use withal::pages::Checkpoint;
///
/// let engine = MemoryEngine::<&str, u32>::new();
/// engine.add(["a"]).await?;
/// let Claimed::Partition(mut claim) = engine.claim().await? else { panic!("the partition is free") };
/// assert!(engine.commit(&mut claim.token, ["x", "y"].into(), &Checkpoint::new(Some(2), 0)).await?.is_owned());
/// assert!(engine.release(&claim.token, Outcome::Done).await?.is_owned());
/// assert_eq!(engine.items("a"), ["x", "y"]);
/// assert!(matches!(engine.claim().await?, Claimed::Finished));
/// # Ok(())
/// # }
/// ```
pub struct MemoryEngine<T, C> {
    storage: Arc<Mutex<Storage<T, C>>>,
    lease_time: Duration,
}

struct Storage<T, C> {
    rows: BTreeMap<Arc<str>, Row<T, C>>,
    /// The partitions that can be claimed now or later, by the earliest time of their next claim.
    queue: BTreeSet<(Instant, Arc<str>)>,
    /// The finished partitions that have an owner, by the end of its lease.
    ending: BTreeSet<(Instant, Arc<str>)>,
}

/// The token of a claim of a [`MemoryEngine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryToken {
    partition: Arc<str>,
    /// The number of claims of the partition.
    epoch: u64,
    /// The number of commits that this claim has seen.
    commits: u64,
}

struct Row<T, C> {
    epoch: u64,
    commits: u64,
    state: State,
    checkpoint: Checkpoint<C>,
    is_done: bool,
    attempt: u32,
    items: Vec<Arc<[T]>>,
}

/// The state of a partition. A partition that is finished may still have an owner.
enum State {
    /// Free from this time.
    Free(Instant),
    /// Owned by the claim of the current epoch. The lease expires at this time.
    Leased(Instant),
    SetAside(String),
    Finished,
}

impl<T, C> MemoryEngine<T, C> {
    /// Creates an engine without partitions.
    #[must_use]
    pub fn new() -> Self {
        let storage = Storage { rows: BTreeMap::new(), queue: BTreeSet::new(), ending: BTreeSet::new() };
        Self { storage: Arc::new(Mutex::new(storage)), lease_time: DEFAULT_LEASE_TIME }
    }

    /// Sets the lease time of the claims of this engine. The default is 30 seconds.
    #[must_use]
    pub fn with_lease_time(mut self, lease_time: Duration) -> Self {
        self.lease_time = lease_time;
        self
    }

    /// Returns the committed items of a partition, in order. If the partition does not exist, there are none.
    #[must_use]
    pub fn items(&self, partition: &str) -> Vec<T>
    where
        T: Clone,
    {
        let storage = self.lock();
        let pages = storage.rows.get(partition).map(|row| &row.items);
        pages.into_iter().flatten().flat_map(|page| page.iter().cloned()).collect()
    }

    /// Returns the stored checkpoint of a partition; `None` if the partition does not exist.
    #[must_use]
    pub fn checkpoint(&self, partition: &str) -> Option<Checkpoint<C>>
    where
        C: Cursor,
    {
        self.lock().rows.get(partition).map(|row| row.checkpoint.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Storage<T, C>> {
        self.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, C> Row<T, C> {
    fn owned_by(&self, token: &MemoryToken) -> bool {
        self.epoch == token.epoch && matches!(self.state, State::Leased(_))
    }

    /// Returns the earliest time of the next claim of the partition, if it can be claimed.
    fn claimable_from(&self) -> Option<Instant> {
        match self.state {
            State::Free(at) | State::Leased(at) if !self.is_done => Some(at),
            _ => None,
        }
    }

    /// Returns the end of the lease, if the partition is finished and has an owner.
    fn ends_at(&self) -> Option<Instant> {
        match self.state {
            State::Leased(at) if self.is_done => Some(at),
            _ => None,
        }
    }
}

impl<T, C> Storage<T, C> {
    /// Changes a row, and updates the queues.
    fn update<R>(&mut self, name: &Arc<str>, f: impl FnOnce(&mut Row<T, C>) -> R) -> Option<R> {
        let row = self.rows.get_mut(name)?;
        let before = (row.claimable_from(), row.ends_at());
        let result = f(row);
        let after = (row.claimable_from(), row.ends_at());
        let queues = [(&mut self.queue, before.0, after.0), (&mut self.ending, before.1, after.1)];
        for (queue, before, after) in queues {
            if before != after {
                if let Some(before) = before {
                    queue.remove(&(before, Arc::clone(name)));
                }
                queue.extend(after.map(|after| (after, Arc::clone(name))));
            }
        }
        Some(result)
    }
}

impl<T: Send + Sync + 'static, C: Cursor + Sync> MemoryEngine<T, C> {
    /// Calls `f` with the row of a claim that has not ended.
    fn with_owned<R>(&self, token: &MemoryToken, f: impl FnOnce(&mut Row<T, C>) -> R) -> Option<R> {
        self.lock().update(&token.partition, |row| row.owned_by(token).then(|| f(row)))?
    }

    fn add_now(&self, partitions: Vec<String>) {
        let now = Instant::now();
        let mut storage = self.lock();
        for name in partitions {
            let name: Arc<str> = name.into();
            if storage.rows.contains_key(&name) {
                continue;
            }
            let row = Row {
                epoch: 0,
                commits: 0,
                state: State::Free(now),
                checkpoint: Checkpoint::default(),
                is_done: false,
                attempt: 0,
                items: Vec::new(),
            };
            storage.rows.insert(Arc::clone(&name), row);
            storage.queue.insert((now, name));
        }
    }

    /// Claims the partition that has been free for the longest time.
    fn claim_now(&self) -> ClaimedOf<Self> {
        let now = Instant::now();
        let mut storage = self.lock();
        let Some((free, name)) = storage.queue.first().cloned() else {
            // Without renewals, an owner that was lost is in the set until its lease has expired.
            let last = storage.ending.last().map_or(now, |(end, _)| *end);
            return if last > now { Claimed::NotYet(last - now) } else { Claimed::Finished };
        };
        if free > now {
            return Claimed::NotYet(free - now);
        }
        let claimed = storage.update(&name, |row| {
            row.epoch += 1;
            row.attempt = row.attempt.saturating_add(1);
            row.state = State::Leased(later(now, self.lease_time));
            let token = MemoryToken { partition: Arc::clone(&name), epoch: row.epoch, commits: row.commits };
            Claimed::Partition(Partition::new(&*name, token, row.checkpoint.clone(), row.attempt))
        });
        claimed.expect("a partition of the queue has a row")
    }

    fn retry_set_aside_now(&self) -> u64 {
        let now = Instant::now();
        let mut storage = self.lock();
        let is_aside = |row: &Row<T, C>| matches!(row.state, State::SetAside(_));
        let aside = storage.rows.iter().filter(|(_, row)| is_aside(row));
        let names: Vec<_> = aside.map(|(name, _)| Arc::clone(name)).collect();
        for name in &names {
            storage.update(name, |row| (row.state, row.attempt) = (State::Free(now), 0));
        }
        names.len() as u64
    }

    fn progress_now(&self) -> FleetProgress {
        let now = Instant::now();
        let mut progress = FleetProgress::default();
        for (name, row) in &self.lock().rows {
            progress.items += row.items.iter().map(|page| page.len() as u64).sum::<u64>();
            match &row.state {
                _ if row.is_done => progress.done += 1,
                State::Finished => {}
                State::Free(at) if *at > now => progress.waiting += 1,
                State::Leased(until) if *until > now => progress.leased += 1,
                State::Free(_) | State::Leased(_) => progress.pending += 1,
                State::SetAside(error) => progress.set_aside.push(SetAside::new(&**name, error)),
            }
        }
        progress
    }
}

impl<T: Send + Sync + 'static, C: Cursor + Sync> Engine for MemoryEngine<T, C> {
    type Item = T;
    type Cursor = C;
    type Token = MemoryToken;
    type Error = Infallible;

    fn lease_time(&self) -> Duration {
        self.lease_time
    }

    fn add_partitions(&self, partitions: Vec<String>) -> impl Future<Output = Result<(), Infallible>> + Send {
        self.add_now(partitions);
        ready(Ok(()))
    }

    fn retry_set_aside(&self) -> impl Future<Output = Result<u64, Infallible>> + Send {
        ready(Ok(self.retry_set_aside_now()))
    }

    fn claim(&self) -> impl Future<Output = Result<ClaimedOf<Self>, Infallible>> + Send {
        ready(Ok(self.claim_now()))
    }

    async fn commit(
        &self,
        token: &mut MemoryToken,
        items: Arc<[T]>,
        checkpoint: &Checkpoint<C>,
    ) -> Result<Ownership, Infallible> {
        let until = later(Instant::now(), self.lease_time);
        let is_owned = self.with_owned(token, |row| {
            if row.commits != token.commits || row.is_done {
                return false;
            }
            row.commits += 1;
            row.checkpoint = checkpoint.clone();
            row.is_done = checkpoint.is_done();
            row.attempt = 1;
            row.items.push(items);
            row.state = State::Leased(until);
            true
        });
        token.commits += u64::from(is_owned == Some(true));
        Ok(Ownership::owned_if(is_owned == Some(true)))
    }

    async fn read(&self, token: &mut MemoryToken) -> Result<Option<Checkpoint<C>>, Infallible> {
        let stored = self.with_owned(token, |row| (row.commits, row.checkpoint.clone()));
        Ok(stored.map(|(commits, checkpoint)| {
            token.commits = commits;
            checkpoint
        }))
    }

    async fn renew(&self, token: &MemoryToken) -> Result<Ownership, Infallible> {
        let until = later(Instant::now(), self.lease_time);
        let renewed = self.with_owned(token, |row| row.state = State::Leased(until));
        Ok(Ownership::owned_if(renewed.is_some()))
    }

    async fn release(&self, token: &MemoryToken, outcome: Outcome) -> Result<Ownership, Infallible> {
        let now = Instant::now();
        let released = self.with_owned(token, |row| {
            row.state = match if row.is_done { Outcome::Done } else { outcome } {
                Outcome::Done => State::Finished,
                Outcome::Continue => {
                    row.attempt = row.attempt.saturating_sub(1);
                    State::Free(now)
                }
                Outcome::Retry { after, .. } => State::Free(later(now, after)),
                Outcome::SetAside { error } => State::SetAside(error),
            };
            row.is_done |= matches!(row.state, State::Finished);
        });
        Ok(Ownership::owned_if(released.is_some()))
    }

    fn progress(&self) -> impl Future<Output = Result<FleetProgress, Infallible>> + Send {
        ready(Ok(self.progress_now()))
    }
}

impl<T, C> Default for MemoryEngine<T, C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, C> Clone for MemoryEngine<T, C> {
    fn clone(&self) -> Self {
        Self { storage: Arc::clone(&self.storage), lease_time: self.lease_time }
    }
}

impl<T, C> fmt::Debug for MemoryEngine<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partitions = self.lock().rows.len();
        f.debug_struct("MemoryEngine")
            .field("partitions", &partitions)
            .field("lease_time", &self.lease_time)
            .finish_non_exhaustive()
    }
}

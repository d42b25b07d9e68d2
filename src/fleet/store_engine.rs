use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoint_json::checkpoint_to_json;
use super::engine::{Claimed, ClaimedOf, DEFAULT_LEASE_TIME, Engine, Outcome, Ownership, Partition};
use super::fleet_progress::{FleetProgress, SetAside};
use super::store::Store;
use crate::pages::{Checkpoint, Cursor};

/// An [`Engine`] on a [`Store`] of your own. Rows and items are stored as JSON.
///
/// A claim reads all rows, and replaces one. A commit, a renewal and a release read a row and replace it, which takes two
/// round trips, and are repeated if the row has changed in between.
///
/// [An engine of your own](super::your_engine) has an example.
pub struct StoreEngine<S, T, C> {
    store: S,
    lease_time: Duration,
    types: PhantomData<fn() -> (T, C)>,
}

/// The token of a claim of a [`StoreEngine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreToken<C> {
    partition: String,
    epoch: u64,
    /// The checkpoint that this claim has seen last.
    checkpoint: Checkpoint<C>,
}

/// The error of a [`StoreEngine`]. `E` is the error of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError<E: StdError + 'static> {
    /// The store has failed.
    #[error("the store of the fleet failed")]
    Store(#[source] E),
    /// A row is missing, or was not written by this engine.
    #[error(
        "the row of partition {partition:?} is missing or has another format: use a separate store for each fleet"
    )]
    #[non_exhaustive]
    Row {
        /// The name of the partition.
        partition: String,
        /// The error of the format; `None` if the row is missing.
        source: Option<serde_json::Error>,
    },
    /// An item or a checkpoint cannot be serialized as JSON, or JSON changes the checkpoint.
    #[error("an item or a checkpoint cannot be serialized as JSON")]
    Serialize(#[source] serde_json::Error),
}

/// The state of a partition.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "C: Serialize", deserialize = "C: Deserialize<'de>"))]
struct Row<C> {
    /// The number of claims and releases. A claim of an earlier epoch has ended.
    epoch: u64,
    state: State,
    /// The number of the attempt, as in [`Partition`].
    attempt: u32,
    items: u64,
    checkpoint: Checkpoint<C>,
}

#[derive(Serialize, Deserialize)]
enum State {
    /// Free from this time on, in milliseconds.
    Free(u64),
    /// Has an owner, whose lease expires at this time.
    Leased(u64),
    /// Finished, with an owner, which may still add partitions until its lease expires.
    Ending(u64),
    Done,
    SetAside(String),
}

impl<S: Store, T, C> StoreEngine<S, T, C> {
    /// Creates an engine on a store, which must contain nothing else.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, lease_time: DEFAULT_LEASE_TIME, types: PhantomData }
    }

    /// Sets the lease time of the claims of this engine. The default is 30 seconds.
    #[must_use]
    pub fn with_lease_time(mut self, lease_time: Duration) -> Self {
        self.lease_time = lease_time;
        self
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    async fn after(&self, time: Duration) -> Result<u64, StoreError<S::Error>> {
        let now = self.store.now().await.map_err(StoreError::Store)?;
        Ok(now.saturating_add(millis(time)))
    }
}

impl<S: Store, T, C: Cursor + Sync + Serialize + DeserializeOwned> StoreEngine<S, T, C> {
    /// Returns the row of a claim, and its text; `None` if the claim has ended.
    async fn owned(&self, token: &StoreToken<C>) -> Result<Option<(String, Row<C>)>, StoreError<S::Error>> {
        let text = self.store.row(&token.partition).await.map_err(StoreError::Store)?;
        let text =
            text.ok_or_else(|| StoreError::Row { partition: token.partition.clone(), source: None })?;
        let row: Row<C> = parse(&token.partition, &text)?;
        Ok((row.epoch == token.epoch).then_some((text, row)))
    }

    /// Changes the row of a claim and appends items, unless the claim has ended or `change` returns `false`.
    async fn change(
        &self,
        token: &StoreToken<C>,
        items: &[String],
        mut change: impl FnMut(&mut Row<C>) -> bool + Send,
    ) -> Result<Ownership, StoreError<S::Error>> {
        loop {
            let Some((old, mut row)) = self.owned(token).await? else { return Ok(Ownership::Fenced) };
            if !change(&mut row) {
                return Ok(Ownership::Fenced);
            }
            // If it is not replaced, a concurrent renewal or another claim was faster.
            if self.replace(&token.partition, Some(&old), &row, items.to_vec()).await? {
                return Ok(Ownership::Owned);
            }
        }
    }

    async fn replace(
        &self,
        partition: &str,
        old: Option<&str>,
        new: &Row<C>,
        items: Vec<String>,
    ) -> Result<bool, StoreError<S::Error>> {
        let new = serde_json::to_string(new).map_err(StoreError::Serialize)?;
        self.store.replace(partition, old, &new, items).await.map_err(StoreError::Store)
    }

    async fn rows(&self) -> Result<Vec<(String, String, Row<C>)>, StoreError<S::Error>> {
        let rows = self.store.rows().await.map_err(StoreError::Store)?;
        let parsed = rows.into_iter().map(|(partition, text)| {
            let row = parse(&partition, &text)?;
            Ok((partition, text, row))
        });
        parsed.collect()
    }
}

impl<S, T, C> Engine for StoreEngine<S, T, C>
where
    S: Store,
    T: Serialize + Send + Sync + 'static,
    C: Cursor + Sync + Serialize + DeserializeOwned,
{
    type Item = T;
    type Cursor = C;
    type Token = StoreToken<C>;
    type Error = StoreError<S::Error>;

    fn lease_time(&self) -> Duration {
        self.lease_time
    }

    async fn add_partitions(&self, partitions: Vec<String>) -> Result<(), Self::Error> {
        let checkpoint = Checkpoint::default();
        let row = Row { epoch: 0, state: State::Free(0), attempt: 0, items: 0, checkpoint };
        for partition in partitions {
            // If it is not replaced, the partition exists already.
            self.replace(&partition, None, &row, Vec::new()).await?;
        }
        Ok(())
    }

    async fn retry_set_aside(&self) -> Result<u64, Self::Error> {
        let now = self.after(Duration::ZERO).await?;
        let mut count = 0;
        for (name, old, row) in self.rows().await? {
            if matches!(row.state, State::SetAside(_)) {
                let row = Row { state: State::Free(now), attempt: 0, ..row };
                // If it is not replaced, another call was faster.
                count += u64::from(self.replace(&name, Some(&old), &row, Vec::new()).await?);
            }
        }
        Ok(count)
    }

    async fn claim(&self) -> Result<ClaimedOf<Self>, Self::Error> {
        let (now, until) = (self.after(Duration::ZERO).await?, self.after(self.lease_time).await?);
        let mut rows = self.rows().await?;
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let mut first_free: Option<u64> = None;
        for (name, old, mut row) in rows {
            let free = match row.state {
                State::Free(free) | State::Leased(free) => free,
                // It is not claimed, but the fleet has not ended.
                State::Ending(end) if end > now => end,
                State::Ending(_) | State::Done | State::SetAside(_) => continue,
            };
            if free <= now {
                row.epoch += 1;
                row.attempt = row.attempt.saturating_add(1);
                row.state = State::Leased(until);
                if self.replace(&name, Some(&old), &row, Vec::new()).await? {
                    let Row { epoch, checkpoint, attempt, .. } = row;
                    let token = StoreToken { partition: name.clone(), epoch, checkpoint: checkpoint.clone() };
                    return Ok(Claimed::Partition(Partition::new(name, token, checkpoint, attempt)));
                }
            }
            // Another worker was faster, or it is not free yet.
            first_free = Some(first_free.map_or(free, |first| first.min(free)));
        }
        let wait = first_free.map(|free| Duration::from_millis(free.saturating_sub(now)));
        Ok(wait.map_or(Claimed::Finished, Claimed::NotYet))
    }

    async fn commit(
        &self,
        token: &mut Self::Token,
        items: Arc<[T]>,
        checkpoint: &Checkpoint<C>,
    ) -> Result<Ownership, Self::Error> {
        let until = self.after(self.lease_time).await?;
        let count = items.len() as u64;
        checkpoint_to_json(checkpoint).map_err(StoreError::Serialize)?;
        let items: Result<Vec<_>, _> = items.iter().map(serde_json::to_string).collect();
        let items = items.map_err(StoreError::Serialize)?;
        let ownership = self
            .change(token, &items, |row| {
                // If not, another attempt of this commit was stored, or the partition is finished.
                let is_next = matches!(row.state, State::Leased(_)) && row.checkpoint == token.checkpoint;
                row.state = if checkpoint.is_done() { State::Ending(until) } else { State::Leased(until) };
                row.attempt = 1;
                row.items += count;
                row.checkpoint = checkpoint.clone();
                is_next
            })
            .await?;
        if ownership.is_owned() {
            token.checkpoint = checkpoint.clone();
        }
        Ok(ownership)
    }

    async fn read(&self, token: &mut Self::Token) -> Result<Option<Checkpoint<C>>, Self::Error> {
        Ok(self.owned(token).await?.map(|(_, row)| {
            token.checkpoint = row.checkpoint;
            token.checkpoint.clone()
        }))
    }

    async fn renew(&self, token: &Self::Token) -> Result<Ownership, Self::Error> {
        let until = self.after(self.lease_time).await?;
        self.change(token, &[], |row| {
            // A partition that is finished remains so.
            if let State::Leased(lease) | State::Ending(lease) = &mut row.state {
                *lease = until;
            }
            true
        })
        .await
    }

    async fn release(&self, token: &Self::Token, outcome: Outcome) -> Result<Ownership, Self::Error> {
        let delay = if let Outcome::Retry { after, .. } = &outcome { *after } else { Duration::ZERO };
        let free = self.after(delay).await?;
        self.change(token, &[], |row| {
            row.epoch += 1;
            if matches!(row.state, State::Leased(_)) {
                row.state = match &outcome {
                    Outcome::Done => State::Done,
                    Outcome::SetAside { error } => State::SetAside(error.clone()),
                    Outcome::Continue | Outcome::Retry { .. } => State::Free(free),
                };
                row.attempt -= u32::from(outcome == Outcome::Continue && row.attempt > 0);
            } else if matches!(row.state, State::Ending(_)) {
                row.state = State::Done;
            }
            true
        })
        .await
    }

    async fn progress(&self) -> Result<FleetProgress, Self::Error> {
        let now = self.after(Duration::ZERO).await?;
        let mut progress = FleetProgress::default();
        for (name, _, row) in self.rows().await? {
            progress.items += row.items;
            match row.state {
                State::Ending(_) | State::Done => progress.done += 1,
                State::SetAside(error) => progress.set_aside.push(SetAside::new(name, error)),
                State::Free(free) if free > now => progress.waiting += 1,
                State::Leased(until) if until > now => progress.leased += 1,
                State::Free(_) | State::Leased(_) => progress.pending += 1,
            }
        }
        progress.set_aside.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(progress)
    }
}

fn parse<C: DeserializeOwned, E: StdError>(partition: &str, text: &str) -> Result<Row<C>, StoreError<E>> {
    serde_json::from_str(text)
        .map_err(|source| StoreError::Row { partition: partition.to_owned(), source: Some(source) })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl<S: fmt::Debug, T, C> fmt::Debug for StoreEngine<S, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreEngine")
            .field("store", &self.store)
            .field("lease_time", &self.lease_time)
            .finish_non_exhaustive()
    }
}

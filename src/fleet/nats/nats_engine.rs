use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::entry::{Entry, RELEASED, State};
use super::error::NatsError;
use super::subject::encode;
use super::token::NatsToken;
use crate::fleet::checkpoint_json::checkpoint_to_json;
use crate::fleet::engine::{Claimed, ClaimedOf, Engine, Outcome, Ownership, Partition};
use crate::fleet::fleet_progress::FleetProgress;
use crate::pages::{Checkpoint, Cursor};

/// The number of concurrent requests of a call for many partitions.
pub(super) const AT_ONCE: usize = 64;
/// The maximum length of the name of a partition in a subject. The line of a request has at most 4096 bytes
/// (`max_control_line`).
const NAME_LENGTH: usize = 2000;
/// The maximum number of characters of an error that are stored.
const ERROR_LENGTH: usize = 4000;

/// An [`Engine`] on NATS JetStream 2.9 or later, which stores the items and the checkpoint of a commit as one message.
///
/// # Streams
///
/// | stream | subjects | messages |
/// |---|---|---|
/// | `fleet_work` | `fleet.work.PARTITION` | a work message for each partition that is neither finished nor set aside. The stream is a work queue: the server delivers each message to one worker, and delivers it again if it is not acknowledged within the lease time (`ack_wait`) |
/// | `fleet_pages` | `fleet.pages.PARTITION` | the history of each partition: its claims, commits and releases |
///
/// The body of a commit is a JSON array of its items; the other messages have no body. [`items`](NatsEngine::items) reads
/// the items, and so can other consumers of `fleet.pages.*`. In `PARTITION`, each byte of the name except for ASCII letters,
/// digits, `-` and `_` is replaced by `=` and two hexadecimal digits. The header `Withal-Partition` has the name as a JSON
/// string. Do not remove messages while the fleet runs: the last one of each subject is the state of its partition.
///
/// # Exactly once
///
/// Each message of a partition has the header `Nats-Expected-Last-Subject-Sequence`: the server stores it only if the
/// expected message is the last one of its subject. A claim is such a message, too. So the messages of a partition form a
/// chain, in which each commit follows the claim of its owner, and the commit of an earlier owner is fenced. A message that
/// was sent before a connection was lost is stored at its place in the chain, or never.
///
/// # Stopped processes
///
/// If a process was stopped, or disconnected, for longer than its lease, each call returns [`Fenced`](Ownership::Fenced) as
/// soon as another worker has claimed the partition. Leases expire by the server's clock.
///
/// # Recovery
///
/// A partition whose owner was killed is free when its lease expires, because the server does not report closed connections.
///
/// # Durability
///
/// | setting of the server | lost in a failure |
/// |---|---|
/// | default, one replica | nothing when the server is killed; up to two minutes of pages when its machine fails, because the server writes through to the disk once in a `sync_interval`, 2 minutes |
/// | default, [three replicas](crate::fleet::NatsBuilder::replicas) | nothing when one machine fails; possibly acknowledged pages when two machines fail within a `sync_interval` |
/// | `sync_interval: always` | nothing that was acknowledged; each page costs a write to the disk |
///
/// Items are lost only together with their checkpoints, so that the pages are read again, and stored once.
///
/// A test (`tests/fleet_engines/cluster.rs`) kills the servers of a cluster of three in turn, one at a time, while 8 workers store
/// 96,000 items with three replicas. With 26 kills in 227 seconds, each item was stored once. After each kill, the calls fail for some
/// seconds, until the cluster has elected new leaders, and leases are lost. The lease time should therefore be several times longer
/// than an election, and [`max_outage`](crate::fleet::Fleet::max_outage) longer than the longest outage.
///
/// In a cluster, use 2.9.21 or later: in earlier versions, a leader could accept two messages with the same expected sequence
/// at the same time ([nats-server#4320](https://github.com/nats-io/nats-server/issues/4320)).
///
/// # Limitations
///
/// A commit has at most `max_payload` bytes, 1 MB by default; a larger one is an [error](NatsError::PageTooLarge).
/// The name of a partition has at most 2000 bytes in its subject.
/// [`Engine::progress`] reads the last message of each partition, without its body. In its result, a partition counts as
/// leased or waiting until it is claimed again, even if its lease has expired or its delay has elapsed.
///
/// # Examples
///
/// ```no_run
/// use withal::fleet::{Engine, NatsEngine};
///
/// # async fn example() -> Result<(), withal::fleet::NatsError> {
/// let engine = NatsEngine::<String, u32>::connect("nats://nats-1,nats://nats-2,nats://nats-3").await?;
/// engine.add(["a", "b"]).await?;
/// # Ok(())
/// # }
/// ```
pub struct NatsEngine<T, C> {
    pub(super) context: Context,
    /// A message for each partition that is neither finished nor set aside.
    pub(super) work: Stream,
    pub(super) workers: PullConsumer,
    /// The history of each partition.
    pub(super) pages: Stream,
    pub(super) prefix: String,
    pub(super) lease_time: Duration,
    pub(super) request_timeout: Duration,
    /// The time of the next removal of lost work messages.
    pub(super) next_removal: Mutex<Instant>,
    pub(super) types: PhantomData<fn() -> (T, C)>,
}

impl<T, C> Engine for NatsEngine<T, C>
where
    T: Serialize + Send + Sync + 'static,
    C: Cursor + Sync + Serialize + DeserializeOwned,
{
    type Item = T;
    type Cursor = C;
    type Token = NatsToken;
    type Error = NatsError;

    fn lease_time(&self) -> Duration {
        self.lease_time
    }

    async fn add_partitions(&self, partitions: Vec<String>) -> Result<(), NatsError> {
        // Before any request: the server closes the connection of a client that sends a longer line.
        for partition in &partitions {
            let bytes = encode(partition).len();
            if bytes > NAME_LENGTH {
                return Err(NatsError::PartitionName { partition: partition.clone(), bytes });
            }
        }
        let added = stream::iter(partitions).map(|partition| self.add_one(partition)).buffered(AT_ONCE);
        Box::pin(added.try_collect()).await
    }

    async fn retry_set_aside(&self) -> Result<u64, NatsError> {
        Box::pin(self.free_set_aside()).await
    }

    async fn claim(&self) -> Result<ClaimedOf<Self>, NatsError> {
        while let Some(work) = self.next_work().await? {
            let work = Arc::new(work);
            let name = String::from_utf8_lossy(&work.payload).into_owned();
            let (last, entry) = self.last(&name).await?;
            if entry.state.is_final() {
                // The process that finished the partition was killed before it removed the message.
                self.remove_work(&work, name, entry.state).await?;
                continue;
            }
            // Before the claim, because a program with another type of cursor must not count as an attempt.
            let checkpoint = checkpoint_of(entry.checkpoint.as_deref())?;
            // The message of the claim fences the commits of earlier owners, which expect another last message.
            let entry = Entry {
                state: State::Leased,
                claim: None,
                attempt: entry.attempt.saturating_add(1),
                ..entry
            };
            let Some(claim) = self.append(last, &entry, Vec::new()).await? else {
                // An earlier owner has stored a page meanwhile, and keeps the partition.
                continue;
            };
            let attempt = entry.attempt;
            let entry = Entry { claim: Some(claim), ..entry };
            let token = NatsToken { claim, last: claim, entry, work };
            return Ok(Claimed::Partition(Partition::new(name, token, checkpoint, attempt)));
        }
        let info = self.work.get_info().await.map_err(NatsError::request("count the partitions"))?;
        if info.state.messages == 0 {
            return Ok(Claimed::Finished);
        }
        let is_empty = Box::pin(self.remove_lost()).await?;
        Ok(if is_empty { Claimed::Finished } else { Claimed::NotYet(self.lease_time) })
    }

    async fn commit(
        &self,
        token: &mut NatsToken,
        items: Arc<[T]>,
        checkpoint: &Checkpoint<C>,
    ) -> Result<Ownership, NatsError> {
        if token.entry.state != State::Leased {
            return Ok(Ownership::Fenced);
        }
        let entry = Entry {
            state: if checkpoint.is_done() { State::Done } else { State::Leased },
            checkpoint: Some(checkpoint_to_json(checkpoint)?),
            attempt: 1,
            items: token.entry.items + items.len() as u64,
            ..token.entry.clone()
        };
        let body = if items.is_empty() { Vec::new() } else { serde_json::to_vec(&items[..])? };
        let Some(last) = self.append(token.last, &entry, body).await? else { return Ok(Ownership::Fenced) };
        (token.last, token.entry) = (last, entry);
        // The page is stored. If this fails, a renewal extends the lease. The release removes the message: until then, this owner
        // may add partitions, and the workers of other processes should not end.
        drop(token.work.ack_with(AckKind::Progress).await);
        Ok(Ownership::Owned)
    }

    async fn read(&self, token: &mut NatsToken) -> Result<Option<Checkpoint<C>>, NatsError> {
        let Some((last, entry)) = self.last_of(token).await? else { return Ok(None) };
        (token.last, token.entry) = (last, Entry { claim: Some(token.claim), ..entry });
        checkpoint_of(token.entry.checkpoint.as_deref()).map(Some)
    }

    async fn renew(&self, token: &NatsToken) -> Result<Ownership, NatsError> {
        // The server extends the lease for any earlier owner, because it does not compare deliveries.
        if self.last_of(token).await?.is_none() {
            return Ok(Ownership::Fenced);
        }
        self.acknowledge(&token.work, AckKind::Progress).await?;
        Ok(Ownership::Owned)
    }

    async fn release(&self, token: &NatsToken, outcome: Outcome) -> Result<Ownership, NatsError> {
        loop {
            let Some((last, entry)) = self.last_of(token).await? else { return Ok(Ownership::Fenced) };
            let (state, attempt, error, kind) = match &outcome {
                _ if entry.state == State::Done => (State::Done, entry.attempt, None, AckKind::Ack),
                Outcome::Done => (State::Done, entry.attempt, None, AckKind::Ack),
                Outcome::Continue => (State::Free, entry.attempt.saturating_sub(1), None, AckKind::Nak(None)),
                Outcome::Retry { after, error } => {
                    (State::Waiting, entry.attempt, Some(error), AckKind::Nak(Some(*after)))
                }
                Outcome::SetAside { error } => (State::SetAside, entry.attempt, Some(error), AckKind::Ack),
            };
            let error = error.map(|error| error.chars().take(ERROR_LENGTH).collect());
            // The claim of this message is that of no token, so the token is fenced from now on.
            let entry = Entry { state, attempt, error, claim: RELEASED, ..entry };
            if self.append(last, &entry, Vec::new()).await?.is_some() {
                // The claim has ended. If this acknowledgment fails, the server delivers the work message again after the lease
                // time.
                if matches!(kind, AckKind::Ack) {
                    drop(self.remove_work(&token.work, entry.partition, state).await);
                } else {
                    drop(self.acknowledge(&token.work, kind).await);
                }
                return Ok(Ownership::Owned);
            }
        }
    }

    async fn progress(&self) -> Result<FleetProgress, NatsError> {
        Box::pin(self.progress_of_all()).await
    }
}

impl<T, C> fmt::Debug for NatsEngine<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsEngine")
            .field("prefix", &self.prefix)
            .field("lease_time", &self.lease_time)
            .finish_non_exhaustive()
    }
}

/// A partition without a stored checkpoint starts at the first page.
fn checkpoint_of<C: DeserializeOwned>(stored: Option<&str>) -> Result<Checkpoint<C>, NatsError> {
    Ok(stored.map(serde_json::from_str).transpose()?.unwrap_or_default())
}

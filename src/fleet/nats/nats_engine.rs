use std::collections::HashSet;
use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::consumer::{DeliverPolicy, PullConsumer};
use async_nats::jetstream::context::{Context, PublishError, PublishErrorKind};
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{AckKind, ErrorCode, Message};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::entry::{Entry, State};
use super::error::NatsError;
use super::subject::encode;
use crate::fleet::checkpoint_json::checkpoint_to_json;
use crate::fleet::engine::{Claimed, ClaimedOf, Engine, Outcome, Ownership, Partition};
use crate::fleet::fleet_progress::{FleetProgress, SetAside};
use crate::pages::{Checkpoint, Cursor};

/// The number of concurrent requests of [`Engine::add`].
const ADDED_AT_ONCE: usize = 64;
/// The claim in the message of a release.
const RELEASED: Option<u64> = Some(0);
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
/// engine.add(vec!["a".into(), "b".into()]).await?;
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

/// The token of a claim of a [`NatsEngine`].
#[derive(Clone)]
pub struct NatsToken {
    /// The sequence of the message of the claim.
    claim: u64,
    /// The sequence of the last message of the partition.
    last: u64,
    /// The last message of the partition, without its items.
    entry: Entry,
    /// The delivery of the work message, by which it is acknowledged.
    work: Arc<Message>,
}

impl<T, C> NatsEngine<T, C> {
    fn pages_subject(&self, partition: &str) -> String {
        format!("{}.pages.{}", self.prefix, encode(partition))
    }

    /// Returns the last message of a partition, and its sequence, which is 0 if there is none. It is read from the leader of
    /// the stream.
    async fn last(&self, partition: &str) -> Result<(u64, Entry), NatsError> {
        match self.pages.get_last_raw_message_by_subject(&self.pages_subject(partition)).await {
            Ok(message) => Ok((message.sequence, Entry::from_headers(&message.headers, message.sequence)?)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                Ok((0, Entry::new(partition.to_owned())))
            }
            Err(error) => Err(NatsError::request("read the last message of a partition")(error)),
        }
    }

    /// Returns the last message of the partition, if its claim is that of the token.
    async fn last_of(&self, token: &NatsToken) -> Result<Option<(u64, Entry)>, NatsError> {
        let (sequence, entry) = self.last(&token.entry.partition).await?;
        let is_owned = matches!(entry.state, State::Leased | State::Done)
            && entry.claim.unwrap_or(sequence) == token.claim;
        Ok(is_owned.then_some((sequence, entry)))
    }

    /// Adds a message to the history of a partition. Returns its sequence, or `None` if the last message is not the expected
    /// one.
    async fn append(&self, last: u64, entry: &Entry, body: Vec<u8>) -> Result<Option<u64>, NatsError> {
        let headers = entry.to_headers(last);
        // A server closes the connection of a client that exceeds the limit. The rest of the headers is shorter than 512 bytes.
        let variable = [Some(&entry.partition), entry.checkpoint.as_ref(), entry.error.as_ref()];
        let bytes = body.len() + 512 + variable.iter().flatten().map(|text| text.len()).sum::<usize>();
        let limit = self.context.client().server_info().max_payload;
        if limit > 0 && bytes > limit {
            return Err(NatsError::PageTooLarge { bytes, limit });
        }
        let subject = self.pages_subject(&entry.partition);
        self.publish("store a page", subject, headers, body).await
    }

    /// Publishes a message. Returns its sequence, or `None` if the last message of the subject is not the expected one.
    async fn publish(
        &self,
        action: &'static str,
        subject: String,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Option<u64>, NatsError> {
        let answer = match self.context.publish_with_headers(subject, headers, body.into()).await {
            Ok(acknowledged) => acknowledged.await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(acknowledged) => Ok(Some(acknowledged.sequence)),
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(NatsError::request(action)(error)),
        }
    }

    /// Adds the work message of a partition, unless it exists or the partition is finished.
    async fn add_one(&self, partition: String) -> Result<(), NatsError> {
        // A claim that finds a finished partition removes the message again.
        let (_, entry) = self.last(&partition).await?;
        if entry.state.is_final() {
            return Ok(());
        }
        self.publish_work(partition, 0).await
    }

    /// Publishes the work message of a partition, if the last one has the given sequence.
    async fn publish_work(&self, partition: String, last: u64) -> Result<(), NatsError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        let subject = format!("{}.work.{}", self.prefix, encode(&partition));
        self.publish("add a partition", subject, headers, partition.into()).await?;
        Ok(())
    }

    /// Removes the work messages that the server does not deliver any more, at most once in a lease time.
    ///
    /// After it was killed, a server may still have a message that was acknowledged, and not deliver it again. If no delivery
    /// waits for an acknowledgment, a message that was delivered is such a message. It is replaced if its partition is neither
    /// finished nor set aside.
    async fn remove_lost(&self) -> Result<(), NatsError> {
        const ACTION: &str = "remove the message of a finished partition";
        {
            let mut next = self.next_removal.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if *next > now {
                return Ok(());
            }
            *next = now + self.lease_time;
        }
        let info = self.workers.get_info().await.map_err(NatsError::request(ACTION))?;
        let subject = format!("{}.work.*", self.prefix);
        let mut next = 1;
        loop {
            let request = self.work.raw_message_builder().sequence(next).next_by_subject(subject.clone());
            let message = match request.send().await {
                Ok(message) if message.sequence <= info.delivered.stream_sequence => message,
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(()),
                Err(error) => return Err(NatsError::request(ACTION)(error)),
            };
            next = message.sequence + 1;
            let partition = String::from_utf8_lossy(&message.payload).into_owned();
            let (_, entry) = self.last(&partition).await?;
            if !entry.state.is_final() {
                if info.num_ack_pending > 0 {
                    continue;
                }
                // The new message is added first, because this process may be killed in between.
                self.publish_work(partition, message.sequence).await?;
            }
            self.work.delete_message(message.sequence).await.map_err(NatsError::request(ACTION))?;
        }
    }

    /// Returns a work message that has no owner; `None` if there is none at the moment.
    async fn next_work(&self) -> Result<Option<Message>, NatsError> {
        let fetch = async {
            let mut messages = self.workers.fetch().max_messages(1).messages().await.map_err(to_error)?;
            messages.next().await.transpose()
        };
        self.within_timeout("fetch a partition", fetch).await
    }

    /// Awaits an answer, for up to the timeout of a request: the client has none, and never returns if the server is lost. The
    /// futures of the client are large, so they are boxed.
    pub(super) async fn within_timeout<R>(
        &self,
        action: &'static str,
        answer: impl Future<Output = Result<R, async_nats::Error>>,
    ) -> Result<R, NatsError> {
        let answer = timeout(self.request_timeout, Box::pin(answer))
            .await
            .unwrap_or_else(|elapsed| Err(elapsed.into()));
        answer.map_err(NatsError::request(action))
    }

    async fn acknowledge(&self, work: &Message, kind: AckKind) -> Result<(), NatsError> {
        work.double_ack_with(kind).await.map_err(NatsError::request("acknowledge a partition"))
    }
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

    async fn add(&self, partitions: Vec<String>) -> Result<(), NatsError> {
        // Before any request: the server closes the connection of a client that sends a longer line.
        if let Some(bytes) = partitions.iter().map(|name| encode(name).len()).find(|len| *len > NAME_LENGTH) {
            return Err(NatsError::NameTooLong { bytes });
        }
        let added = stream::iter(partitions).map(|partition| self.add_one(partition)).buffered(ADDED_AT_ONCE);
        added.try_collect().await
    }

    async fn claim(&self) -> Result<ClaimedOf<Self>, NatsError> {
        while let Some(work) = self.next_work().await? {
            let work = Arc::new(work);
            let name = String::from_utf8_lossy(&work.payload).into_owned();
            let (last, entry) = self.last(&name).await?;
            if entry.state.is_final() {
                // The process that finished the partition was killed before it removed the message.
                self.acknowledge(&work, AckKind::Ack).await?;
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
        Box::pin(self.remove_lost()).await?;
        Ok(Claimed::NotYet(self.lease_time))
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
        // The page is stored. If this fails, a renewal extends the lease, or a claim removes the message.
        if checkpoint.is_done() {
            drop(self.acknowledge(&token.work, AckKind::Ack).await);
        } else {
            drop(token.work.ack_with(AckKind::Progress).await);
        }
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
                drop(self.acknowledge(&token.work, kind).await);
                return Ok(Ownership::Owned);
            }
        }
    }

    async fn progress(&self) -> Result<FleetProgress, NatsError> {
        const ACTION: &str = "count the partitions";
        let reader = self.reader("*", DeliverPolicy::LastPerSubject, true).await?;
        let mut entries = std::pin::pin!(self.messages(&reader));
        let mut progress = FleetProgress::default();
        let mut claimed = HashSet::new();
        while let Some((entry, _)) = entries.try_next().await? {
            progress.items += entry.items;
            claimed.insert(encode(&entry.partition));
            match entry.state {
                State::Free => progress.pending += 1,
                State::Leased => progress.leased += 1,
                State::Waiting => progress.waiting += 1,
                State::Done => progress.done += 1,
                State::SetAside => {
                    progress.set_aside.push(SetAside::new(entry.partition, entry.error.unwrap_or_default()));
                }
            }
        }
        // Partitions that were never claimed have only a work message.
        let subjects = self.work.info_with_subjects(format!("{}.work.*", self.prefix));
        let mut subjects = subjects.await.map_err(NatsError::request(ACTION))?;
        while let Some((subject, _)) = subjects.try_next().await.map_err(NatsError::request(ACTION))? {
            let token = subject.rsplit('.').next().unwrap_or_default();
            progress.pending += u64::from(!claimed.contains(token));
        }
        progress.set_aside.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(progress)
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

impl fmt::Debug for NatsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsToken")
            .field("partition", &self.entry.partition)
            .field("claim", &self.claim)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

pub(super) fn to_error(error: impl Into<async_nats::Error>) -> async_nats::Error {
    error.into()
}

/// A partition without a stored checkpoint starts at the first page.
fn checkpoint_of<C: DeserializeOwned>(stored: Option<&str>) -> Result<Checkpoint<C>, NatsError> {
    Ok(stored.map(serde_json::from_str).transpose()?.unwrap_or_default())
}

/// Returns `true` if the last message of the subject was not the expected one. A cluster has a second error code for this.
fn is_refused(error: &PublishError) -> bool {
    let code = || {
        error
            .source()?
            .downcast_ref::<async_nats::jetstream::Error>()
            .map(async_nats::jetstream::Error::error_code)
    };
    error.kind() == PublishErrorKind::WrongLastSequence
        || code() == Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)
}

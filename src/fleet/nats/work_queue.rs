//! The queue of work messages, whose deliveries are the leases.

use std::sync::PoisonError;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::entry::{RELEASED, State};
use super::error::NatsError;
use super::history::to_error;
use super::nats_engine::NatsEngine;
use super::subject::encode;

impl<T, C> NatsEngine<T, C> {
    /// Adds the work message of a partition, unless it exists or the partition is finished.
    pub(super) async fn add_one(&self, partition: String) -> Result<(), NatsError> {
        // A claim that finds a finished partition removes the message again.
        let (_, entry) = self.last(&partition).await?;
        if entry.state.is_final() {
            return Ok(());
        }
        self.publish_work(partition, 0).await
    }

    /// Publishes the work message of a partition, if the last one has the given sequence.
    pub(super) async fn publish_work(&self, partition: String, last: u64) -> Result<(), NatsError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        let subject = format!("{}.work.{}", self.prefix, encode(&partition));
        self.publish("add a partition", subject, headers, partition.into()).await?;
        Ok(())
    }

    /// Removes the work messages that the server does not deliver any more, at most once in a lease time.
    ///
    /// After a server was killed, it may still have a message that was acknowledged, and not deliver it again. If no delivery
    /// waits for an acknowledgment, each delivered message is of this kind. It is replaced if its partition is neither finished
    /// nor set aside.
    ///
    /// Returns `true` if the stream has no message and no partition is unfinished. A server that was killed may also count
    /// messages that it does not have, so their number does not suffice.
    pub(super) async fn remove_lost(&self) -> Result<bool, NatsError> {
        const ACTION: &str = "remove the message of a finished partition";
        {
            let mut next = self.next_removal.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if *next > now {
                return Ok(false);
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
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    let is_empty = next == 1 && self.add_unfinished().await? == 0;
                    if is_empty {
                        // The other workers of this process need not wait.
                        *self.next_removal.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                    }
                    return Ok(is_empty);
                }
                Err(error) => return Err(NatsError::request(ACTION)(error)),
            };
            next = message.sequence + 1;
            let partition = String::from_utf8_lossy(&message.payload).into_owned();
            let (_, entry) = self.last(&partition).await?;
            // The owner of a finished partition has the message until it releases the partition.
            let is_ended = entry.state.is_final() && entry.claim == RELEASED;
            if !is_ended && info.num_ack_pending > 0 {
                continue;
            }
            if !entry.state.is_final() {
                // The new message is added first, because this process may be killed in between.
                self.publish_work(partition.clone(), message.sequence).await?;
            }
            self.work.delete_message(message.sequence).await.map_err(NatsError::request(ACTION))?;
            if entry.state == State::SetAside {
                self.add_one(partition).await?;
            }
        }
    }

    /// Returns a work message that has no owner; `None` if there is none at the moment.
    pub(super) async fn next_work(&self) -> Result<Option<Message>, NatsError> {
        let fetch = async {
            let mut messages = self.workers.fetch().max_messages(1).messages().await.map_err(to_error)?;
            messages.next().await.transpose()
        };
        self.within_timeout("fetch a partition", fetch).await
    }

    /// Removes the work message of a partition that was finished or set aside.
    pub(super) async fn remove_work(
        &self,
        work: &Message,
        partition: String,
        state: State,
    ) -> Result<(), NatsError> {
        self.acknowledge(work, AckKind::Ack).await?;
        if state == State::SetAside {
            // A concurrent `retry_set_aside` may have freed it, and not have added a message, because this one existed.
            self.add_one(partition).await?;
        }
        Ok(())
    }

    pub(super) async fn acknowledge(&self, work: &Message, kind: AckKind) -> Result<(), NatsError> {
        work.double_ack_with(kind).await.map_err(NatsError::request("acknowledge a partition"))
    }
}

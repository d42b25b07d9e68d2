//! Reading the history of the partitions, from which the items come.

use std::pin::pin;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_stream::try_stream;
use futures_util::{StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;

use super::entry::Entry;
use super::error::NatsError;
use super::history::to_error;
use super::nats_engine::NatsEngine;
use super::subject::encode;

impl<T: DeserializeOwned + Send, C> NatsEngine<T, C> {
    /// Returns the committed items of all partitions, each with the name of its partition. The items of a partition are in
    /// order. The stream ends when it has read the last message of the server.
    ///
    /// # Errors
    ///
    /// The stream yields an error if the server does not answer, or if an item is not valid JSON of its type. It ends
    /// after the error.
    pub fn items(&self) -> impl futures_core::Stream<Item = Result<(String, T), NatsError>> + Send + '_ {
        self.items_at("*".into())
    }

    /// Returns the committed items of a partition, in order, like [`items`](Self::items).
    ///
    /// # Errors
    ///
    /// As for [`items`](Self::items).
    pub fn items_of(
        &self,
        partition: &str,
    ) -> impl futures_core::Stream<Item = Result<T, NatsError>> + Send + '_ {
        self.items_at(encode(partition)).map_ok(|(_, item)| item)
    }

    fn items_at(
        &self,
        token: String,
    ) -> impl futures_core::Stream<Item = Result<(String, T), NatsError>> + Send + '_ {
        try_stream! {
            let consumer = Box::pin(self.reader(&token, DeliverPolicy::All, false)).await?;
            let mut messages = pin!(self.messages(&consumer));
            while let Some((entry, message)) = messages.try_next().await? {
                if message.payload.is_empty() {
                    continue;
                }
                for item in serde_json::from_slice::<Vec<T>>(&message.payload)? {
                    yield (entry.partition.clone(), item);
                }
            }
        }
    }
}

impl<T, C> NatsEngine<T, C> {
    /// Creates a consumer of the history of the partitions that match a token of a subject. The server deletes it when it is
    /// not used.
    pub(super) async fn reader(
        &self,
        token: &str,
        deliver_policy: DeliverPolicy,
        headers_only: bool,
    ) -> Result<PullConsumer, NatsError> {
        let config = pull::Config {
            deliver_policy,
            headers_only,
            filter_subject: format!("{}.pages.{token}", self.prefix),
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_secs(60),
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        self.pages.create_consumer(config).await.map_err(NatsError::request("read the partitions"))
    }

    /// Returns the messages of a reader, until the last one.
    pub(super) fn messages<'a>(
        &'a self,
        consumer: &'a PullConsumer,
    ) -> impl futures_core::Stream<Item = Result<(Entry, Message), NatsError>> + Send + 'a {
        const ACTION: &str = "read the partitions";
        try_stream! {
            let mut left = consumer.cached_info().num_pending;
            while left > 0 {
                let batch = async { consumer.fetch().max_messages(500).messages().await.map_err(to_error) };
                let mut batch = self.within_timeout(ACTION, batch).await?;
                let mut is_empty = true;
                while let Some(message) = self.within_timeout(ACTION, async { batch.next().await.transpose() }).await? {
                    let info = message.info().map_err(NatsError::request(ACTION))?;
                    let sequence = info.stream_sequence;
                    left = info.pending;
                    is_empty = false;
                    let headers = message.headers.as_ref().ok_or(NatsError::Message(sequence))?;
                    let entry = Entry::from_headers(headers, sequence)?;
                    yield (entry, message);
                }
                if is_empty {
                    break;
                }
            }
        }
    }
}

//! The history of the partitions, as a chain of messages for each.

use std::error::Error as _;
use std::future::Future;

use async_nats::HeaderMap;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use tokio::time::timeout;

use super::entry::{Entry, State};
use super::error::NatsError;
use super::nats_engine::NatsEngine;
use super::subject::encode;
use super::token::NatsToken;

impl<T, C> NatsEngine<T, C> {
    fn pages_subject(&self, partition: &str) -> String {
        format!("{}.pages.{}", self.prefix, encode(partition))
    }

    /// Returns the last message of a partition, and its sequence, which is 0 if there is none. It is read from the leader of
    /// the stream.
    pub(super) async fn last(&self, partition: &str) -> Result<(u64, Entry), NatsError> {
        match self.pages.get_last_raw_message_by_subject(&self.pages_subject(partition)).await {
            Ok(message) => Ok((message.sequence, Entry::from_headers(&message.headers, message.sequence)?)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                Ok((0, Entry::new(partition.to_owned())))
            }
            Err(error) => Err(NatsError::request("read the last message of a partition")(error)),
        }
    }

    /// Returns the last message of the partition, if its claim is that of the token.
    pub(super) async fn last_of(&self, token: &NatsToken) -> Result<Option<(u64, Entry)>, NatsError> {
        let (sequence, entry) = self.last(&token.entry.partition).await?;
        let is_owned = matches!(entry.state, State::Leased | State::Done)
            && entry.claim.unwrap_or(sequence) == token.claim;
        Ok(is_owned.then_some((sequence, entry)))
    }

    /// Adds a message to the history of a partition. Returns its sequence, or `None` if the last message is not the expected
    /// one.
    pub(super) async fn append(
        &self,
        last: u64,
        entry: &Entry,
        body: Vec<u8>,
    ) -> Result<Option<u64>, NatsError> {
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
    pub(super) async fn publish(
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

    /// Awaits a response within the timeout of a request. The client itself has no timeout, and never returns if the server is
    /// lost. The futures of the client are large, so they are boxed.
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
}

pub(super) fn to_error(error: impl Into<async_nats::Error>) -> async_nats::Error {
    error.into()
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

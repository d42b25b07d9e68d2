use std::error::Error as StdError;

use thiserror::Error;

use crate::fleet::excerpt::excerpt;

/// The error of a [`NatsEngine`](super::NatsEngine).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NatsError {
    /// The server has not answered in time, or has reported an error.
    #[error("NATS failed to {action}")]
    #[non_exhaustive]
    Request {
        /// The action that failed, such as `store a page`.
        action: &'static str,
        /// The error of the client.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The items of a commit are larger than a message may be.
    #[error(
        "a page of {bytes} bytes exceeds the limit of a message, {limit} bytes: request smaller pages, or increase `max_payload`"
    )]
    #[non_exhaustive]
    PageTooLarge {
        /// The size of the message, in bytes.
        bytes: usize,
        /// The `max_payload` of the server, in bytes.
        limit: usize,
    },

    /// The name of a partition is too long for a subject. No partition of the call was added.
    #[error(
        "the name {:?} of a partition takes {bytes} bytes of its subject, more than 2000: use shorter names, without characters that are encoded",
        excerpt(partition)
    )]
    #[non_exhaustive]
    PartitionName {
        /// The name.
        partition: String,
        /// The length of the encoded name.
        bytes: usize,
    },

    /// An item or a checkpoint cannot be serialized, or a stored one cannot be deserialized.
    #[error("an item or a checkpoint is not valid JSON of its type")]
    Json(#[from] serde_json::Error),

    /// A message in the stream of the pages was not written by this engine.
    #[error("message {0} of the stream of the pages was not written by this engine: choose another prefix")]
    Message(u64),

    /// The prefix is not valid in the names of streams and subjects.
    #[error("the prefix `{0}` must consist of ASCII letters, digits, `_` and `-`, and must not be empty")]
    Prefix(String),
}

impl NatsError {
    /// Returns a function that converts an error of the client.
    pub(super) fn request<E: Into<Box<dyn StdError + Send + Sync>>>(
        action: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Request { action, source: source.into() }
    }
}

use std::error::Error as StdError;

use thiserror::Error;

/// An error of a [`NatsEngine`](super::NatsEngine).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NatsError {
    /// The server has not answered, or has reported an error.
    #[error("NATS has failed to {action}")]
    #[non_exhaustive]
    Request {
        /// The request, as a verb with an object.
        action: &'static str,
        /// The error of the client.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// A page has more bytes than a message may have.
    #[error(
        "a page of {bytes} bytes exceeds the limit of a message, {limit} bytes: request smaller pages, or increase `max_payload`"
    )]
    #[non_exhaustive]
    PageTooLarge {
        /// The size of the page with its checkpoint, as JSON.
        bytes: usize,
        /// The `max_payload` of the server.
        limit: usize,
    },

    /// An item or a checkpoint cannot be serialized, or a stored one cannot be deserialized.
    #[error("an item or a checkpoint is not valid JSON of its type")]
    Json(#[from] serde_json::Error),

    /// A message in the stream of the pages was not written by this engine.
    #[error("message {0} of the stream of the pages has other headers: remove it, or choose another prefix")]
    Message(u64),

    /// The prefix cannot begin the names of streams and subjects.
    #[error("the prefix `{0}` must consist of letters, digits, `_` and `-`")]
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

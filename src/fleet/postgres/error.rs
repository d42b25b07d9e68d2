use std::time::Duration;

use thiserror::Error;

use crate::fleet::excerpt::excerpt;

/// The error of a [`PostgresEngine`](super::PostgresEngine).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The connection is lost, or the server has reported an error.
    #[error("the database has failed")]
    Database(#[from] tokio_postgres::Error),

    /// The server has not answered within the lease time. The connection was closed.
    #[error("the database has not answered within {0:?}")]
    Timeout(Duration),

    /// An item or a checkpoint cannot be serialized, or a stored checkpoint cannot be deserialized.
    #[error("an item or a checkpoint is not valid JSON of its type")]
    Json(#[from] serde_json::Error),

    /// The [closure that stores the items](super::PostgresBuilder::store) has returned an error. The transaction was rolled
    /// back.
    #[error("the items could not be stored")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The name of a partition cannot be stored in the table. No partition of the call was added.
    #[error("the name {:?} of a partition {reason}", excerpt(partition))]
    #[non_exhaustive]
    PartitionName {
        /// The name.
        partition: String,
        /// The reason, such as `contains a NUL character`.
        reason: &'static str,
    },

    /// The prefix of the tables is not valid.
    #[error(
        "the table prefix `{0}` must consist of lower case letters, digits and `_`, and must not begin with a digit"
    )]
    TablePrefix(String),
}

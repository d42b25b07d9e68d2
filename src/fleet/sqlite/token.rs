use std::sync::Arc;

/// The token of a claim of a [`SqliteEngine`](super::SqliteEngine).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteToken {
    pub(super) partition: Arc<str>,
    /// The number of claims of the partition.
    pub(super) epoch: i64,
    /// The number of commits that this claim has seen.
    pub(super) commits: i64,
}

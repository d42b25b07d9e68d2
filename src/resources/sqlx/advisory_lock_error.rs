use std::time::Duration;

/// The error of [`advisory_lock`](super::advisory_lock) and [`advisory_xact_lock`](super::advisory_xact_lock).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdvisoryLockError {
    /// Another session holds the lock. Returned only with `no_wait`.
    #[error("another session holds the advisory lock")]
    Held,
    /// Another session still held the lock at the end of the `timeout`.
    #[error("another session still held the advisory lock after {0:?}")]
    TimedOut(Duration),
    /// The session no longer held the lock on exit, held another one, or was in a transaction that sqlx did not begin. Its
    /// connection was closed, which releases all of its locks and rolls back.
    #[error(
        "the session did not release its advisory locks or was in a transaction, so its connection was closed"
    )]
    NotReleased,
    /// The database has no such locks: SQLite has no advisory locks, and MySQL has none that end with a transaction.
    #[error("{0} has no advisory locks of this kind")]
    Unsupported(&'static str),
    /// The database or its connection failed.
    #[error(transparent)]
    Database(#[from] ::sqlx::Error),
}

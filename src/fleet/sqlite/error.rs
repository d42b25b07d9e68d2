/// The error of a [`SqliteEngine`](super::SqliteEngine).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// SQLite has failed, for example because another process has locked the database for longer than 10 seconds, the disk is
    /// full, or the file is read-only. The source has the reason.
    #[error("SQLite has failed")]
    Sqlite(#[from] rusqlite::Error),
    /// An item or a checkpoint cannot be serialized as JSON, or a stored one cannot be deserialized. Check that all programs
    /// that use the file have the same types.
    #[error("an item or a checkpoint is not valid JSON of its type")]
    Json(#[from] serde_json::Error),
    /// The process was forked after the file was opened. SQLite does not support a connection in two processes.
    #[error("the file was opened before the process was forked: open it after the fork")]
    Forked,
    /// The runtime was shut down before the call was made.
    #[error("the runtime was shut down")]
    RuntimeShutdown,
}

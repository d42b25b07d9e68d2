use std::panic::resume_unwind;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::task::spawn_blocking;

use super::error::SqliteError;

/// A connection that is used on the blocking threads of the runtime.
#[derive(Debug, Clone)]
pub(super) struct Database {
    connection: Arc<Mutex<Connection>>,
    /// The id of the process that opened the connection.
    process: u32,
}

impl Database {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection: Arc::new(Mutex::new(connection)), process: process::id() }
    }

    /// Calls `f` in a transaction that locks the database for writing when it begins, and commits if `f` succeeds.
    ///
    /// If the future is dropped, the call completes nevertheless.
    pub(super) async fn write<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<R, SqliteError> + Send + 'static,
    ) -> Result<R, SqliteError> {
        self.transaction(TransactionBehavior::Immediate, f).await
    }

    /// Calls `f` in a transaction that only reads. In WAL mode, it neither waits for a writer nor delays one.
    pub(super) async fn read<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<R, SqliteError> + Send + 'static,
    ) -> Result<R, SqliteError> {
        self.transaction(TransactionBehavior::Deferred, f).await
    }

    async fn transaction<R: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        f: impl FnOnce(&Transaction<'_>) -> Result<R, SqliteError> + Send + 'static,
    ) -> Result<R, SqliteError> {
        self.call(move |connection| {
            // Dropping the transaction rolls it back, also after a panic.
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = f(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
    }

    /// Calls `f` with the connection.
    pub(super) async fn call<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Connection) -> Result<R, SqliteError> + Send + 'static,
    ) -> Result<R, SqliteError> {
        self.check_process()?;
        let database = self.clone();
        match spawn_blocking(move || database.call_now(f)).await {
            Ok(result) => result,
            // A panic of the user's function in the transaction.
            Err(error) => {
                error.try_into_panic().map_or(Err(SqliteError::RuntimeShutdown), |panic| resume_unwind(panic))
            }
        }
    }

    pub(super) fn call_now<R>(
        &self,
        f: impl FnOnce(&mut Connection) -> Result<R, SqliteError>,
    ) -> Result<R, SqliteError> {
        self.check_process()?;
        f(&mut self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fails in a process that was forked after the connection was opened. Two processes with one connection can destroy the
    /// file, because the locks belong to one of them.
    fn check_process(&self) -> Result<(), SqliteError> {
        if self.process == process::id() { Ok(()) } else { Err(SqliteError::Forked) }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Database, SqliteError};

    #[tokio::test]
    async fn a_connection_belongs_to_one_process() {
        let database = Database::new(Connection::open_in_memory().unwrap());
        assert!(database.read(|_| Ok(())).await.is_ok());
        let forked = Database { process: database.process + 1, ..database };
        assert!(matches!(forked.read(|_| Ok(())).await, Err(SqliteError::Forked)));
    }
}

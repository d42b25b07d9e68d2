use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::task::spawn_blocking;

use super::error::SqliteError;

/// A connection that is used on the blocking threads of the runtime.
#[derive(Debug, Clone)]
pub(super) struct Database(Arc<Mutex<Connection>>);

impl Database {
    pub(super) fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
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
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

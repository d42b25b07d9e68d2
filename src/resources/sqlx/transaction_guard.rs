use std::time::Duration;
use std::{fmt, io};

use ::sqlx::error::DatabaseError;
use ::sqlx::{Connection, Error, TransactionManager};

use super::dialect::Dialect;
use super::exclusive_connection::ExclusiveConnection;
use super::late_errors::LateErrors;
use super::sqlx_database::SqlxDatabase;
use crate::cleanup::DEFAULT_GRACE_PERIOD;
use crate::context::{AsyncGuard, Detach, ExitReason};

/// The guard of an entered [`transaction`](super::transaction).
pub struct TransactionGuard<DB: SqlxDatabase> {
    connection: ExclusiveConnection<DB>,
    rollback_timeout: Duration,
    /// `true` if SQLite's connection was made read-only for this transaction.
    resets_query_only: bool,
}

impl<DB: SqlxDatabase> TransactionGuard<DB> {
    pub(super) fn new(
        connection: ExclusiveConnection<DB>,
        rollback_timeout: Duration,
        resets_query_only: bool,
    ) -> Self {
        Self { connection, rollback_timeout, resets_query_only }
    }

    /// Commits. Afterwards, the connection is as it was before the transaction.
    async fn commit(&mut self) -> Result<(), Error> {
        if self.connection.transaction_depth() == 0 {
            return Err(ended_in_block());
        }
        let connection = self.connection.get();
        match Dialect::of::<DB>() {
            // If a statement has failed, PostgreSQL responds to COMMIT with a rollback, which sqlx does not report. If the
            // block has executed a COMMIT or a ROLLBACK, it responds with a warning. This statement then fails.
            Dialect::Postgres => {
                DB::execute(connection, "SAVEPOINT withal_commit").await.map_err(|error| {
                    if is_outside_of_transaction(&error) { ended_in_block() } else { error }
                })?;
            }
            Dialect::Other => DB::execute(connection, "SELECT 1").await?,
            // If a statement was cancelled, sqlx may have lost count of the server's responses. This one is of a kind of
            // its own.
            Dialect::MySql => connection.ping().await?,
            Dialect::Sqlite => {}
        }
        // Transactions of sqlx that the block has begun in this one, and leaked.
        while self.connection.transaction_depth() > 1 {
            DB::TransactionManager::rollback(self.connection.get()).await?;
        }
        DB::TransactionManager::commit(self.connection.get()).await
    }

    /// Rolls back, and returns the connection to the pool or closes it.
    async fn roll_back(&mut self) -> Result<(), Error> {
        let limit = self.rollback_timeout;
        let rolled_back = match tokio::time::timeout(limit, self.try_roll_back()).await {
            Ok(result) => result,
            Err(_) => Err(Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the rollback took longer than {limit:?}, so the connection was closed"),
            ))),
        };
        match rolled_back {
            Ok(()) => self.connection.give_back(),
            Err(_) => self.connection.close().await,
        }
        rolled_back
    }

    async fn try_roll_back(&mut self) -> Result<(), Error> {
        let dialect = Dialect::of::<DB>();
        let mut late_errors = LateErrors::default();
        if dialect == Dialect::MySql {
            // As in `commit`.
            while let Err(error) = self.connection.get().ping().await {
                late_errors.ignore(error)?;
            }
        }
        while self.connection.transaction_depth() > 0 {
            if let Err(error) = DB::TransactionManager::rollback(self.connection.get()).await {
                late_errors.ignore(error)?;
                // An error of the block has made SQLite end the transaction, but sqlx does not know it.
                if dialect == Dialect::Sqlite {
                    DB::execute(self.connection.get(), "BEGIN").await?;
                }
            }
        }
        self.reset().await
    }

    /// Undoes the settings that the enter made for the whole connection.
    async fn reset(&mut self) -> Result<(), Error> {
        if self.resets_query_only {
            DB::execute(self.connection.get(), "PRAGMA query_only = OFF").await?;
        }
        Ok(())
    }
}

fn ended_in_block() -> Error {
    Error::Protocol("the transaction was ended inside of its block".to_owned())
}

/// Returns `true` for PostgreSQL's `no_active_sql_transaction`.
fn is_outside_of_transaction(error: &Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "25P01")
}

impl<DB: SqlxDatabase> AsyncGuard for TransactionGuard<DB> {
    type Target = DB::Connection;
    type Error = Error;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut DB::Connection {
        self.connection.get()
    }

    /// Returns the default, or a longer time if the rollback may take longer.
    fn grace_period(&self) -> Duration {
        DEFAULT_GRACE_PERIOD.max(self.rollback_timeout.saturating_mul(2))
    }

    fn name(&self) -> &'static str {
        "transaction"
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Error> {
        if !exit.is_ok() {
            return self.roll_back().await;
        }
        if let Err(error) = self.commit().await {
            // The error of the commit is the one to return. If the rollback fails as well, the connection is closed.
            let _rolled_back = self.roll_back().await;
            return Err(error);
        }
        match self.reset().await {
            Ok(()) => self.connection.give_back(),
            Err(_) => self.connection.close().await,
        }
        Ok(())
    }
}

impl<DB: SqlxDatabase> fmt::Debug for TransactionGuard<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionGuard").finish_non_exhaustive()
    }
}

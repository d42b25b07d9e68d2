use std::fmt;

use ::sqlx::{Error, TransactionManager};

use super::late_errors::LateErrors;
use super::sqlx_database::SqlxDatabase;
use crate::context::{AsyncContextManager, AsyncGuard, DropNow, ExitReason};

/// Creates a manager that runs its block in a savepoint of the transaction of `connection`, the target of a
/// [`transaction`](super::transaction) or of another savepoint.
///
/// If the block completes, its statements become part of the transaction. If it fails, panics or is dropped, only these
/// statements are undone, and the transaction continues: on PostgreSQL, even after a failed statement.
///
/// # Examples
///
#[cfg_attr(not(doctest), doc = include_str!("examples/savepoint.md"))]
///
/// # Errors
///
/// Entering fails outside of a transaction. The exit fails if the savepoint cannot be released, for example if a statement
/// failed and the block ignored its error.
///
/// # Cancel safety
///
/// The guard borrows the connection, so its exit cannot run as a cleanup. If the future is dropped in the block, the
/// rollback to the savepoint is sent before the next statement of the connection. If it is dropped during the exit, the
/// enclosing transaction may fail at its next statement.
pub fn savepoint<DB, C>(connection: &mut C) -> Savepoint<'_, DB>
where
    DB: SqlxDatabase<Connection = C>,
    C: ::sqlx::Connection<Database = DB>,
{
    Savepoint(connection)
}

/// A manager for a savepoint. Created by [`savepoint`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct Savepoint<'c, DB: SqlxDatabase>(&'c mut DB::Connection);

impl<'c, DB: SqlxDatabase> AsyncContextManager for Savepoint<'c, DB> {
    type Guard = SavepointGuard<'c, DB>;

    async fn aenter(self) -> Result<SavepointGuard<'c, DB>, Error> {
        // sqlx would begin a transaction, which nothing commits.
        if DB::TransactionManager::get_transaction_depth(self.0) == 0 {
            return Err(Error::Configuration(
                "a savepoint needs a transaction: enter it inside of the block of `transaction(..)`".into(),
            ));
        }
        DB::TransactionManager::begin(self.0, None).await?;
        Ok(SavepointGuard { connection: self.0, is_open: true })
    }
}

/// The guard of an entered [`savepoint`].
pub struct SavepointGuard<'c, DB: SqlxDatabase> {
    connection: &'c mut DB::Connection,
    is_open: bool,
}

impl<DB: SqlxDatabase> SavepointGuard<'_, DB> {
    async fn roll_back(&mut self) -> Result<(), Error> {
        let mut late_errors = LateErrors::default();
        while let Err(error) = DB::TransactionManager::rollback(self.connection).await {
            late_errors.ignore(error)?;
        }
        Ok(())
    }
}

impl<DB: SqlxDatabase> AsyncGuard for SavepointGuard<'_, DB> {
    type Target = DB::Connection;
    type Error = Error;
    type Suppression = ();
    // The guard borrows. Its destructor queues the rollback before the next statement of the connection.
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut DB::Connection {
        self.connection
    }

    fn name(&self) -> &'static str {
        "savepoint"
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Error> {
        let result =
            if exit.is_ok() { DB::TransactionManager::commit(self.connection).await } else { Ok(()) };
        if !exit.is_ok() || result.is_err() {
            self.roll_back().await?;
        }
        self.is_open = false;
        result
    }
}

impl<DB: SqlxDatabase> Drop for SavepointGuard<'_, DB> {
    fn drop(&mut self) {
        if self.is_open {
            DB::TransactionManager::start_rollback(self.connection);
        }
    }
}

impl<DB: SqlxDatabase> fmt::Debug for Savepoint<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Savepoint").finish_non_exhaustive()
    }
}

impl<DB: SqlxDatabase> fmt::Debug for SavepointGuard<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavepointGuard").finish_non_exhaustive()
    }
}

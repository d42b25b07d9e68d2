use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use ::sqlx::{Error, Pool};

use super::begin::{Begin, Options};
use super::exclusive_connection::ExclusiveConnection;
use super::isolation_level::IsolationLevel;
use super::sqlx_database::SqlxDatabase;
use super::transaction_guard::TransactionGuard;
use crate::context::{AsyncContextManager, AsyncContextManagerExt};

/// The default of [`rollback_timeout`](ManagedTransaction::rollback_timeout).
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Creates a manager that runs its block in a transaction, on a connection of `pool`.
///
/// The target is the connection, so queries are written as with sqlx alone: `.execute(&mut *tx)`.
///
/// | the block | the transaction |
/// |---|---|
/// | completes, or is left by `return` or `break` | commits |
/// | fails or panics | rolls back, which is awaited |
/// | is dropped | rolls back as a [cleanup](crate::cleanup), for which [`drain`](crate::cleanup::drain()) waits |
///
/// A commit that fails is the error of the block, and rolls back. The pool gets back only connections on which nothing
/// is open: a connection that was lost, or whose rollback fails, is closed.
///
/// # Comparison with sqlx
///
/// `Pool::begin` of sqlx 0.8 and 0.9 is not cancel safe on PostgreSQL: if its future is dropped, the connection returns
/// to the pool inside of a transaction, and the statements of the next borrower become part of it (sqlx#4393). The
/// rollback of a dropped `sqlx::Transaction` runs in a task of its own, for which nothing waits. And if a statement has
/// failed whose error the program ignores, PostgreSQL answers the `COMMIT` with a rollback, for which sqlx returns `Ok`.
/// This manager sends one short statement more before a commit, on which such a transaction fails.
///
/// # Examples
///
#[cfg_attr(not(doctest), doc = include_str!("examples/transaction.md"))]
///
/// # Errors
///
/// - Entering: the errors of [`Pool::acquire`], such as [`Error::PoolTimedOut`], and those of the database.
/// - Exiting: the errors of the commit or of the rollback. If the connection is lost during the commit, it is unknown
///   whether the server has committed.
///
/// # Cancel safety
///
/// If the future is dropped while it waits for a connection, nothing has begun. If it is dropped while the transaction
/// begins, the begin completes as a cleanup, and is rolled back. If it is dropped in the block, the block is rolled back,
/// after a statement that is being executed. If it is dropped during a commit, the commit continues, and so does a
/// rollback. An exit that is [abandoned](crate::cleanup), for example because the runtime shuts down, closes the
/// connection: the database then rolls back.
///
/// # Limitations
///
/// - A statement that was cancelled runs on the server until it ends. The rollback waits for that, for at most
///   [`rollback_timeout`](ManagedTransaction::rollback_timeout).
/// - MySQL and MariaDB commit implicitly before statements that define data, such as `CREATE TABLE`. What they have
///   committed is not rolled back.
/// - MySQL rolls back a transaction that is the victim of a deadlock. If the block ignores that error, its later
///   statements are committed.
/// - sqlx loses count of the responses of MySQL if a statement is cancelled while it is prepared. The exit notices it, and
///   closes the connection. sqlx may also panic then.
/// - SQLite's `BEGIN` takes no lock: the first write may find the database busy, and a transaction that has read before
///   cannot wait. Use [`begin_with("BEGIN IMMEDIATE")`](ManagedTransaction::begin_with) for one that writes.
/// - The only connection of an SQLite database in memory holds the database, which is lost if a failed rollback closes
///   the connection.
/// - A `COMMIT` or `ROLLBACK` that the block itself executes is not noticed on every database.
/// - The SQLite of sqlx and that of rusqlite, which the feature `fleet-sqlite` uses, link different versions of one
///   library. Cargo refuses a program that has both.
pub fn transaction<DB: SqlxDatabase>(pool: &Pool<DB>) -> ManagedTransaction<DB> {
    let options = Options {
        begin: None,
        isolation_level: None,
        is_read_only: false,
        rollback_timeout: ROLLBACK_TIMEOUT,
        retries: 0,
    };
    ManagedTransaction { pool: pool.clone(), options }
}

/// A transaction as a manager. Created by [`transaction`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct ManagedTransaction<DB: SqlxDatabase> {
    pool: Pool<DB>,
    pub(super) options: Options,
}

impl<DB: SqlxDatabase> ManagedTransaction<DB> {
    /// Sets the isolation level of the transaction. The default is that of the database or the session.
    ///
    /// It costs no round trip. On SQLite, which is always serializable, it has no effect.
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.options.isolation_level = Some(level);
        self
    }

    /// Lets statements that write fail. On SQLite, the connection is made read-only until the exit, by
    /// `PRAGMA query_only`.
    pub fn read_only(mut self) -> Self {
        self.options.is_read_only = true;
        self
    }

    /// Sets the statement that begins the transaction, such as `BEGIN IMMEDIATE` of SQLite, as
    /// [`Pool::begin_with`] does. The default is `BEGIN`.
    ///
    /// Entering fails if the statement begins no transaction.
    pub fn begin_with(mut self, statement: impl Into<Cow<'static, str>>) -> Self {
        self.options.begin = Some(statement.into());
        self
    }

    /// Sets how long a rollback may take, including the rest of a statement that was cancelled. The default is 10 seconds.
    /// Then, the connection is closed, and the exit fails with an [`Error::Io`] of the kind `TimedOut`.
    ///
    /// The server rolls back when it notices that the connection is closed: PostgreSQL and MySQL do not notice it before
    /// the statement ends.
    pub fn rollback_timeout(mut self, timeout: Duration) -> Self {
        self.options.rollback_timeout = timeout;
        self
    }

    /// Sets how often [`run`](Self::run) runs its block again after a conflict with another transaction. The default is 0.
    /// It has no effect on a block of [`async_with!`](macro@crate::context::async_with), which can run only once.
    pub fn retry_serialization(mut self, retries: u32) -> Self {
        self.options.retries = retries;
        self
    }
}

impl<DB: SqlxDatabase> Clone for ManagedTransaction<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), options: self.options.clone() }
    }
}

impl<DB: SqlxDatabase> fmt::Debug for ManagedTransaction<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedTransaction").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<DB: SqlxDatabase> AsyncContextManager for ManagedTransaction<DB> {
    type Guard = TransactionGuard<DB>;

    /// Acquires a connection, and begins.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for a connection, it loses its place in the queue. If it is dropped
    /// while the transaction begins, the transaction is rolled back as a cleanup.
    async fn aenter(self) -> Result<TransactionGuard<DB>, Error> {
        let connection = ExclusiveConnection::acquire(&self.pool).await?;
        Begin { connection, options: self.options }.shield_enter().aenter().await
    }
}

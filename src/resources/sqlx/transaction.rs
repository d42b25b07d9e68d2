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
/// The target is the connection, so queries are written as in sqlx: `.execute(&mut *tx)`.
///
/// | the block | the transaction |
/// |---|---|
/// | completes, or is left by `return` or `break` | commits |
/// | fails or panics | rolls back, which is awaited |
/// | is dropped | rolls back as a [cleanup](crate::cleanup), for which [`drain`](crate::cleanup::drain()) waits |
///
/// If the commit fails, the transaction is rolled back, and the macro returns the error. Only connections on which nothing
/// is open return to the pool: a connection that was lost, or whose rollback fails, is closed.
///
/// # Comparison with sqlx
///
/// `Pool::begin` of sqlx 0.8 and 0.9 is not cancel safe on PostgreSQL: if its future is dropped, the connection returns
/// to the pool inside of a transaction, and the statements of its next user become part of it (sqlx#4393). The
/// rollback of a dropped `sqlx::Transaction` runs in a task of its own, for which nothing waits. And if a statement fails
/// and the program ignores its error, PostgreSQL responds to the `COMMIT` with a rollback, for which sqlx returns `Ok`.
/// This manager sends a short statement before each commit, which then fails.
///
/// # Examples
///
#[cfg_attr(not(doctest), doc = include_str!("examples/transaction.md"))]
///
/// # Errors
///
/// - On enter: the errors of [`Pool::acquire`], such as [`Error::PoolTimedOut`], and those of the database.
/// - On exit: the errors of the commit or of the rollback. If the connection is lost during the commit, it is unknown
///   whether the server has committed.
///
/// # Cancel safety
///
/// If the future is dropped while it waits for a connection, nothing has begun. If it is dropped while the transaction
/// begins, the begin completes as a cleanup, and is rolled back. If it is dropped in the block, the transaction is rolled
/// back, after the statement that is being executed. If it is dropped during the exit, the commit or the rollback
/// continues as a cleanup. An [abandoned](crate::cleanup) exit, for example because the runtime shuts down, closes the
/// connection: the database then rolls back.
///
/// # Limitations
///
/// - A cancelled statement continues to run on the server. The rollback waits until it ends, for at most
///   [`rollback_timeout`](ManagedTransaction::rollback_timeout).
/// - The block holds a connection. A second transaction in it needs another one of the pool, and fails with
///   [`Error::PoolTimedOut`] if there is none. A [`savepoint`](super::savepoint) needs none.
/// - MySQL and MariaDB commit implicitly before statements such as `CREATE TABLE`. Such a commit cannot be rolled
///   back.
/// - MySQL rolls back a transaction that is the victim of a deadlock. If the block ignores that error, its later
///   statements are committed.
/// - On MySQL, sqlx loses count of the responses if a statement is cancelled while it is being prepared. The exit notices
///   this, and closes the connection. sqlx may also panic then.
/// - SQLite's `BEGIN` takes no lock: the first write may find the database busy, and cannot wait if the transaction has
///   already read. Use [`begin_with("BEGIN IMMEDIATE")`](ManagedTransaction::begin_with) for a transaction that writes.
/// - An in-memory SQLite database is lost if a failed rollback closes its only connection.
/// - If the block itself executes a `COMMIT` or a `ROLLBACK`, the exit fails. MySQL and MariaDB do not report it.
/// - sqlx and rusqlite, which the feature `fleet-sqlite` uses, link different versions of the SQLite library. Cargo refuses
///   to build a program that has both.
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

/// A manager for a transaction. Created by [`transaction`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct ManagedTransaction<DB: SqlxDatabase> {
    pool: Pool<DB>,
    pub(super) options: Options,
}

impl<DB: SqlxDatabase> ManagedTransaction<DB> {
    /// Sets the isolation level of the transaction. The default is that of the database or the session.
    ///
    /// The setting costs no round trip, and has no effect on SQLite, which is always serializable.
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.options.isolation_level = Some(level);
        self
    }

    /// Makes the transaction read-only: statements that write fail. On SQLite, `PRAGMA query_only` makes the connection
    /// read-only until the exit.
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

    /// Sets the time that a rollback may take, including the rest of a cancelled statement. The default is 10 seconds.
    /// Afterwards, the connection is closed, and the exit fails with an [`Error::Io`] of the kind `TimedOut`.
    ///
    /// The server rolls back when it notices that the connection is closed: PostgreSQL and MySQL do not notice that
    /// before the statement ends.
    pub fn rollback_timeout(mut self, timeout: Duration) -> Self {
        self.options.rollback_timeout = timeout;
        self
    }

    /// Sets the number of retries of [`run`](Self::run) and [`run_send`](Self::run_send) after a conflict with another
    /// transaction. The default is 0. The setting has no effect on a block of
    /// [`async_with!`](macro@crate::context::async_with), which can run only once.
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

    /// Acquires a connection, and begins the transaction.
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

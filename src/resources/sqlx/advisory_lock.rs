use std::fmt;
use std::time::Duration;

use ::sqlx::{Pool, TransactionManager};

use super::advisory_lock_error::AdvisoryLockError;
use super::advisory_lock_key::AdvisoryLockKey;
use super::advisory_lock_sql::{Kind, Wait, acquire, release};
use super::exclusive_connection::ExclusiveConnection;
use super::late_errors::LateErrors;
use super::sqlx_database::SqlxDatabase;
use crate::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason};

/// The time limit for the release of a lock, after which the connection is closed.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);

/// Creates a manager that holds an advisory lock of PostgreSQL, MySQL or MariaDB while its block runs, on a connection of
/// `pool`.
///
/// The lock excludes all other sessions that use the same [key](AdvisoryLockKey), in this process and in others. It belongs
/// to the session, so it can be held for many transactions. The target is its connection. The exit rolls back a transaction
/// that the block has left open, releases the lock, and checks whether the session still holds an advisory lock. If it does,
/// or if anything fails, the connection is closed, which releases all of its locks: no lock stays on a connection of the
/// pool.
///
/// For a lock that ends with a transaction, see [`advisory_xact_lock`](super::advisory_xact_lock).
///
/// # Examples
///
/// An import that one of several processes runs, and the others skip:
///
#[cfg_attr(not(doctest), doc = include_str!("examples/advisory_lock.md"))]
///
/// # Errors
///
/// - On enter: [`Held`](AdvisoryLockError::Held) after [`no_wait`](AdvisoryLock::no_wait),
///   [`TimedOut`](AdvisoryLockError::TimedOut) after [`timeout`](AdvisoryLock::timeout),
///   [`Unsupported`](AdvisoryLockError::Unsupported) on SQLite, and the errors of the pool and the database.
/// - On exit: [`NotReleased`](AdvisoryLockError::NotReleased), and the errors of the database.
///
/// # Cancel safety
///
/// If the future is dropped while it waits for the lock, the connection is closed, because the server may grant the lock
/// at any moment. The server's process waits for at most another 5 seconds. If the future is dropped in the block or during
/// the exit, the lock is released as a [cleanup](crate::cleanup).
///
/// # Limitations
///
/// - The lock is lost with its connection, and the block notices that only when it uses the connection. Work that must not
///   happen without the lock belongs in a transaction on that connection.
/// - The block holds a connection, and so does each scope that waits for a lock. If the block takes further connections from
///   the pool, the pool must be larger than the number of these scopes.
/// - A session that waits longer than 5 seconds requests the lock again, and loses its place in the server's queue.
/// - A pooler that shares sessions between transactions, such as `PgBouncer` in its transaction mode, breaks locks of a
///   session.
/// - MySQL rounds the timeout to seconds.
pub fn advisory_lock<DB: SqlxDatabase>(pool: &Pool<DB>, key: impl Into<AdvisoryLockKey>) -> AdvisoryLock<DB> {
    AdvisoryLock { pool: pool.clone(), key: key.into(), wait: Wait::Forever }
}

/// A manager for an advisory lock. Created by [`advisory_lock`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct AdvisoryLock<DB: SqlxDatabase> {
    pool: Pool<DB>,
    key: AdvisoryLockKey,
    wait: Wait,
}

impl<DB: SqlxDatabase> AdvisoryLock<DB> {
    /// Tries to acquire the lock once: entering fails with [`Held`](AdvisoryLockError::Held) if another session holds it.
    pub fn no_wait(mut self) -> Self {
        self.wait = Wait::No;
        self
    }

    /// Limits the time for which entering waits for the lock, after which it fails with
    /// [`TimedOut`](AdvisoryLockError::TimedOut). The default is no limit.
    ///
    /// The wait for a connection of the pool is not included: the pool's `acquire_timeout` limits it.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.wait = Wait::AtMost(limit);
        self
    }
}

impl<DB: SqlxDatabase> AsyncContextManager for AdvisoryLock<DB> {
    type Guard = AdvisoryLockGuard<DB>;

    /// Acquires a connection, and then the lock.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for the lock, the connection is closed, because the server may grant the
    /// lock at any moment.
    async fn aenter(self) -> Result<AdvisoryLockGuard<DB>, AdvisoryLockError> {
        let mut connection = ExclusiveConnection::acquire(&self.pool).await?;
        let acquired = acquire::<DB>(connection.get(), &self.key, Kind::Session, self.wait).await;
        if let Err(error) = acquired {
            // After any other error, dropping the connection closes it.
            if !matches!(error, AdvisoryLockError::Database(_)) {
                connection.give_back();
            }
            return Err(error);
        }
        Ok(AdvisoryLockGuard { connection, key: self.key })
    }
}

/// The guard of an entered [`advisory_lock`].
pub struct AdvisoryLockGuard<DB: SqlxDatabase> {
    connection: ExclusiveConnection<DB>,
    key: AdvisoryLockKey,
}

impl<DB: SqlxDatabase> AdvisoryLockGuard<DB> {
    async fn release(&mut self) -> Result<(), AdvisoryLockError> {
        let mut late_errors = LateErrors::default();
        // A transaction that the block has left open.
        while self.connection.transaction_depth() > 0 {
            if let Err(error) = DB::TransactionManager::rollback(self.connection.get()).await {
                late_errors.ignore(error)?;
            }
        }
        loop {
            match release::<DB>(self.connection.get(), &self.key).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(AdvisoryLockError::NotReleased),
                Err(error) => late_errors.ignore(error)?,
            }
        }
    }
}

impl<DB: SqlxDatabase> AsyncGuard for AdvisoryLockGuard<DB> {
    type Target = DB::Connection;
    type Error = AdvisoryLockError;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut DB::Connection {
        self.connection.get()
    }

    fn name(&self) -> &'static str {
        "advisory lock"
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), AdvisoryLockError> {
        let released = match tokio::time::timeout(RELEASE_TIMEOUT, self.release()).await {
            Ok(result) => result,
            Err(_) => Err(AdvisoryLockError::NotReleased),
        };
        match released {
            Ok(()) => self.connection.give_back(),
            Err(_) => self.connection.close().await,
        }
        released
    }
}

impl<DB: SqlxDatabase> fmt::Debug for AdvisoryLock<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdvisoryLock")
            .field("key", &self.key)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl<DB: SqlxDatabase> fmt::Debug for AdvisoryLockGuard<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdvisoryLockGuard").field("key", &self.key).finish_non_exhaustive()
    }
}

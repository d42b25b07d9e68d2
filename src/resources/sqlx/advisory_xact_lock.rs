use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use ::sqlx::TransactionManager;

use super::advisory_lock_error::AdvisoryLockError;
use super::advisory_lock_key::AdvisoryLockKey;
use super::advisory_lock_sql::{Kind, Wait, acquire};
use super::sqlx_database::SqlxDatabase;

/// Acquires an advisory lock of PostgreSQL that is held until the end of the transaction of `connection`, the target of
/// a [`transaction`](super::transaction).
///
/// The lock needs no exit: the commit or the rollback releases it, and so does the rollback of a
/// [`savepoint`](super::savepoint) in which it was acquired.
///
/// # Examples
///
#[cfg_attr(not(doctest), doc = include_str!("examples/advisory_xact_lock.md"))]
///
/// # Errors
///
/// The errors of entering an [`advisory_lock`](super::advisory_lock). MySQL is
/// [`Unsupported`](AdvisoryLockError::Unsupported) as well. After [`Held`](AdvisoryLockError::Held) and
/// [`TimedOut`](AdvisoryLockError::TimedOut), the transaction can continue. Outside of a transaction, the future returns an
/// error, because the lock would be released at once.
///
/// # Cancel safety
///
/// If the future is dropped, the lock may still be acquired. It is then released at the end of the transaction. If it is
/// not acquired, the transaction fails: its next statement waits for at most 5 seconds, and returns the error of the lock.
/// Use [`timeout`](AdvisoryXactLock::timeout) instead of dropping the future, so that the transaction can continue.
pub fn advisory_xact_lock<DB, C>(
    connection: &mut C,
    key: impl Into<AdvisoryLockKey>,
) -> AdvisoryXactLock<'_, DB>
where
    DB: SqlxDatabase<Connection = C>,
    C: ::sqlx::Connection<Database = DB>,
{
    AdvisoryXactLock { connection, key: key.into(), wait: Wait::Forever }
}

/// A future that acquires an advisory lock. Created by [`advisory_xact_lock`].
#[must_use = "the lock is acquired when it is awaited"]
pub struct AdvisoryXactLock<'c, DB: SqlxDatabase> {
    connection: &'c mut DB::Connection,
    key: AdvisoryLockKey,
    wait: Wait,
}

impl<DB: SqlxDatabase> AdvisoryXactLock<'_, DB> {
    /// Tries to acquire the lock once, and fails with [`Held`](AdvisoryLockError::Held) if another session holds it.
    pub fn no_wait(mut self) -> Self {
        self.wait = Wait::No;
        self
    }

    /// Limits the time to wait for the lock, after which the future fails with [`TimedOut`](AdvisoryLockError::TimedOut).
    /// The default is no limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.wait = Wait::AtMost(limit);
        self
    }
}

impl<'c, DB: SqlxDatabase> IntoFuture for AdvisoryXactLock<'c, DB> {
    type Output = Result<(), AdvisoryLockError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            // Outside of a transaction, the lock would be released at once.
            if DB::TransactionManager::get_transaction_depth(self.connection) == 0 {
                return Err(AdvisoryLockError::Database(::sqlx::Error::Configuration(
                    "the lock needs a transaction: acquire it inside of the block of `transaction(..)`"
                        .into(),
                )));
            }
            acquire::<DB>(self.connection, &self.key, Kind::Transaction, self.wait).await
        })
    }
}

impl<DB: SqlxDatabase> fmt::Debug for AdvisoryXactLock<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdvisoryXactLock")
            .field("key", &self.key)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

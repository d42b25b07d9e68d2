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

/// Creates a manager that runs its block in a transaction of a connection of `pool`.
///
/// TODO
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
    /// TODO
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.options.isolation_level = Some(level);
        self
    }

    /// TODO
    pub fn read_only(mut self) -> Self {
        self.options.is_read_only = true;
        self
    }

    /// TODO
    pub fn begin_with(mut self, statement: impl Into<Cow<'static, str>>) -> Self {
        self.options.begin = Some(statement.into());
        self
    }

    /// TODO
    pub fn rollback_timeout(mut self, timeout: Duration) -> Self {
        self.options.rollback_timeout = timeout;
        self
    }

    /// TODO
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

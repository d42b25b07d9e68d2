use std::future::Future;
use std::time::Duration;

use ::sqlx::pool::PoolConnection;
use ::sqlx::{Database, Error, Pool, TransactionManager};

/// The time for a connection's graceful close. Afterwards, it is closed by dropping it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection of a pool that is closed when it is dropped, unless it was given back: nothing that it has begun reaches
/// the next borrower.
///
/// The destructor of sqlx's own connection gives it back. That needs a runtime, and a transaction or a lock of which
/// sqlx does not know stays open.
pub(super) struct ExclusiveConnection<DB: Database>(Option<PoolConnection<DB>>);

impl<DB: Database> ExclusiveConnection<DB> {
    /// Acquires a connection from the pool. If the future is dropped, the pool has the connection back, or has closed it.
    pub(super) async fn acquire(pool: &Pool<DB>) -> Result<Self, Error> {
        loop {
            let connection = Self(Some(pool.acquire().await?));
            // A transaction that was leaked: what begins now would be a savepoint in it. Dropping closes it.
            if connection.transaction_depth() == 0 {
                return Ok(connection);
            }
        }
    }

    pub(super) fn get(&mut self) -> &mut DB::Connection {
        self.0.as_mut().expect("connection used after the exit")
    }

    /// Returns the number of transactions and savepoints that sqlx has begun.
    pub(super) fn transaction_depth(&self) -> usize {
        let connection = self.0.as_deref().expect("connection used after the exit");
        DB::TransactionManager::get_transaction_depth(connection)
    }

    /// Gives the connection back to its pool. Nothing that it has begun may be left.
    pub(super) fn give_back(&mut self) {
        drop(self.0.take());
    }

    /// Closes the connection. The server rolls back its transaction and releases its locks.
    pub(super) fn close(&mut self) -> impl Future<Output = ()> + Send + use<DB> {
        let connection = self.0.take();
        async {
            let Some(connection) = connection else { return };
            // The result is of no use: the connection is closed in any case.
            let _closed = tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await;
        }
    }
}

impl<DB: Database> Drop for ExclusiveConnection<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            // Dropping the connection itself closes it. This needs no runtime.
            drop(connection.detach());
        }
    }
}

use std::future::Future;
use std::time::Duration;

use ::sqlx::pool::PoolConnection;
use ::sqlx::{Database, Error, Pool, TransactionManager};

/// The time limit for the graceful close of a connection, which is dropped afterwards.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection of a pool that is closed when it is dropped, unless it was returned to the pool: nothing that it has begun
/// reaches the next user.
///
/// The destructor of sqlx's own connection returns it to the pool. That needs a runtime, and a transaction or a lock that
/// sqlx does not know about stays open.
pub(super) struct ExclusiveConnection<DB: Database>(Option<PoolConnection<DB>>);

impl<DB: Database> ExclusiveConnection<DB> {
    /// Acquires a connection from the pool. If the future is dropped, the pool gets the connection back, or closes it.
    pub(super) async fn acquire(pool: &Pool<DB>) -> Result<Self, Error> {
        loop {
            let connection = Self(Some(pool.acquire().await?));
            // A leaked transaction: a new one would be a savepoint in it. Dropping the connection closes it.
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

    /// Returns the connection to its pool. Nothing that it has begun may still be open.
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

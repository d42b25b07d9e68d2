//! A transaction of tokio-postgres on a connection of a deadpool pool.
//!
//! # Problem
//!
//! A dropped future returns its connection to the pool at once, while the statement that it awaited continues on the server,
//! with its locks: the next user of the connection waits for it. (For a connection that is closed,
//! [deadpool#237](https://github.com/deadpool-rs/deadpool/pull/237) has solved that.) The destructor of
//! `Transaction` sends `ROLLBACK`, but nothing waits for the response, and its error is lost. A transaction that was begun with
//! `batch_execute("BEGIN")` remains open, as after a cancelled `Pool::begin` of sqlx
//! ([sqlx#4393](https://github.com/transact-rs/sqlx/issues/4393)).
//!
//! # Recipe
//!
//! The connection belongs to the scope until the transaction has ended on the server. After a cancellation, the running
//! statement is cancelled first. A connection whose transaction cannot be ended is closed instead of returned to the pool. The
//! enter is shielded, because a `BEGIN` that was sent cannot be revoked. A block that completes although it ignored the error of
//! a statement does not commit: the exit returns an error.
//!
//! # Limits
//!
//! If the connection is lost during `COMMIT`, it is unknown whether the transaction was committed. After `kill -9`, the server
//! rolls back when it notices the end of the connection: set `tcp_user_timeout` and `idle_in_transaction_session_timeout`.

use deadpool_postgres::{Object, Pool};
use tokio_postgres::{Error, NoTls};
use withal::context::{
    AsyncContextManager, AsyncContextManagerExt, AsyncGuard, async_with, asynccontextmanager,
};
use withal::tasks::BoxError;

/// Begins a transaction by `begin`, such as `"BEGIN ISOLATION LEVEL SERIALIZABLE"`. It is committed if the block completes.
pub fn postgres_transaction(
    connection: Object,
    begin: &'static str,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = Object, Error = Error, Suppression = ()> + Send> + Send
{
    asynccontextmanager(async move |y| {
        connection.batch_execute(begin).await?;
        let (connection, exit) = y.yield_(connection).await;
        let mut committed = Ok(());
        if exit.is_ok() {
            // After a statement that failed, `COMMIT` alone rolls back, and reports success. `SELECT` fails then.
            committed = connection.batch_execute("SELECT 1; COMMIT").await;
            if committed.is_ok() {
                return committed;
            }
        } else if exit.is_cancelled() {
            // Fails only if the server does not accept the request: then the statement runs to its end.
            connection.cancel_token().cancel_query(NoTls).await.ok();
        }
        let rolled_back = connection.batch_execute("ROLLBACK").await;
        if rolled_back.is_err() {
            drop(Object::take(connection)); // closes the connection
        }
        committed.and(rolled_back)
    })
    .shield_enter()
}

/// Transfers an amount between two accounts.
///
/// # Errors
///
/// The error of the pool, of a statement, or of the commit.
pub async fn transfer(pool: &Pool, from: i32, to: i32, amount: i64) -> Result<(), BoxError> {
    let connection = pool.get().await?; // outside of the scope: a future that waits for a connection is dropped at once
    async_with!(tx = postgres_transaction(connection, "BEGIN") => {
        let add = tx.prepare_cached("UPDATE account SET balance = balance + $2 WHERE id = $1").await?;
        tx.execute(&add, &[&from, &-amount]).await?;
        tx.execute(&add, &[&to, &amount]).await?;
    })?;
    Ok(())
}

//! `testing::cancel_at_every_await` on sqlx: it finds the bug of a transaction without a manager, and none in the same
//! transaction with the manager.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Error, Sqlite};
use withal::context::async_with;
use withal::resources::transaction;
use withal::testing::cancel_at_every_await;

use crate::database::TestDb;

/// The bug: if the future is dropped after the first statement, the connection returns to the pool in a transaction.
async fn insert_plain(pool: &SqlitePool) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    Sqlite::run(&mut connection, "BEGIN").await?;
    // The thread of SQLite may have completed each statement before it is polled. This is pending in each run.
    tokio::task::yield_now().await;
    Sqlite::run(&mut connection, "INSERT INTO names VALUES ('Ada')").await?;
    Sqlite::run(&mut connection, "COMMIT").await?;
    Ok(())
}

async fn insert_managed(pool: &SqlitePool) -> Result<(), Error> {
    async_with!(tx = transaction(pool) => {
        Sqlite::run(tx, "INSERT INTO names VALUES ('Ada')").await?;
    })
}

/// Cancels the program at every await, and returns the number of runs that left a transaction open.
async fn left_open<P: Future<Output = Result<(), Error>>>(
    pool: &SqlitePool,
    program: impl FnMut() -> P,
) -> usize {
    let mut left_open = 0;
    // The thread of SQLite decides how many awaits a run has.
    let drops = cancel_at_every_await(program).repeat(5).check(async |output| {
        // A run that follows a fault may fail. Only what was left open counts.
        drop(output);
        let mut connection = pool.acquire().await.unwrap();
        left_open += usize::from(Sqlite::run(&mut connection, "BEGIN").await.is_err());
        Sqlite::run(&mut connection, "ROLLBACK").await.unwrap();
    });
    assert!(drops.await >= 5);
    left_open
}

#[tokio::test]
async fn it_finds_the_fault_of_a_plain_transaction() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    Sqlite::run(&mut pool.acquire().await.unwrap(), "CREATE TABLE names (name)").await.unwrap();
    assert!(left_open(&pool, || insert_plain(&pool)).await > 0);
    assert_eq!(left_open(&pool, || insert_managed(&pool)).await, 0);
}

//! Named locks, and statements that are cancelled while they are prepared: both only in MySQL and MariaDB.

use std::time::Duration;

use sqlx::MySql;
use tokio::time::timeout;
use withal::context::async_with;
use withal::resources::{AdvisoryLockError, advisory_lock, advisory_xact_lock, transaction};

use crate::database::{TestDb, database};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_locks() {
    let database = database!(MySql);
    let (pool, other) = (database.pool(1).await, database.pool(1).await);
    let count =
        "SELECT CAST(count(*) AS SIGNED) FROM information_schema.processlist WHERE IS_USED_LOCK('7') = id";
    async_with!(connection = advisory_lock(&pool, 7) => {
        assert_eq!(MySql::number(connection, count).await.unwrap(), 1);
        for key in ["7", "name 'with' \\ quotes ☃"] {
            let free = async_with!(_lock = advisory_lock(&other, key).no_wait() => {});
            assert_eq!(free.is_ok(), key != "7", "{free:?}");
        }
        let late = async_with!(_lock = advisory_lock(&other, 7).timeout(Duration::from_millis(200)) => {});
        assert!(matches!(late, Err(AdvisoryLockError::TimedOut(_))));
    })
    .unwrap();
    async_with!(_lock = advisory_lock(&other, 7).timeout(Duration::from_secs(1)) => {}).unwrap();
    assert_eq!((pool.size(), other.size()), (1, 1));
    // Acquired twice: the connection is closed.
    let result = async_with!(connection = advisory_lock(&pool, 7) => {
        MySql::run(connection, "DO GET_LOCK('7', 0)").await.unwrap();
    });
    assert!(matches!(result, Err(AdvisoryLockError::NotReleased)));
    async_with!(_lock = advisory_lock(&other, 7).timeout(Duration::from_secs(10)) => {}).unwrap();
    // A transaction of which sqlx does not know is rolled back.
    async_with!(connection = advisory_lock(&pool, 7) => {
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await.unwrap();
        MySql::run(connection, "INSERT INTO halves VALUES (1, 1)").await.unwrap();
    })
    .unwrap();
    database.assert_clean(&pool).await;
    assert_eq!(database.rows().await, 0);
    async_with!(tx = transaction(&pool) => {
        let result = advisory_xact_lock(tx, 7).await;
        assert!(matches!(result, Err(AdvisoryLockError::Unsupported("MySQL"))));
    })
    .unwrap();
    database.assert_clean(&pool).await;
}

/// sqlx loses count of the server's responses if a statement is cancelled while it is prepared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_cancelled_while_it_is_prepared() {
    let database = database!(MySql);
    let pool = database.pool(1).await;
    for commits in [false, true] {
        for micros in (0..40).map(|n| n * 20) {
            let result = async_with!(tx = transaction(&pool).rollback_timeout(Duration::from_millis(500)) => {
                MySql::run(tx, "INSERT INTO halves VALUES (-2, 1)").await.unwrap();
                // Not in the cache of prepared statements, with parameters and columns.
                let sql = format!("SELECT id, half, ?, ?, ?, ?, ? FROM halves WHERE id = ? OR id = {micros}");
                let mut query = sqlx::query(&sql);
                for n in 0..6 {
                    query = query.bind(n);
                }
                let _elapsed = timeout(Duration::from_micros(micros), query.fetch_all(&mut *tx)).await;
                if commits { Ok(()) } else { Err("refused") }
            });
            let rows = database.number("SELECT count(*) FROM halves").await;
            assert_eq!(rows, i64::from(commits && result.is_ok()), "{result:?}");
            database.run("DELETE FROM halves").await;
        }
    }
    database.assert_clean(&pool).await;
}

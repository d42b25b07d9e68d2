//! Databases in memory, rollbacks by SQLite itself, busy databases, and `PRAGMA query_only`.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Error, Sqlite};
use withal::context::async_with;
use withal::resources::{IsolationLevel, transaction};

use crate::database::{TestDb, database};

/// Closing the only connection of a database in memory would delete the database.
#[tokio::test]
async fn a_database_in_memory_survives() {
    let options = SqliteConnectOptions::new().in_memory(true).busy_timeout(Duration::ZERO);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let run =
        async |sql: &'static str| async_with!(tx = transaction(&pool) => { Sqlite::run(tx, sql).await?; });
    let run = async |sql| -> Result<(), Error> { run(sql).await };
    run("CREATE TABLE t (id INT PRIMARY KEY)").await.unwrap();
    run("INSERT INTO t VALUES (1)").await.unwrap();
    async_with!(_tx = transaction(&pool).begin_with("BEGIN NOTHING") => {}).unwrap_err();
    async_with!(_tx = transaction(&pool).begin_with("BEGIN NOTHING").read_only() => {}).unwrap_err();
    // SQLite itself rolls back, which sqlx does not notice.
    let result = async_with!(tx = transaction(&pool) => {
        Sqlite::run(tx, "INSERT INTO t VALUES (2)").await.unwrap();
        Sqlite::run(tx, "INSERT OR ROLLBACK INTO t VALUES (1)").await.unwrap_err();
    });
    assert!(result.unwrap_err().to_string().contains("no transaction is active"));
    let result = async_with!(tx = transaction(&pool) => {
        Sqlite::run(tx, "INSERT OR ROLLBACK INTO t VALUES (1)").await.unwrap_err();
        Err::<(), _>("refused")
    });
    result.unwrap().unwrap_err();
    run("INSERT INTO t VALUES (3)").await.unwrap();
    let count = async_with!(tx = transaction(&pool).isolation_level(IsolationLevel::ReadCommitted).read_only() => {
        Sqlite::number(tx, "SELECT count(*) FROM t").await.unwrap()
    });
    assert_eq!((count.unwrap(), pool.size()), (2, 1));
}

#[tokio::test]
async fn a_busy_database() {
    let database = database!(Sqlite);
    let options = database.options().busy_timeout(Duration::ZERO);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let immediate = || transaction(&pool).begin_with("BEGIN IMMEDIATE");
    async_with!(tx = immediate() => {
        Sqlite::run(tx, "INSERT INTO halves VALUES (1, 1)").await.unwrap();
        let second = async_with!(_tx = immediate() => {});
        assert_eq!(second.unwrap_err().as_database_error().unwrap().code().unwrap(), "5");
    })
    .unwrap();
    database.assert_clean(&pool).await;
}

/// A connection that was read-only before stays so.
#[tokio::test]
async fn query_only_of_the_application() {
    let database = database!(Sqlite);
    let options = database.options().pragma("query_only", "ON");
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    async_with!(_tx = transaction(&pool).read_only() => {}).unwrap();
    let result: Result<Result<u64, Error>, Error> = async_with!(tx = transaction(&pool) => {
        Sqlite::run(tx, "INSERT INTO halves VALUES (1, 1)").await
    });
    result.unwrap().unwrap_err();
}

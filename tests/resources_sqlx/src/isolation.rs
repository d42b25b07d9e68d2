//! Isolation levels, and the retry of transactions that conflict.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Error, Postgres};
use tokio::sync::Barrier;
use withal::context::async_with;
use withal::resources::{AdvisoryLockError, IsolationLevel, advisory_xact_lock, transaction};

use crate::database::{TestDb, database, on_all};

on_all! { repeatable_read_reads_one_state conflicting_increments_run_again }

async fn repeatable_read_reads_one_state<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(2).await;
    let count = "SELECT count(*) FROM halves";
    for (level, sees_insert) in
        [(IsolationLevel::ReadCommitted, DB::NAME != "SQLite"), (IsolationLevel::RepeatableRead, false)]
    {
        async_with!(tx = transaction(&pool).isolation_level(level).read_only() => {
            let before = DB::number(tx, count).await.unwrap();
            database.run("INSERT INTO halves VALUES (1, 1)").await;
            assert_eq!(DB::number(tx, count).await.unwrap() - before, i64::from(sees_insert), "{level:?}");
        })
        .unwrap();
    }
    // The level is that of one transaction.
    if DB::NAME == "PostgreSQL" {
        let level = "SELECT count(*) FROM pg_settings \
            WHERE name = 'transaction_isolation' AND setting = 'read committed'";
        async_with!(tx = transaction(&pool) => {
            assert_eq!(DB::number(tx, level).await.unwrap(), 1);
        })
        .unwrap();
    }
    database.assert_clean(&pool).await;
}

/// Two transactions read the same count, and then insert a row with it.
async fn conflicting_increments_run_again<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(2).await;
    let (both_have_read, attempts) = (Barrier::new(2), AtomicU32::new(0));
    let serializable =
        transaction(&pool).isolation_level(IsolationLevel::Serializable).retry_serialization(20);
    let increment = async || {
        let mut is_first = true;
        serializable
            .clone()
            .run(async |tx| {
                attempts.fetch_add(1, Ordering::Relaxed);
                let count = DB::number(tx, "SELECT count(*) FROM halves").await?;
                if std::mem::take(&mut is_first) {
                    both_have_read.wait().await;
                }
                DB::run(tx, &format!("INSERT INTO halves VALUES ({count}, 1)")).await?;
                Ok::<_, Error>(count)
            })
            .await
    };
    let (first, second) = futures::join!(increment(), increment());
    let mut counts = [first.unwrap(), second.unwrap()];
    counts.sort_unstable();
    assert_eq!(counts, [0, 1]);
    assert!(attempts.load(Ordering::Relaxed) > 2, "they did not conflict");
    database.assert_clean(&pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_conflicts_are_retried() {
    #[derive(Debug, thiserror::Error)]
    enum AppError {
        #[error("database")]
        Database(#[from] Error),
        #[error("lock")]
        Lock(#[from] AdvisoryLockError),
        #[error("refused")]
        Refused,
    }
    #[derive(Debug, thiserror::Error)]
    enum Transparent {
        #[error(transparent)]
        Database(#[from] Error),
        #[error(transparent)]
        Lock(#[from] AdvisoryLockError),
    }
    let database = database!(Postgres);
    let pool = database.pool(1).await;
    let conflict = "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$";
    let mut attempts = 0;
    let manager = transaction(&pool).retry_serialization(2);
    // In a task: the future is `Send`.
    let result = tokio::spawn(
        manager
            .clone()
            .run(async move |tx: &mut sqlx::PgConnection| Postgres::run(tx, conflict).await.map(drop)),
    )
    .await
    .unwrap();
    result.unwrap_err();
    let result = manager.clone().run(async |tx| {
        attempts += 1;
        advisory_xact_lock(tx, 1).await?;
        Postgres::run(tx, conflict).await?;
        Ok::<_, AppError>(())
    });
    assert!(matches!(result.await, Err(AppError::Database(_))));
    assert_eq!(attempts, 3);
    let result = manager.clone().run(async |_| {
        attempts += 1;
        Err::<(), _>(AppError::Refused)
    });
    assert!(matches!(result.await, Err(AppError::Refused)));
    assert_eq!(attempts, 4);
    let result = manager.run(async |tx| {
        attempts += 1;
        Postgres::run(tx, conflict).await?;
        Ok::<_, anyhow::Error>(())
    });
    result.await.unwrap_err();
    assert_eq!(attempts, 7);
    // The sources of these errors do not contain that of sqlx.
    for is_of_lock in [false, true] {
        let attempts = AtomicU32::new(0);
        let manager = transaction(&pool).retry_serialization(2);
        // In a task, with a closure that captures references.
        let work = async move {
            let result = manager.run_send(async |tx| {
                attempts.fetch_add(1, Ordering::Relaxed);
                let failed = Postgres::run(tx, conflict).await.map(drop);
                if is_of_lock {
                    failed.map_err(AdvisoryLockError::from)?;
                } else {
                    failed?;
                }
                Ok::<_, Transparent>(())
            });
            result.await.unwrap_err();
            attempts.into_inner()
        };
        assert_eq!(tokio::spawn(work).await.unwrap(), 3);
    }
    database.assert_clean(&pool).await;
}

//! The same program with sqlx alone. It prints a table of what it leaves behind without `transaction` and `advisory_lock`.

use std::time::Duration;

use sqlx::postgres::{PgAdvisoryLock, PgPool};
use sqlx::{Connection, Postgres};
use tokio::time::{sleep, timeout};

use crate::database::{TestDb, database};
use crate::step::{Marker, Schedule, Step, cancel_at, cancellations};

async fn insert_both(pool: &PgPool, marker: &Marker, is_refused: bool) -> Result<(), sqlx::Error> {
    marker.enter(Step::Begin);
    let mut tx = pool.begin().await?;
    marker.enter(Step::Insert);
    Postgres::run(&mut tx, "INSERT INTO halves VALUES (1, 1)").await?;
    marker.enter(Step::Savepoint);
    let mut nested = tx.begin().await?;
    Postgres::run(&mut nested, "INSERT INTO halves VALUES (1, 2)").await?;
    nested.commit().await?;
    if is_refused {
        marker.enter(Step::Rollback);
        return tx.rollback().await;
    }
    marker.enter(Step::Commit);
    tx.commit().await
}

async fn insert_locked(pool: &PgPool, marker: &Marker) -> Result<(), sqlx::Error> {
    let lock = PgAdvisoryLock::new("import");
    let connection = pool.acquire().await?;
    marker.enter(Step::Lock);
    let mut guard = lock.acquire(connection).await?;
    Postgres::run(&mut guard, "INSERT INTO halves VALUES (1, 1), (1, 2)").await?;
    guard.release_now().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leftovers_of_sqlx_alone() {
    let database = database!(Postgres);
    let count = (cancellations() / 3).clamp(1, 100);
    // Also if a connection waits for a lock that another one has left.
    let new_pool = async || {
        let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        database.run(&format!("SELECT pg_terminate_backend(pid) {others}")).await;
        database.pool(2).await
    };
    println!("sqlx alone, each step cancelled {count} times, on a pool of 2 connections:");
    println!("| step | connections left in a transaction | locks left | runs that waited for such a lock |");
    println!("|---|---|---|---|");
    for step in [Step::Begin, Step::Insert, Step::Savepoint, Step::Commit, Step::Rollback, Step::Lock] {
        let mut schedule = Schedule::default();
        let (mut cancelled, mut in_transaction, mut locks, mut waited) = (0, 0, 0, 0);
        let mut pool = new_pool().await;
        while cancelled < count {
            let (n, delay) = schedule.next();
            let marker = Marker::default();
            let run = async {
                if step == Step::Lock {
                    cancel_at(Box::pin(insert_locked(&pool, &marker)), &marker, step, n, delay).await
                } else {
                    let program = insert_both(&pool, &marker, step == Step::Rollback);
                    cancel_at(Box::pin(program), &marker, step, n, delay).await
                }
            };
            match timeout(Duration::from_secs(3), run).await {
                Ok(None) => cancelled += 1,
                // The result of sqlx alone does not matter here.
                Ok(Some(_)) => {
                    schedule.completed();
                    continue;
                }
                Err(_) => {
                    waited += 1;
                    pool = new_pool().await;
                    continue;
                }
            }
            // Some time for the task that returns the connection to the pool.
            sleep(Duration::from_millis(2)).await;
            if database.left_over().await == (0, 0) {
                continue;
            }
            sleep(Duration::from_millis(100)).await;
            let left_over = database.left_over().await;
            if left_over != (0, 0) {
                in_transaction += left_over.0;
                locks += left_over.1;
                pool = new_pool().await;
            }
        }
        println!("| {step:?} | {in_transaction} | {locks} | {waited} |");
        if step == Step::Begin {
            assert!(in_transaction > 0, "sqlx#4393 is fixed: the documentation of `transaction` states it");
        }
    }
}

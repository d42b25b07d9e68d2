//! The same program with sqlx alone. The table that it prints is why `transaction` and `advisory_lock` exist.

use std::time::Duration;

use sqlx::postgres::{PgAdvisoryLock, PgPool};
use sqlx::{Connection, Postgres};
use tokio::time::sleep;

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
    let count = cancellations().min(100);
    println!("sqlx alone, each step cancelled {count} times, on a pool of 2 connections:");
    println!("| step | connections left in a transaction | locks left |");
    println!("|---|---|---|");
    for step in [Step::Begin, Step::Insert, Step::Savepoint, Step::Commit, Step::Rollback, Step::Lock] {
        let mut schedule = Schedule::default();
        let (mut cancelled, mut in_transaction, mut locks) = (0, 0, 0);
        let mut pool = database.pool(2).await;
        while cancelled < count {
            let (n, delay) = schedule.next();
            let marker = Marker::default();
            let result = if step == Step::Lock {
                cancel_at(Box::pin(insert_locked(&pool, &marker)), &marker, step, n, delay).await
            } else {
                let is_refused = step == Step::Rollback;
                cancel_at(Box::pin(insert_both(&pool, &marker, is_refused)), &marker, step, n, delay).await
            };
            match result {
                None => cancelled += 1,
                Some(result) => {
                    result.unwrap();
                    schedule.completed();
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
                // The next run has a new pool.
                pool.close().await;
                pool = database.pool(2).await;
            }
        }
        println!("| {step:?} | {in_transaction} | {locks} |");
        if step == Step::Begin {
            assert!(in_transaction > 0, "sqlx#4393 is fixed: the documentation of `transaction` states it");
        }
        pool.close().await;
    }
}

//! The acceptance test: a program of transactions and locks is cancelled at every await, on a pool of two connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{Pool, Postgres};
use withal::context::async_with;
use withal::resources::{AdvisoryLockError, advisory_lock, advisory_xact_lock, savepoint, transaction};

use crate::database::{TestDb, database, on_all};
use crate::step::{Marker, Schedule, Step, cancel_at, cancellations};

on_all! { every_step_is_cancelled }

const STEPS: [Step; 5] = [Step::Begin, Step::Insert, Step::Savepoint, Step::Commit, Step::Rollback];

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error("refused")]
    Refused,
}

/// Inserts two halves of a record, the second one in a savepoint.
async fn insert_both<DB: TestDb>(
    pool: &Pool<DB>,
    marker: &Marker,
    id: i64,
    is_refused: bool,
) -> Result<(), Failure> {
    marker.enter(Step::Begin);
    async_with!(tx = transaction(pool) => {
        marker.enter(Step::Insert);
        DB::run(tx, &format!("INSERT INTO halves VALUES ({id}, 1)")).await?;
        marker.enter(Step::Savepoint);
        async_with!(nested = savepoint(tx) => {
            DB::run(nested, &format!("INSERT INTO halves VALUES ({id}, 2)")).await?;
        })?;
        if is_refused {
            marker.enter(Step::Rollback);
            Err(Failure::Refused)?;
        }
        marker.enter(Step::Commit);
    })?;
    Ok(())
}

async fn every_step_is_cancelled<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(2).await;
    let next_id = Arc::new(AtomicI64::new(1));
    for step in STEPS {
        let mut workers = Vec::new();
        for _ in 0..2 {
            let (pool, next_id) = (pool.clone(), Arc::clone(&next_id));
            workers.push(tokio::spawn(async move {
                let mut schedule = Schedule::default();
                let (mut absent, mut present, mut cancelled) = (Vec::new(), Vec::new(), 0);
                while cancelled < cancellations().div_ceil(2) {
                    let (n, delay) = schedule.next();
                    let id = next_id.fetch_add(1, Ordering::Relaxed);
                    let marker = Marker::default();
                    let program = Box::pin(insert_both(&pool, &marker, id, step == Step::Rollback));
                    match cancel_at(program, &marker, step, n, delay).await {
                        None => {
                            cancelled += 1;
                            // A commit that was cancelled completes, unless its statement was not sent yet.
                            if step != Step::Commit {
                                absent.push(id);
                            }
                        }
                        Some(Ok(())) => {
                            schedule.completed();
                            present.push(id);
                        }
                        Some(Err(Failure::Refused)) => {
                            schedule.completed();
                            absent.push(id);
                        }
                        Some(Err(error)) => panic!("{step:?}: {error}"),
                    }
                }
                (absent, present)
            }));
        }
        let outcomes = futures::future::try_join_all(workers).await.unwrap();
        database.assert_clean(&pool).await;
        for (absent, present) in outcomes {
            let rows = async |ids: &[i64]| {
                let ids = [0].iter().chain(ids).map(i64::to_string).collect::<Vec<_>>().join(",");
                database.number(&format!("SELECT count(*) FROM halves WHERE id IN ({ids})")).await
            };
            assert_eq!(rows(&absent).await, 0, "{step:?}: rows of transactions that were cancelled");
            assert_eq!(rows(&present).await, 2 * i64::try_from(present.len()).unwrap());
        }
    }
    let half_written = "SELECT count(*) FROM (SELECT id FROM halves GROUP BY id HAVING count(*) <> 2) AS t";
    assert_eq!(database.number(half_written).await, 0);
    assert!(pool.size() <= 2);
}

/// Holds a lock while it inserts, by an own lock or one of the transaction.
async fn insert_locked(
    pool: &Pool<Postgres>,
    marker: &Marker,
    id: i64,
    in_transaction: bool,
) -> Result<(), AdvisoryLockError> {
    let sql = format!("INSERT INTO halves VALUES ({id}, 1), ({id}, 2)");
    if in_transaction {
        async_with!(tx = transaction(pool) => {
            marker.enter(Step::Lock);
            advisory_xact_lock(tx, "import").await?;
            Postgres::run(tx, &sql).await?;
        })?;
        return Ok(());
    }
    marker.enter(Step::Lock);
    async_with!(connection = advisory_lock(pool, "import") => {
        Postgres::run(connection, &sql).await?;
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_await_of_a_lock_is_cancelled() {
    let database = database!(Postgres);
    let pool = database.pool(2).await;
    let next_id = Arc::new(AtomicI64::new(1));
    for in_transaction in [false, true] {
        let workers = [0, 1].map(|_| {
            let (pool, next_id) = (pool.clone(), Arc::clone(&next_id));
            tokio::spawn(async move {
                let mut schedule = Schedule::default();
                let mut cancelled = 0;
                while cancelled < cancellations().div_ceil(2) {
                    let (n, delay) = schedule.next();
                    let id = next_id.fetch_add(1, Ordering::Relaxed);
                    let marker = Marker::default();
                    let program = Box::pin(insert_locked(&pool, &marker, id, in_transaction));
                    match cancel_at(program, &marker, Step::Lock, n, delay).await {
                        None => cancelled += 1,
                        Some(result) => {
                            result.unwrap();
                            schedule.completed();
                        }
                    }
                }
            })
        });
        futures::future::try_join_all(workers).await.unwrap();
        database.assert_clean(&pool).await;
    }
    let half_written = "SELECT count(*) FROM (SELECT id FROM halves GROUP BY id HAVING count(*) <> 2) AS t";
    assert_eq!(database.number(half_written).await, 0);
}

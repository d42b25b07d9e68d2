//! Commits and rollbacks on each path out of a block.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use crate::database::{TestDb, database, on_all};
use futures::FutureExt;
use sqlx::{Connection, Error, Postgres};
use tokio::time::{sleep, timeout};
use withal::cleanup::drain;
use withal::context::{AsyncExitStack, async_with, async_with_send};
use withal::resources::{ManagedTransaction, SqlxDatabase, savepoint, transaction};

on_all! {
    commits_or_rolls_back
    savepoints_nest
    a_pool_of_one_serves_two_transactions
    runs_in_tasks_and_stacks
    a_timeout_rolls_back
    a_cancelled_statement_is_drained
    a_leaked_inner_transaction_is_rolled_back
    read_only_is_enforced
    begin_with_replaces_the_statement
    a_savepoint_needs_a_transaction
    an_exit_outside_of_the_runtime
    an_enter_outside_of_the_runtime
    the_pool_is_closed_during_the_block
    a_transaction_that_the_block_has_ended
}

const INSERT: &str = "INSERT INTO halves VALUES (1, 1)";

async fn commits_or_rolls_back<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let work = async |path: &str| -> Result<u32, Error> {
        let value = async_with!(tx = transaction(&pool) => {
            assert_eq!(DB::run(tx, INSERT).await?, 1);
            match path {
                "error" => Err(Error::RowNotFound)?,
                "panic" => resume_unwind(Box::new("expected")),
                "return" => return Ok(1),
                _ => 2,
            }
        })?;
        Ok(value)
    };
    assert!(matches!(work("error").await, Err(Error::RowNotFound)));
    assert_eq!(database.rows().await, 0);
    AssertUnwindSafe(work("panic")).catch_unwind().await.unwrap_err();
    // The rollback was awaited: no cleanup is pending.
    assert_eq!(database.rows().await, 0);
    assert_eq!(database.left_over().await.0, 0);
    assert_eq!(work("value").await.unwrap(), 2);
    assert_eq!(database.rows().await, 1);
    assert_eq!(work("return").await.unwrap(), 1);
    assert_eq!(database.rows().await, 2);
    assert_eq!(pool.size(), 1);
    database.assert_clean(&pool).await;
}

async fn savepoints_nest<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    async_with!(tx = transaction(&pool) => {
        DB::run(tx, INSERT).await.unwrap();
        // Rolled back, with the savepoint in it.
        let failed: Result<Result<(), &str>, Error> = async_with!(outer = savepoint(tx) => {
            DB::run(outer, "INSERT INTO halves VALUES (2, 1)").await.unwrap();
            async_with!(inner = savepoint(outer) => {
                DB::run(inner, "INSERT INTO halves VALUES (3, 1)").await.unwrap();
            }).unwrap();
            Err("refused")
        });
        assert_eq!(failed.unwrap(), Err("refused"));
        // Released, without the savepoint in it.
        async_with!(outer = savepoint(tx) => {
            DB::run(outer, "INSERT INTO halves VALUES (4, 1)").await.unwrap();
            let failed = async_with!(inner = savepoint(outer) => {
                DB::run(inner, "INSERT INTO halves VALUES (5, 1)").await.unwrap();
                Err::<(), _>("refused")
            });
            assert_eq!(failed.unwrap(), Err("refused"));
            // A failing statement fails only its savepoint.
            let failed: Result<Result<u64, Error>, Error> = async_with!(inner = savepoint(outer) => {
                DB::run(inner, "INSERT INTO nothing VALUES (1)").await
            });
            failed.unwrap().unwrap_err();
            // A dropped savepoint, too.
            let dropped = async {
                async_with!(inner = savepoint(outer) => {
                    DB::run(inner, "INSERT INTO halves VALUES (6, 1)").await.unwrap();
                    pending::<()>().await;
                })
            };
            timeout(Duration::from_millis(100), dropped).await.unwrap_err();
        }).unwrap();
    })
    .unwrap();
    assert_eq!(database.number("SELECT count(*) FROM halves WHERE id IN (1, 4)").await, 2);
    assert_eq!(database.rows().await, 2);
    database.assert_clean(&pool).await;
}

async fn a_pool_of_one_serves_two_transactions<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    for _ in 0..2 {
        async_with!(tx = transaction(&pool) => { DB::run(tx, INSERT).await.unwrap(); }).unwrap();
    }
    let one = async || async_with!(tx = transaction(&pool) => { DB::run(tx, INSERT).await.unwrap(); });
    let (first, second) = futures::join!(one(), one());
    first.and(second).unwrap();
    assert_eq!(database.rows().await, 4);
    // The second one waits for the pool, and loses its place.
    async_with!(_tx = transaction(&pool) => {
        timeout(Duration::from_millis(50), one()).await.unwrap_err();
    })
    .unwrap();
    database.assert_clean(&pool).await;
    pool.close().await;
    assert!(matches!(one().await, Err(Error::PoolClosed)));
}

async fn runs_in_tasks_and_stacks<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(2).await;
    let in_task = pool.clone();
    let task = tokio::spawn(async move {
        async_with!(tx = transaction(&in_task) => { DB::run(tx, INSERT).await.unwrap(); })
    });
    task.await.unwrap().unwrap();
    tokio::spawn(async_with_send(transaction(&pool), async |tx| DB::run(tx, INSERT).await))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(database.rows().await, 2);
    let aborted = pool.clone();
    let task = tokio::spawn(async move {
        async_with!(tx = transaction(&aborted) => {
            DB::run(tx, INSERT).await.unwrap();
            pending::<()>().await;
        })
    });
    sleep(Duration::from_millis(100)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(database.left_over().await.0, 0);
    async_with!(stack = AsyncExitStack::new() => {
        let mut first = stack.enter_async_context(transaction(&pool)).await.unwrap();
        DB::run(first.target(), INSERT).await.unwrap();
        let mut second = stack.enter_async_context(transaction(&pool)).await.unwrap();
        DB::number(second.target(), "SELECT count(*) FROM halves").await.unwrap();
    })
    .unwrap();
    assert_eq!(database.rows().await, 3);
    database.assert_clean(&pool).await;
}

async fn a_timeout_rolls_back<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let limit = Duration::from_millis(100);
    let result = async_with!(_ = withal::tasks::timeout(limit) => {
        async_with!(tx = transaction(&pool) => {
            DB::run(tx, INSERT).await.unwrap();
            pending::<()>().await;
        })
        .unwrap();
    });
    result.unwrap_err();
    // That timeout awaits the rollback.
    assert_eq!(database.left_over().await.0, 0);
    let work = async {
        async_with!(tx = transaction(&pool) => {
            DB::run(tx, INSERT).await.unwrap();
            pending::<()>().await;
        })
    };
    timeout(limit, work).await.unwrap_err();
    drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(database.left_over().await.0, 0);
    assert_eq!((database.rows().await, pool.size()), (0, 1));
    database.assert_clean(&pool).await;
}

async fn a_cancelled_statement_is_drained<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let short = Duration::from_millis(20);
    // The block continues, and fails.
    let failed = async_with!(tx = transaction(&pool) => {
        DB::run(tx, INSERT).await.unwrap();
        // SQLite may be faster.
        let _elapsed = timeout(short, DB::run(tx, DB::SLOW)).await;
        Err::<(), _>("late")
    });
    assert_eq!(failed.unwrap(), Err("late"));
    assert_eq!(database.rows().await, 0);
    // The block continues, and completes.
    async_with!(tx = transaction(&pool) => {
        let _elapsed = timeout(short, DB::run(tx, DB::SLOW)).await;
        DB::run(tx, INSERT).await.unwrap();
    })
    .unwrap();
    assert_eq!(database.rows().await, 1);
    // The block is dropped in the statement.
    let work = async {
        async_with!(tx = transaction(&pool) => {
            DB::run(tx, INSERT).await.unwrap();
            DB::run(tx, DB::SLOW).await.unwrap();
            pending::<()>().await;
        })
    };
    timeout(short, work).await.unwrap_err();
    database.assert_clean(&pool).await;
    assert_eq!(database.rows().await, 1);
    // The rollback takes too long: the connection is closed.
    let work = async {
        async_with!(tx = transaction(&pool).rollback_timeout(Duration::from_millis(1)) => {
            DB::run(tx, INSERT).await.unwrap();
            DB::run(tx, DB::SLOW).await.unwrap();
            pending::<()>().await;
        })
    };
    timeout(short, work).await.unwrap_err();
    database.assert_clean(&pool).await;
    assert_eq!(database.rows().await, 1);
}

async fn a_leaked_inner_transaction_is_rolled_back<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    async_with!(tx = transaction(&pool) => {
        DB::run(tx, INSERT).await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        DB::run(&mut inner, "INSERT INTO halves VALUES (2, 1)").await.unwrap();
        std::mem::forget(inner);
    })
    .unwrap();
    assert_eq!(database.rows().await, 1);
    // One of sqlx that is committed is part of this one.
    async_with!(tx = transaction(&pool) => {
        let mut inner = tx.begin().await.unwrap();
        DB::run(&mut inner, INSERT).await.unwrap();
        inner.commit().await.unwrap();
        Err::<(), _>("refused")
    })
    .unwrap()
    .unwrap_err();
    assert_eq!(database.rows().await, 1);
    // One that the pool has inherited.
    let mut leaked = pool.begin().await.unwrap();
    DB::run(&mut leaked, INSERT).await.unwrap();
    drop(leaked);
    database.assert_clean(&pool).await;
}

async fn read_only_is_enforced<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let read_only = || transaction(&pool).read_only();
    let failed: Result<Result<u64, Error>, Error> =
        async_with!(tx = read_only() => { DB::run(tx, INSERT).await });
    failed.unwrap().unwrap_err();
    async_with!(tx = read_only() => {
        assert_eq!(DB::number(tx, "SELECT count(*) FROM halves").await.unwrap(), 0);
    })
    .unwrap();
    let work = async {
        async_with!(tx = read_only() => {
            DB::number(tx, "SELECT count(*) FROM halves").await.unwrap();
            pending::<()>().await;
        })
    };
    timeout(Duration::from_millis(50), work).await.unwrap_err();
    drain(Duration::from_secs(10)).await.unwrap();
    // The next transaction of the same connection may write.
    async_with!(tx = transaction(&pool) => { DB::run(tx, INSERT).await.unwrap(); }).unwrap();
    assert_eq!((database.rows().await, pool.size()), (1, 1));
    database.assert_clean(&pool).await;
}

async fn begin_with_replaces_the_statement<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let statement = if DB::NAME == "SQLite" { "BEGIN IMMEDIATE" } else { "START TRANSACTION" };
    let insert = async |manager: ManagedTransaction<DB>| async_with!(tx = manager => { DB::run(tx, INSERT).await.unwrap(); });
    insert(transaction(&pool).begin_with(statement)).await.unwrap();
    assert_eq!(database.rows().await, 1);
    // A statement that fails, and one that begins nothing.
    insert(transaction(&pool).begin_with("BEGIN NOTHING")).await.unwrap_err();
    insert(transaction(&pool).begin_with("SELECT 1")).await.unwrap_err();
    assert_eq!(database.rows().await, 1);
    database.assert_clean(&pool).await;
}

async fn a_savepoint_needs_a_transaction<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let mut connection = pool.acquire().await.unwrap();
    let result = async_with!(_inner = savepoint::<DB, _>(&mut *connection) => {});
    assert!(result.unwrap_err().to_string().contains("a savepoint needs a transaction"));
    drop(connection);
    database.assert_clean(&pool).await;
}

/// The future is dropped on a thread without a runtime.
async fn an_exit_outside_of_the_runtime<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    let mut work = Box::pin({
        let pool = pool.clone();
        async move {
            async_with!(tx = transaction(&pool) => {
                DB::run(tx, INSERT).await.unwrap();
                pending::<()>().await;
            })
        }
    });
    timeout(Duration::from_millis(100), &mut work).await.unwrap_err();
    std::thread::spawn(move || drop(work)).join().unwrap();
    drain(Duration::from_secs(10)).await.unwrap();
    database.assert_clean(&pool).await;
    assert_eq!(database.rows().await, 0);
}

/// The future is dropped at each await of the enter, on a thread without a runtime.
async fn an_enter_outside_of_the_runtime<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    for n in 1.. {
        let entered = AtomicBool::new(false);
        let mut work = Box::pin(async {
            async_with!(tx = transaction(&pool) => {
                entered.store(true, Ordering::Relaxed);
                DB::run(tx, INSERT).await.unwrap();
                pending::<()>().await;
            })
        });
        let mut awaits = 0;
        poll_fn(|cx| {
            awaits += 1;
            assert!(work.as_mut().poll(cx).is_pending());
            if awaits == n || entered.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        std::thread::scope(|scope| scope.spawn(move || drop(work)).join().unwrap());
        drain(Duration::from_secs(10)).await.unwrap();
        database.assert_clean(&pool).await;
        if entered.into_inner() {
            break;
        }
    }
    assert_eq!((database.rows().await, pool.size()), (0, 1));
}

/// `Pool::close` waits for the exit, which still commits or rolls back.
async fn the_pool_is_closed_during_the_block<DB: TestDb>() {
    let database = database!(DB);
    for path in ["value", "error", "drop"] {
        let pool = database.pool(1).await;
        let work = timeout(Duration::from_millis(300), async {
            async_with!(tx = transaction(&pool) => {
                DB::run(tx, INSERT).await.unwrap();
                sleep(Duration::from_millis(100)).await;
                match path {
                    "error" => Err("refused"),
                    "drop" => pending().await,
                    _ => Ok(()),
                }
            })
        });
        let close = async {
            sleep(Duration::from_millis(50)).await;
            timeout(Duration::from_secs(10), pool.close()).await.expect("the close hangs");
        };
        let result = futures::join!(work, close).0;
        match path {
            "value" => result.unwrap().unwrap().unwrap(),
            "error" => assert_eq!(result.unwrap().unwrap(), Err("refused")),
            _ => assert!(result.is_err()),
        }
        assert_eq!((database.rows().await, database.left_over().await.0), (1, 0), "{path}");
    }
}

/// The block ends the transaction by a statement of which sqlx does not know.
async fn a_transaction_that_the_block_has_ended<DB: TestDb>() {
    let database = database!(DB);
    let pool = database.pool(1).await;
    for (statement, rows) in [("ROLLBACK", 0), ("COMMIT", 1)] {
        let result = async_with!(tx = transaction(&pool) => {
            DB::run(tx, INSERT).await.unwrap();
            DB::run(tx, statement).await.unwrap();
        });
        // MySQL answers that it has committed.
        assert_eq!(result.is_ok(), DB::NAME == "MySQL", "{statement}: {result:?}");
        assert_eq!(database.rows().await, rows);
        database.assert_clean(&pool).await;
    }
    assert_eq!(pool.size(), 1);
}

/// A function that is generic over the database.
async fn _generic<DB: SqlxDatabase>(pool: &sqlx::Pool<DB>) -> Result<(), Error> {
    async_with!(tx = transaction(pool) => {
        async_with!(_ = savepoint::<DB, _>(tx) => {})?;
    })
}

#[tokio::test]
async fn a_commit_that_fails_is_the_error_of_the_block() {
    let database = database!(Postgres);
    let pool = database.pool(1).await;
    database.run("CREATE TABLE parent (id BIGINT PRIMARY KEY)").await;
    database.run("CREATE TABLE child (id BIGINT REFERENCES parent DEFERRABLE INITIALLY DEFERRED)").await;
    let result = async_with!(tx = transaction(&pool) => {
        Postgres::run(tx, "INSERT INTO child VALUES (1)").await.unwrap();
    });
    assert_eq!(result.unwrap_err().as_database_error().unwrap().code().unwrap(), "23503");
    assert_eq!((database.number("SELECT count(*) FROM child").await, pool.size()), (0, 1));
    // PostgreSQL answers the commit of a failed transaction with a rollback. sqlx returns `Ok`.
    let result = async_with!(tx = transaction(&pool) => {
        Postgres::run(tx, INSERT).await.unwrap();
        let _ignored = Postgres::run(tx, "INSERT INTO nothing VALUES (1)").await;
    });
    assert_eq!(result.unwrap_err().as_database_error().unwrap().code().unwrap(), "25P02");
    assert_eq!(database.rows().await, 0);
    let mut plain = pool.begin().await.unwrap();
    Postgres::run(&mut plain, INSERT).await.unwrap();
    Postgres::run(&mut plain, "INSERT INTO nothing VALUES (1)").await.unwrap_err();
    plain
        .commit()
        .await
        .expect("sqlx reports the failed transaction: the extra statement is no longer needed");
    assert_eq!(database.rows().await, 0);
    database.assert_clean(&pool).await;
}

#[tokio::test]
async fn a_lost_connection_does_not_return_to_the_pool() {
    let database = database!(Postgres);
    let pool = database.pool(1).await;
    let kill = async |tx: &mut sqlx::PgConnection| {
        let pid = Postgres::number(tx, "SELECT pg_backend_pid()::bigint").await.unwrap();
        database.run(&format!("SELECT pg_terminate_backend({pid}::int)")).await;
    };
    // A block that does not notice it: the commit fails.
    let result = async_with!(tx = transaction(&pool) => {
        Postgres::run(tx, INSERT).await.unwrap();
        kill(tx).await;
    });
    result.unwrap_err();
    // A block that does, and one that panics.
    let result: Result<Result<u64, Error>, Error> = async_with!(tx = transaction(&pool) => {
        kill(tx).await;
        Postgres::run(tx, INSERT).await
    });
    result.unwrap().unwrap_err();
    let panics = async {
        async_with!(tx = transaction(&pool) => {
            kill(tx).await;
            resume_unwind(Box::new("expected"));
        })
    };
    AssertUnwindSafe(panics).catch_unwind().await.unwrap_err();
    // While a statement is executed.
    let work = async_with!(tx = transaction(&pool) => {
        let pid = Postgres::number(tx, "SELECT pg_backend_pid()::bigint").await.unwrap();
        let terminate = async {
            sleep(Duration::from_millis(50)).await;
            database.run(&format!("SELECT pg_terminate_backend({pid}::int)")).await;
        };
        futures::join!(Postgres::run(tx, "SELECT pg_sleep(10)"), terminate).0
    });
    work.unwrap().unwrap_err();
    assert_eq!(database.rows().await, 0);
    database.assert_clean(&pool).await;
}

//! Advisory locks of PostgreSQL: they exclude each other, and none stays on a connection of the pool.

use std::future::pending;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use sqlx::{PgConnection, PgPool, Postgres, Sqlite};
use tokio::time::{sleep, timeout};
use withal::cleanup::drain;
use withal::context::async_with;
use withal::resources::{
    AdvisoryLockError, AdvisoryLockKey, advisory_lock, advisory_xact_lock, savepoint, transaction,
};

use crate::database::{TestDb, database};

/// Returns `true` if another session could acquire the lock.
async fn is_free(pool: &PgPool, key: impl Into<AdvisoryLockKey>) -> bool {
    match async_with!(_lock = advisory_lock(pool, key).no_wait() => {}) {
        Ok(()) => true,
        Err(AdvisoryLockError::Held) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_held_in_its_block_only() {
    let database = database!(Postgres);
    let (pool, other) = (database.pool(1).await, database.pool(1).await);
    let work = async |path: &str| -> Result<(), AdvisoryLockError> {
        async_with!(connection = advisory_lock(&pool, 7) => {
            assert!(!is_free(&other, 7).await);
            assert!(is_free(&other, 8).await);
            // The connection of the lock can be used.
            assert_eq!(Postgres::number(connection, "SELECT 1::bigint").await?, 1);
            match path {
                "error" => Err(sqlx::Error::RowNotFound)?,
                "panic" => resume_unwind(Box::new("expected")),
                _ => {}
            }
        })
    };
    work("value").await.unwrap();
    assert!(is_free(&other, 7).await);
    work("error").await.unwrap_err();
    assert!(is_free(&other, 7).await);
    AssertUnwindSafe(work("panic")).catch_unwind().await.unwrap_err();
    assert!(is_free(&other, 7).await);
    let dropped = async { async_with!(_lock = advisory_lock(&pool, 7) => { pending::<()>().await }) };
    timeout(Duration::from_millis(50), dropped).await.unwrap_err();
    drain(Duration::from_secs(10)).await.unwrap();
    assert!(is_free(&other, 7).await);
    // All of this happens on one connection.
    assert_eq!(pool.size(), 1);
    database.assert_clean(&pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_has_its_own_lock() {
    let database = database!(Postgres);
    let (pool, other) = (database.pool(1).await, database.pool(1).await);
    let keys: [AdvisoryLockKey; 8] = [
        0.into(),
        i64::MIN.into(),
        i64::MAX.into(),
        (0, 0).into(),
        (i32::MIN, i32::MAX).into(),
        "it's \\ a \"name\"; --".into(),
        "".into(),
        (&String::from("Ada Lovelace, naïve ☃")).into(),
    ];
    for key in &keys {
        async_with!(_lock = advisory_lock(&pool, key.clone()) => {
            for other_key in &keys {
                assert_eq!(is_free(&other, other_key.clone()).await, key != other_key, "{key:?} {other_key:?}");
            }
        })
        .unwrap();
    }
    // The locks as other programs see them.
    async_with!(_lock = advisory_lock(&pool, "import") => {
        let mut connection = other.acquire().await.unwrap();
        let held = "SELECT CASE WHEN pg_try_advisory_lock(hashtextextended('import', 0)) THEN 1 ELSE 0 END::bigint";
        assert_eq!(Postgres::number(&mut connection, held).await.unwrap(), 0);
    })
    .unwrap();
    database.assert_clean(&pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_in_the_queue_of_the_server() {
    let database = database!(Postgres);
    let (pool, other) = (database.pool(1).await, database.pool(1).await);
    let is_held = AtomicBool::new(true);
    let holder = async {
        async_with!(_lock = advisory_lock(&pool, "import") => {
            let limit = Duration::from_millis(50);
            let result = async_with!(_lock = advisory_lock(&other, "import").timeout(limit) => {});
            assert!(matches!(result, Err(AdvisoryLockError::TimedOut(of)) if of == limit));
            // The connection that has waited is usable, and still waits for as long as it wants.
            let mut connection = other.acquire().await.unwrap();
            let setting = "SELECT count(*) FROM pg_settings WHERE name = 'lock_timeout' AND setting = '0'";
            assert_eq!(Postgres::number(&mut connection, setting).await.unwrap(), 1);
            drop(connection);
            sleep(Duration::from_millis(300)).await;
            is_held.store(false, Ordering::Relaxed);
        })
        .unwrap();
    };
    let waiter = async {
        sleep(Duration::from_millis(200)).await;
        async_with!(_lock = advisory_lock(&other, "import").timeout(Duration::from_secs(60)) => {
            assert!(!is_held.load(Ordering::Relaxed));
        })
        .unwrap();
    };
    futures::join!(holder, waiter);
    database.assert_clean(&pool).await;
    database.assert_clean(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_exclude_each_other() {
    let database = database!(Postgres);
    let pools = [database.pool(2).await, database.pool(2).await];
    let workers = (0..4).map(|worker: usize| {
        let pool = pools[worker % 2].clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                async_with!(connection = advisory_lock(&pool, "counter") => {
                    let count = Postgres::number(connection, "SELECT count(*) FROM halves").await.unwrap();
                    let insert = format!("INSERT INTO halves VALUES ({count}, 1)");
                    Postgres::run(connection, &insert).await.unwrap();
                })
                .unwrap();
            }
        })
    });
    futures::future::try_join_all(workers).await.unwrap();
    assert_eq!(database.number("SELECT count(DISTINCT id) FROM halves").await, 40);
    for pool in &pools {
        database.assert_clean(pool).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_cannot_be_released_closes_its_connection() {
    let database = database!(Postgres);
    let pool = database.pool(1).await;
    let tampered = async |sql: &'static str| {
        async_with!(connection = advisory_lock(&pool, 7) => {
            // Statements without parameters, of which some cannot be prepared.
            let _result = sqlx::raw_sql(sql).execute(&mut *connection).await;
        })
    };
    // Acquired twice, a further one, released already, an open transaction, and one that has failed.
    for sql in [
        "SELECT pg_advisory_lock(7)",
        "SELECT pg_advisory_lock(8)",
        "SELECT pg_advisory_unlock(7)",
        "BEGIN",
        "BEGIN; SELECT 1/0",
        "SELECT pg_terminate_backend(pg_backend_pid())",
    ] {
        tampered(sql).await.expect_err(sql);
        database.assert_clean(&pool).await;
    }
    // A statement that fails, and one that is cancelled and fails later.
    tampered("SELECT 1/0").await.unwrap();
    async_with!(connection = advisory_lock(&pool, 7) => {
        let late = Postgres::run(connection, "SELECT 1/(count(*) - 1) FROM pg_sleep(0.2)");
        timeout(Duration::from_millis(20), late).await.unwrap_err();
    })
    .unwrap();
    database.assert_clean(&pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_a_transaction_ends_with_it() {
    let database = database!(Postgres);
    let (pool, other) = (database.pool(1).await, database.pool(1).await);
    let setting = "SELECT count(*) FROM pg_settings WHERE name = 'lock_timeout' AND setting = '1234'";
    let lock_timeout = "SET LOCAL lock_timeout = 1234";
    async_with!(tx = transaction(&pool) => {
        Postgres::run(tx, lock_timeout).await.unwrap();
        advisory_xact_lock(tx, "import").await.unwrap();
        assert_eq!(Postgres::number(tx, setting).await.unwrap(), 1);
        assert!(!is_free(&other, "import").await);
        async_with!(waiting = transaction(&other) => {
            Postgres::run(waiting, "INSERT INTO halves VALUES (1, 1)").await.unwrap();
            Postgres::run(waiting, lock_timeout).await.unwrap();
            let held = advisory_xact_lock(waiting, "import").no_wait().await;
            assert!(matches!(held, Err(AdvisoryLockError::Held)));
            let late = advisory_xact_lock(waiting, "import").timeout(Duration::from_millis(20)).await;
            assert!(matches!(late, Err(AdvisoryLockError::TimedOut(_))));
            // The transaction and its settings are as before.
            assert_eq!(Postgres::number(waiting, setting).await.unwrap(), 1);
            advisory_xact_lock(waiting, (1, 2)).no_wait().await.unwrap();
            async_with!(nested = savepoint(waiting) => {
                advisory_xact_lock(nested, (1, 3)).await.unwrap();
            })
            .unwrap();
        })
        .unwrap();
        assert!(is_free(&other, (1, 2)).await);
    })
    .unwrap();
    assert!(is_free(&other, "import").await);
    assert_eq!(database.rows().await, 1);
    // Outside of a transaction, it would be released at once.
    let connection: &mut PgConnection = &mut pool.acquire().await.unwrap();
    let result = advisory_xact_lock(connection, 1).await;
    assert!(result.unwrap_err().to_string().contains("needs a transaction"));
    database.assert_clean(&other).await;
}

/// A server process that waits does not notice a closed connection, but its wait has a limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_wait_ends_on_the_server() {
    let database = database!(Postgres);
    let (pool, other) = (database.pool(1).await, database.pool(1).await);
    async_with!(_lock = advisory_lock(&pool, 7) => {
        let wait = async { async_with!(_lock = advisory_lock(&other, 7) => {}) };
        timeout(Duration::from_millis(50), wait).await.unwrap_err();
        // The pool can open another connection at once.
        assert_eq!(Postgres::number(&mut other.acquire().await.unwrap(), "SELECT 1::bigint").await.unwrap(), 1);
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        for _ in 0..1000 {
            if database.number(waiting).await == 0 {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("a session still waits for the lock");
    })
    .unwrap();
}

#[tokio::test]
async fn sqlite_has_no_such_locks() {
    let database = database!(Sqlite);
    let pool = database.pool(1).await;
    let result = async_with!(_lock = advisory_lock(&pool, 7) => {});
    assert!(matches!(result, Err(AdvisoryLockError::Unsupported("SQLite"))));
    async_with!(tx = transaction(&pool) => {
        let result = advisory_xact_lock(tx, 7).await;
        assert!(matches!(result, Err(AdvisoryLockError::Unsupported("SQLite"))));
    })
    .unwrap();
    database.assert_clean(&pool).await;
}

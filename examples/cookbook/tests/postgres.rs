//! `postgres_transaction` and `test_database` on a PostgreSQL server.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};
use withal::cleanup;
use withal::context::async_with;
use withal_cookbook::postgres_transaction::{postgres_transaction, transfer};
use withal_cookbook::test_database::test_database;
use withal_test_support::server::{Kind, Server};

use crate::cancel_at_every_await;

fn pool(config: &Config, size: usize) -> Pool {
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config.clone(), NoTls, fast);
    Pool::builder(manager).max_size(size).build().unwrap()
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn accounts(client: &Client) -> Vec<i64> {
    let rows = client.query("SELECT balance FROM account ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The states of the other connections to the database, as the server sees them, and the locks that they hold.
async fn others(client: &Client) -> Vec<String> {
    let query = "SELECT state || ' ' || count(l.pid) FROM pg_stat_activity a LEFT JOIN pg_locks l USING (pid)
                 WHERE a.datname = current_database() AND pid <> pg_backend_pid() GROUP BY pid, state";
    client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn set_up(config: &Config) -> Client {
    let client = connect(config).await;
    let statements =
        "CREATE TABLE account (id INT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0));
                      INSERT INTO account VALUES (1, 1000), (2, 0)";
    client.batch_execute(statements).await.unwrap();
    client
}

/// One server for all of them, and a database for each.
#[tokio::test]
async fn postgres_transaction_and_test_database_on_a_server() {
    let Some(server) = Server::start(Kind::Postgres) else { return };
    let config: Config = server.url(server.port).parse().unwrap();
    let parts = async {
        async_with!(database = test_database(config.clone(), "template0") => {
            cancelled_at_every_await_the_connection_is_idle_and_the_transfer_is_whole(database).await;
        })?;
        async_with!(database = test_database(config.clone(), "template0") => {
            a_running_statement_is_cancelled_and_errors_and_panics_roll_back(database).await;
        })?;
        async_with!(database = test_database(config.clone(), "template0") => {
            without_the_recipe_the_statement_continues(database).await;
        })
    };
    parts.await.unwrap();
    each_test_has_a_database_and_none_is_left(&config).await;
}

async fn cancelled_at_every_await_the_connection_is_idle_and_the_transfer_is_whole(config: &Config) {
    let client = set_up(config).await;
    let pool = pool(config, 1);
    let mut before = accounts(&client).await;
    for _ in 0..20 {
        cancel_at_every_await(
            || transfer(&pool, 1, 2, 1),
            async || {
                let now = accounts(&client).await;
                assert_eq!(now.iter().sum::<i64>(), 1000);
                assert!(now[1] - before[1] <= 1);
                before = now;
                let connections = others(&client).await;
                assert!(connections.iter().all(|state| state == "idle 0"), "{connections:?}");
                assert!(connections.len() <= 1);
            },
        )
        .await;
    }
    assert!(before[1] > 0);
}

async fn a_running_statement_is_cancelled_and_errors_and_panics_roll_back(config: &Config) {
    let client = set_up(config).await;
    let pool = pool(config, 1);
    let in_block = async |statement: &str, is_panic: bool| -> Result<(), withal::tasks::BoxError> {
        let connection = pool.get().await?;
        async_with!(tx = postgres_transaction(connection, "BEGIN ISOLATION LEVEL SERIALIZABLE") => {
            tx.batch_execute("UPDATE account SET balance = balance + 1").await?;
            tx.batch_execute(statement).await?;
            assert!(!is_panic, "a bug");
        })?;
        Ok(())
    };
    // It would take ten minutes.
    let cancelled = timeout(Duration::from_millis(200), in_block("SELECT pg_sleep(600)", false)).await;
    assert!(cancelled.is_err());
    cleanup::drain(Duration::from_secs(20)).await.unwrap();
    assert_eq!(others(&client).await, ["idle 0"]);

    assert!(in_block("SELECT 1 / 0", false).await.is_err());
    assert_eq!(others(&client).await, ["idle 0"]);
    let panic = std::panic::AssertUnwindSafe(in_block("SELECT 1", true));
    assert!(futures::FutureExt::catch_unwind(panic).await.is_err());
    assert_eq!(others(&client).await, ["idle 0"]);
    assert_eq!(accounts(&client).await, [1000, 0]);

    in_block("SELECT 1", false).await.unwrap();
    assert_eq!(accounts(&client).await, [1001, 1]);

    // A block that ignores an error does not seem to commit.
    let ignored = async {
        let connection = pool.get().await.unwrap();
        async_with!(tx = postgres_transaction(connection, "BEGIN") => {
            tx.batch_execute("UPDATE account SET balance = balance + 1").await?;
            assert!(tx.batch_execute("SELECT 1 / 0").await.is_err());
        })
    };
    assert!(ignored.await.is_err());
    assert_eq!(others(&client).await, ["idle 0"]);
    assert_eq!(accounts(&client).await, [1001, 1]);

    // A connection that the server has closed is not returned to the pool.
    let killed = in_block("SELECT pg_terminate_backend(pg_backend_pid())", false).await;
    assert!(killed.is_err());
    in_block("SELECT 1", false).await.unwrap();
}

/// The plain clients make the next user of the connection wait for the statement of the cancelled one.
async fn without_the_recipe_the_statement_continues(config: &Config) {
    let client = set_up(config).await;
    let pool = pool(config, 1);
    let plain = async {
        let mut connection = pool.get().await.unwrap();
        let tx = connection.transaction().await.unwrap();
        tx.batch_execute("SELECT pg_sleep(600)").await.unwrap();
        tx.commit().await.unwrap();
    };
    assert!(timeout(Duration::from_millis(200), plain).await.is_err());
    cleanup::drain(Duration::from_secs(20)).await.unwrap();
    let states = others(&client).await;
    assert!(states[0].starts_with("active"), "{states:?}");
}

async fn each_test_has_a_database_and_none_is_left(config: &Config) {
    let admin = connect(config).await;
    let databases = async || -> Vec<String> {
        let query = "SELECT datname FROM pg_database WHERE datname LIKE 'test_%'";
        admin.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let test = |is_panic: bool| {
        let config = config.clone();
        async move {
            async_with!(database = test_database(config, "template0") => {
                let client = set_up(database).await; // still connected at the end
                assert_eq!(accounts(&client).await, [1000, 0]);
                assert!(!is_panic, "a failing test");
            })
        }
    };
    cancel_at_every_await(|| test(false), async || assert_eq!(databases().await, [""; 0])).await;
    let panic = tokio::spawn(test(true)).await;
    assert!(panic.unwrap_err().is_panic());
    assert_eq!(databases().await, [""; 0]);
    let (first, second) = tokio::join!(test(false), test(false));
    first.and(second).unwrap();
    assert_eq!(databases().await, [""; 0]);
}

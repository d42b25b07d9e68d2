//! The databases of the tests: a new one for each test, on a server that the tests share.

use std::path::PathBuf;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Error, MySql, Pool, Postgres, Sqlite};
use withal::resources::SqlxDatabase;
use withal_test_support::server::{Kind, Server};

/// The queries of the tests, for each driver.
pub(crate) trait TestDb: SqlxDatabase<Connection: Connection<Database = Self>> {
    /// The database of one test. `None` if its server is not installed.
    fn create() -> BoxFuture<'static, Option<TestDatabase<Self>>>;

    /// Executes a statement as applications do: it is prepared.
    fn run<'c>(connection: &'c mut Self::Connection, sql: &'c str) -> BoxFuture<'c, Result<u64, Error>>;

    /// Returns the number that a query returns.
    fn number<'c>(connection: &'c mut Self::Connection, sql: &'c str) -> BoxFuture<'c, Result<i64, Error>>;

    /// A query for the number of sessions of this database that are in a transaction.
    const IN_TRANSACTION: Option<&'static str>;
    /// A query for whether the session itself is in a transaction, where the other query does not count it.
    const IS_IN_TRANSACTION: Option<&'static str> = None;
    /// A query for the number of advisory locks in this database.
    const ADVISORY_LOCKS: Option<&'static str>;
    /// A statement that takes about 200 ms.
    const SLOW: &'static str;
}

macro_rules! queries {
    () => {
        fn run<'c>(connection: &'c mut Self::Connection, sql: &'c str) -> BoxFuture<'c, Result<u64, Error>> {
            Box::pin(async { Ok(sqlx::query(sql).execute(connection).await?.rows_affected()) })
        }

        fn number<'c>(
            connection: &'c mut Self::Connection,
            sql: &'c str,
        ) -> BoxFuture<'c, Result<i64, Error>> {
            Box::pin(async { sqlx::query_scalar(sql).fetch_one(connection).await })
        }
    };
}

impl TestDb for Postgres {
    const IN_TRANSACTION: Option<&'static str> = Some(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND state <> 'idle'",
    );
    const ADVISORY_LOCKS: Option<&'static str> = Some(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    const SLOW: &'static str = "SELECT pg_sleep(0.2)";

    fn create() -> BoxFuture<'static, Option<TestDatabase<Self>>> {
        Box::pin(async {
            let variable = std::env::var("DATABASE_URL").ok().filter(|url| url.starts_with("postgres"));
            let url = variable.or_else(|| shared_server(Kind::Postgres))?;
            Some(create_on_server(&url).await)
        })
    }

    queries!();
}

impl TestDb for MySql {
    // The table of transactions is not current if it is read often, so this one counts the sessions that are busy.
    const IN_TRANSACTION: Option<&'static str> = Some(
        "SELECT count(*) FROM information_schema.processlist \
         WHERE db = database() AND id <> connection_id() AND command <> 'Sleep'",
    );
    const IS_IN_TRANSACTION: Option<&'static str> = Some("SELECT CAST(@@in_transaction AS SIGNED)");
    const ADVISORY_LOCKS: Option<&'static str> = None;
    const SLOW: &'static str = "DO SLEEP(0.2)";

    fn create() -> BoxFuture<'static, Option<TestDatabase<Self>>> {
        Box::pin(async { Some(create_on_server(&shared_server(Kind::MariaDb)?).await) })
    }

    queries!();
}

impl TestDb for Sqlite {
    const IN_TRANSACTION: Option<&'static str> = None;
    const ADVISORY_LOCKS: Option<&'static str> = None;
    const SLOW: &'static str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
        SELECT count(*) FROM n";

    fn create() -> BoxFuture<'static, Option<TestDatabase<Self>>> {
        Box::pin(async {
            let file = std::env::temp_dir().join(format!("withal-{}", unique_name()));
            let url = format!("sqlite://{}?mode=rwc", file.display());
            Some(TestDatabase::with_table(url, Some(file)).await)
        })
    }

    queries!();
}

/// Returns the URL of the server of a kind, which all tests share.
fn shared_server(kind: Kind) -> Option<String> {
    static SERVERS: [OnceLock<Option<&Server>>; 2] = [const { OnceLock::new() }; 2];
    let server = SERVERS[usize::from(kind == Kind::MariaDb)]
        .get_or_init(|| Server::start(kind).map(Server::until_exit));
    server.map(|server| server.url(server.port))
}

fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Creates a database on a server.
async fn create_on_server<DB: TestDb>(url: &str) -> TestDatabase<DB> {
    let name = unique_name();
    let mut connection = DB::Connection::connect(url).await.unwrap();
    DB::run(&mut connection, &format!("CREATE DATABASE {name}")).await.unwrap();
    connection.close().await.unwrap();
    let (base, options) = url.split_once('?').unwrap_or((url, ""));
    let (server_url, _) = base.rsplit_once('/').unwrap();
    TestDatabase::with_table(format!("{server_url}/{name}?{options}"), None).await
}

pub(crate) struct TestDatabase<DB: TestDb> {
    url: String,
    /// A connection of its own, which no test cancels.
    pub(crate) monitor: Pool<DB>,
    file: Option<PathBuf>,
}

impl<DB: TestDb> TestDatabase<DB> {
    async fn with_table(url: String, file: Option<PathBuf>) -> Self {
        let monitor = PoolOptions::<DB>::new().max_connections(1).connect(&url).await.unwrap();
        let database = Self { url, monitor, file };
        if database.file.is_some() {
            database.run("PRAGMA journal_mode = WAL").await;
        }
        database.run("CREATE TABLE halves (id BIGINT NOT NULL, half INT NOT NULL)").await;
        database
    }

    pub(crate) async fn pool(&self, size: u32) -> Pool<DB> {
        let options = PoolOptions::<DB>::new().max_connections(size).acquire_timeout(Duration::from_secs(20));
        options.connect(&self.url).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        DB::run(&mut self.monitor.acquire().await.unwrap(), sql).await.unwrap();
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        DB::number(&mut self.monitor.acquire().await.unwrap(), sql).await.unwrap()
    }

    pub(crate) async fn rows(&self) -> i64 {
        self.number("SELECT count(*) FROM halves").await
    }

    /// Returns the sessions in a transaction and the advisory locks, where the database can report them.
    pub(crate) async fn left_over(&self) -> (i64, i64) {
        let mut counts = [0; 2];
        for (count, query) in counts.iter_mut().zip([DB::IN_TRANSACTION, DB::ADVISORY_LOCKS]) {
            if let Some(query) = query {
                *count = self.number(query).await;
            }
        }
        counts.into()
    }

    /// Asserts that all connections of the pool can be acquired and used, and that no session is in a transaction or
    /// holds a lock.
    pub(crate) async fn assert_clean(&self, pool: &Pool<DB>) {
        withal::cleanup::drain(Duration::from_secs(30)).await.unwrap();
        let mut connections = Vec::new();
        for _ in 0..pool.options().get_max_connections() {
            let mut connection = pool.acquire().await.expect("the pool starves");
            DB::run(&mut connection, "DELETE FROM halves WHERE id = -1")
                .await
                .expect("a connection is unusable");
            if let Some(query) = DB::IS_IN_TRANSACTION {
                assert_eq!(DB::number(&mut connection, query).await.unwrap(), 0);
            }
            connections.push(connection);
        }
        drop(connections);
        // The server notices a closed connection a moment later.
        for _ in 0..500 {
            if self.left_over().await == (0, 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("sessions in a transaction and locks: {:?}", self.left_over().await);
    }
}

impl TestDatabase<Sqlite> {
    pub(crate) fn options(&self) -> SqliteConnectOptions {
        self.url.parse().unwrap()
    }
}

impl<DB: TestDb> Drop for TestDatabase<DB> {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            for suffix in ["", "-wal", "-shm"] {
                // The files of the journal need not exist.
                let _removed = std::fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
    }
}

/// Declares a test for each database.
macro_rules! on_all {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name::<sqlx::Sqlite>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name::<sqlx::Postgres>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                super::$name::<sqlx::MySql>().await;
            }
        }
    )*};
}

/// Returns the database of the test, or returns from the test if its server is not installed.
macro_rules! database {
    ($db:ty) => {
        match <$db as $crate::database::TestDb>::create().await {
            Some(database) => database,
            None => return,
        }
    };
}

pub(crate) use {database, on_all};

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect};
use tokio_postgres::{Config, Socket, Transaction};

use super::error::PostgresError;
use super::pool::Pool;
use super::postgres_engine::{PostgresEngine, Store};
use super::session::{Connect, connect_with};
use super::sql::Sql;
use crate::fleet::engine::DEFAULT_LEASE_TIME;

/// The configuration of a [`PostgresEngine`].
///
/// # Examples
///
/// The items in a table of your own, which contains each committed page completely, and once:
///
/// ```no_run
/// use withal::fleet::PostgresEngine;
///
/// #[derive(serde::Serialize)]
/// struct Doc {
///     id: i64,
///     title: String,
/// }
///
/// # async fn example() -> Result<(), withal::fleet::PostgresError> {
/// let engine = PostgresEngine::<Doc, String>::builder("host=db user=crawler dbname=crawl".parse()?)
///     .table_prefix("crawl")
///     .store(|transaction, partition, docs| {
///         Box::pin(async move {
///             for doc in docs.iter() {
///                 let sql = "INSERT INTO docs (id, title, source) VALUES ($1, $2, $3)";
///                 transaction.execute(sql, &[&doc.id, &doc.title, &partition]).await?;
///             }
///             Ok(())
///         })
///     })
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct PostgresBuilder<T, C> {
    config: Config,
    connect: Option<Arc<Connect>>,
    prefix: String,
    lease_time: Duration,
    connections: usize,
    detects_dead_owners: bool,
    store: Option<Arc<Store<T>>>,
    types: PhantomData<fn() -> C>,
}

impl<T, C> PostgresBuilder<T, C> {
    fn new(config: Config) -> Self {
        Self {
            config,
            connect: None,
            prefix: "fleet".into(),
            lease_time: DEFAULT_LEASE_TIME,
            connections: 4,
            detects_dead_owners: true,
            store: None,
            types: PhantomData,
        }
    }

    /// Sets the TLS connector of the connections, for example one of `tokio-postgres-rustls` or `postgres-native-tls`. The
    /// default is none. The `sslmode` of the configuration decides whether TLS is required.
    pub fn tls<M>(mut self, connector: M) -> Self
    where
        M: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        M::Stream: Send,
        M::TlsConnect: Send,
        <M::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        self.connect = Some(connect_with(self.config.clone(), connector));
        self
    }

    /// Sets the prefix of the names of the tables, `PREFIX_partitions` and `PREFIX_items`. The default is `fleet`. The tables
    /// are in the first schema of the `search_path`, which the configuration can set.
    ///
    /// The engines of one fleet have the same prefix. Engines with different prefixes are independent of each other.
    pub fn table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the lease time of the claims of this engine. The default is 30 seconds. It is also the timeout of a statement.
    pub fn lease_time(mut self, lease_time: Duration) -> Self {
        self.lease_time = lease_time;
        self
    }

    /// Sets the maximum number of connections for commits, each of which is opened when it is first needed. The default is 4.
    /// 0 counts as 1. The engine has one more connection, for the other statements.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Sets whether a partition can be claimed as soon as the connection of its owner is closed, for example because the
    /// process was killed, and not only when its lease has expired. The default is `true`.
    ///
    /// Set it to `false` if the engine connects to a pooler such as `PgBouncer`, because the connections to the server are
    /// then those of the pooler.
    pub fn detect_dead_owners(mut self, detect: bool) -> Self {
        self.detects_dead_owners = detect;
        self
    }

    /// Sets a closure that stores the items. By default, they are stored in `PREFIX_items`. The closure receives the
    /// transaction of the commit, the name of the partition, and the items, of which there may be none.
    ///
    /// Writes through the transaction are committed together with the checkpoint, or not at all. The closure should not write
    /// in any other way, because a commit may be rolled back and repeated. If it returns an error, the transaction is rolled
    /// back.
    pub fn store<F>(mut self, store: F) -> Self
    where
        F: for<'a> Fn(
                &'a Transaction<'a>,
                &'a str,
                &'a [T],
            ) -> BoxFuture<'a, Result<(), Box<dyn Error + Send + Sync>>>
            + Send
            + Sync
            + 'static,
    {
        self.store = Some(Arc::new(store));
        self
    }

    /// Connects to the server, and creates the tables if they do not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the prefix is not valid, if the connection fails, or if the tables cannot be created.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the connection is closed. The tables have been created completely, or not at all.
    pub async fn connect(self) -> Result<PostgresEngine<T, C>, PostgresError> {
        if !is_identifier(&self.prefix) {
            return Err(PostgresError::TablePrefix(self.prefix));
        }
        let connect = self.connect.unwrap_or_else(|| connect_with(self.config, NoTls));
        let engine = PostgresEngine {
            pool: Pool::new(connect, self.connections),
            sql: Sql::new(&self.prefix),
            lease_time: self.lease_time,
            detects_dead_owners: self.detects_dead_owners,
            store: self.store,
            types: PhantomData,
        };
        engine.create_tables().await?;
        Ok(engine)
    }
}

impl<T, C> PostgresEngine<T, C> {
    /// Connects to a server without TLS, and creates the tables `fleet_partitions` and `fleet_items` if they do not exist.
    ///
    /// `config` is a URL, or keys and values, for example `host=db user=crawler dbname=crawl`.
    ///
    /// # Errors
    ///
    /// Returns an error if `config` is not valid, if the connection fails, or if the tables cannot be created.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the connection is closed. The tables have been created completely, or not at all.
    pub async fn connect(config: &str) -> Result<Self, PostgresError> {
        Self::builder(config.parse()?).connect().await
    }

    /// Returns a builder, for example to set TLS, the names of the tables, the lease time or the storage of the items.
    pub fn builder(config: Config) -> PostgresBuilder<T, C> {
        PostgresBuilder::new(config)
    }
}

/// The name of a table is at most 63 bytes long.
fn is_identifier(prefix: &str) -> bool {
    let is_valid = |(at, byte): (usize, u8)| {
        byte.is_ascii_lowercase() || byte == b'_' || at > 0 && byte.is_ascii_digit()
    };
    (1..=40).contains(&prefix.len()) && prefix.bytes().enumerate().all(is_valid)
}

impl<T, C> fmt::Debug for PostgresBuilder<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration masks its password.
        f.debug_struct("PostgresBuilder")
            .field("config", &self.config)
            .field("table_prefix", &self.prefix)
            .field("lease_time", &self.lease_time)
            .field("connections", &self.connections)
            .field("detect_dead_owners", &self.detects_dead_owners)
            .finish_non_exhaustive()
    }
}

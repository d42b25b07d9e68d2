use std::fmt;
use std::marker::PhantomData;
use std::sync::Mutex;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use tokio::time::Instant;

use super::error::NatsError;
use super::nats_engine::NatsEngine;
use crate::fleet::engine::DEFAULT_LEASE_TIME;

/// The timeout of a request, unless the lease time is shorter.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The configuration of a [`NatsEngine`].
///
/// # Examples
///
/// A cluster of three servers:
///
/// ```no_run
/// use withal::fleet::NatsEngine;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let options = async_nats::ConnectOptions::new().require_tls(true).token("secret".to_owned());
/// let client = options.connect(vec!["nats://nats-1", "nats://nats-2", "nats://nats-3"]).await?;
/// let engine = NatsEngine::<String, u32>::builder(client).prefix("crawl").replicas(3).connect().await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct NatsBuilder<T, C> {
    client: Client,
    prefix: String,
    replicas: usize,
    lease_time: Duration,
    types: PhantomData<fn() -> (T, C)>,
}

impl<T, C> NatsBuilder<T, C> {
    fn new(client: Client) -> Self {
        Self {
            client,
            prefix: "fleet".into(),
            replicas: 1,
            lease_time: DEFAULT_LEASE_TIME,
            types: PhantomData,
        }
    }

    /// Sets the prefix of the names of the streams, `PREFIX_work` and `PREFIX_pages`, and of their subjects, `PREFIX.work.*`
    /// and `PREFIX.pages.*`. The default is `fleet`.
    ///
    /// The engines of one fleet have the same prefix. Engines with different prefixes are independent of each other.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the number of servers of a cluster that store each message: 1, 3 or 5. The default is 1. Streams that exist
    /// remain unchanged.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets the lease time of the claims. The default is 30 seconds.
    ///
    /// It is the `ack_wait` of the consumer, which all engines of the fleet share. The engine that connects last sets it, so
    /// use the same lease time in all of them.
    pub fn lease_time(mut self, lease_time: Duration) -> Self {
        self.lease_time = lease_time;
        self
    }

    /// Creates the streams, if they do not exist, and the consumer, and returns the engine.
    ///
    /// # Errors
    ///
    /// Returns an error if the prefix is not valid, or if the streams or the consumer cannot be created.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the streams and the consumer may have been created.
    pub async fn connect(self) -> Result<NatsEngine<T, C>, NatsError> {
        // The futures of the client are large.
        Box::pin(self.create()).await
    }

    async fn create(self) -> Result<NatsEngine<T, C>, NatsError> {
        let Self { client, prefix, replicas, lease_time, types } = self;
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if prefix.is_empty() || !prefix.bytes().all(is_valid) {
            return Err(NatsError::Prefix(prefix));
        }
        let request_timeout = lease_time.min(REQUEST_TIMEOUT);
        let context = ContextBuilder::new().timeout(request_timeout).build(client);
        let config = |name: &str, retention| Config {
            name: format!("{prefix}_{name}"),
            subjects: vec![format!("{prefix}.{name}.*")],
            retention,
            num_replicas: replicas,
            ..Config::default()
        };
        let create = async |config: Config| {
            context.get_or_create_stream(config).await.map_err(NatsError::request("create a stream"))
        };
        let pages = create(config("pages", RetentionPolicy::Limits)).await?;
        let work = create(config("work", RetentionPolicy::WorkQueue)).await?;
        let workers = work
            .create_consumer(pull::Config {
                durable_name: Some("workers".into()),
                ack_wait: lease_time,
                // The number of partitions that have an owner or wait for a retry is not limited.
                max_ack_pending: -1,
                ..pull::Config::default()
            })
            .await
            .map_err(NatsError::request("create a consumer"))?;
        let next_removal = Mutex::new(Instant::now());
        Ok(NatsEngine {
            context,
            work,
            workers,
            pages,
            prefix,
            lease_time,
            request_timeout,
            next_removal,
            types,
        })
    }
}

impl<T, C> NatsEngine<T, C> {
    /// Connects to one or several servers of a cluster, and creates the streams `fleet_work` and `fleet_pages` with one replica
    /// if they do not exist.
    ///
    /// `servers` is a list of URLs, separated by commas, for example `nats://localhost:4222`.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails, or if the streams cannot be created.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the connection is closed. The streams may have been created.
    pub async fn connect(servers: &str) -> Result<Self, NatsError> {
        let servers: Vec<_> = servers.split(',').map(|server| server.trim().to_owned()).collect();
        let client = Box::pin(async_nats::connect(servers)).await.map_err(NatsError::request("connect"))?;
        Self::builder(client).connect().await
    }

    /// Returns a builder, to set the replicas, the names of the streams or the lease time. The client is already connected, for
    /// example with TLS and credentials.
    pub fn builder(client: async_nats::Client) -> NatsBuilder<T, C> {
        NatsBuilder::new(client)
    }
}

impl<T, C> fmt::Debug for NatsBuilder<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBuilder")
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .field("lease_time", &self.lease_time)
            .finish_non_exhaustive()
    }
}

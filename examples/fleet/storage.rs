//! The engines, all of which run the same worker.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, process};

use anyhow::Result;
use clap::Args;
use withal::fleet::Engine;

use super::{Doc, server, work};

/// The lease time. On SQLite and PostgreSQL, the partitions of a process that was killed can be claimed at once.
const LEASE_TIME: Duration = Duration::from_secs(1);

/// The options that choose the engine. The default is SQLite, in a temporary file.
#[derive(Args)]
pub(crate) struct Storage {
    /// The URL of a PostgreSQL database, where the example creates two tables, and drops them at the end
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// The URL of a NATS server, where the example creates two streams, and deletes them at the end
    #[arg(long, value_name = "URL", conflicts_with = "postgres")]
    nats: Option<String>,
    /// The name of the folder, of the tables, or of the streams
    #[arg(long, hide = true, default_value_t = format!("withal_fleet_{}", process::id()))]
    name: String,
}

impl Storage {
    /// Returns the options for the worker processes.
    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = vec!["--name".into(), self.name.clone()];
        for (option, url) in [("--postgres", &self.postgres), ("--nats", &self.nats)] {
            args.extend(url.iter().flat_map(|url| [option.into(), url.clone()]));
        }
        args
    }

    /// Adds the partitions.
    pub(crate) async fn add(&self, partitions: Vec<String>) -> Result<()> {
        if let Some(url) = &self.postgres {
            postgres::engine(url, &self.name).await?.add(partitions).await?;
        } else if let Some(url) = &self.nats {
            nats::engine(url, &self.name).await?.add(partitions).await?;
        } else {
            sqlite::engine(&self.folder())?.add(partitions).await?;
        }
        Ok(())
    }

    /// Runs a worker.
    pub(crate) async fn work(&self, api: String) -> Result<()> {
        if let Some(url) = &self.postgres {
            work(postgres::engine(url, &self.name).await?, api).await
        } else if let Some(url) = &self.nats {
            work(nats::engine(url, &self.name).await?, api).await
        } else {
            work(sqlite::engine(&self.folder())?, api).await
        }
    }

    /// Returns the ids of the items, and removes everything that the example has stored.
    pub(crate) async fn take_ids(&self) -> Result<Vec<String>> {
        if let Some(url) = &self.postgres {
            postgres::take_ids(url, &self.name).await
        } else if let Some(url) = &self.nats {
            nats::take_ids(url, &self.name).await
        } else {
            sqlite::take_ids(&self.folder(), server::partitions()).await
        }
    }

    /// Returns the folder of the SQLite file and of the two files beside it.
    fn folder(&self) -> PathBuf {
        env::temp_dir().join(&self.name)
    }
}

mod sqlite {
    use super::{Doc, LEASE_TIME, Result, fs};
    use std::path::Path;
    use withal::fleet::SqliteEngine;

    pub(super) fn engine(folder: &Path) -> Result<SqliteEngine<Doc, String>> {
        fs::create_dir_all(folder)?;
        Ok(SqliteEngine::open(folder.join("fleet.db"))?.with_lease_time(LEASE_TIME))
    }

    pub(super) async fn take_ids(folder: &Path, partitions: Vec<String>) -> Result<Vec<String>> {
        let engine = engine(folder)?;
        let mut ids = Vec::new();
        for partition in partitions {
            ids.extend(engine.items(&partition).await?.into_iter().map(|doc| doc.id));
        }
        drop(engine);
        fs::remove_dir_all(folder)?;
        Ok(ids)
    }
}

#[cfg(feature = "fleet-postgres")]
mod postgres {
    use super::{Doc, LEASE_TIME, Result};
    use tokio_postgres::NoTls;
    use withal::fleet::PostgresEngine;

    pub(super) async fn engine(url: &str, name: &str) -> Result<PostgresEngine<Doc, String>> {
        Ok(PostgresEngine::builder(url.parse()?).table_prefix(name).lease_time(LEASE_TIME).connect().await?)
    }

    pub(super) async fn take_ids(url: &str, name: &str) -> Result<Vec<String>> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let rows = client.query(&format!("SELECT item ->> 'id' FROM {name}_items"), &[]).await?;
        client.batch_execute(&format!("DROP TABLE {name}_items, {name}_partitions")).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

#[cfg(feature = "fleet-nats")]
mod nats {
    use super::{Doc, LEASE_TIME, Result};
    use async_nats::jetstream;
    use futures::TryStreamExt;
    use withal::fleet::NatsEngine;

    pub(super) async fn engine(url: &str, name: &str) -> Result<NatsEngine<Doc, String>> {
        // The future of the client is large.
        let client = Box::pin(async_nats::connect(url)).await?;
        Ok(NatsEngine::builder(client).prefix(name).lease_time(LEASE_TIME).connect().await?)
    }

    pub(super) async fn take_ids(url: &str, name: &str) -> Result<Vec<String>> {
        let ids = engine(url, name).await?.items().map_ok(|(_, doc)| doc.id).try_collect().await?;
        let context = jetstream::new(Box::pin(async_nats::connect(url)).await?);
        for stream in ["work", "pages"] {
            context.delete_stream(format!("{name}_{stream}")).await?;
        }
        Ok(ids)
    }
}

// In a build without a client of the server.
#[cfg(not(feature = "fleet-postgres"))]
use without as postgres;
#[cfg(not(feature = "fleet-nats"))]
use without as nats;

#[cfg(not(all(feature = "fleet-postgres", feature = "fleet-nats")))]
mod without {
    use super::{Doc, Result};
    use withal::fleet::MemoryEngine;

    pub(super) async fn engine(url: &str, _: &str) -> Result<MemoryEngine<Doc, String>> {
        anyhow::bail!("add --features fleet-postgres,fleet-nats to read into {url}")
    }

    pub(super) async fn take_ids(url: &str, name: &str) -> Result<Vec<String>> {
        engine(url, name).await.map(|_| Vec::new())
    }
}

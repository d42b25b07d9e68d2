//! One crawl by four processes, one of which is killed every second. Each item is stored once.
//!
//! ```sh
//! cargo run --example fleet --features fleet-sqlite -- --workers 4
//! cargo run --example fleet --features fleet-postgres -- --workers 4 --postgres postgres://postgres@localhost
//! cargo run --example fleet --features fleet-nats -- --workers 4 --nats nats://localhost:4222
//! ```
//!
//! The program starts an API with 40 partitions, and starts itself again for each worker process. It prints, for example:
//!
//! ```text
//! 40000 items, 40000 distinct, 9 kills, median recovery 64 ms
//! ```
//!
//! A worker process runs the function [`work`]. `fleet/storage.rs` chooses the engine, and `fleet/processes.rs` starts and
//! kills the processes.

#[path = "fleet/processes.rs"]
mod processes;
#[path = "fleet/server.rs"]
mod server;
#[path = "fleet/storage.rs"]
mod storage;

use std::collections::HashSet;
use std::env;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use withal::fleet::{Engine, Fleet};
use withal::pages::http;

use self::processes::Processes;
use self::storage::Storage;

/// An item of the API.
#[derive(Serialize, Deserialize)]
struct Doc {
    id: String,
}

/// Reads partitions of the API, two at a time, until none is left.
async fn work(engine: impl Engine<Item = Doc, Cursor = String>, api: String) -> Result<()> {
    let client = http::Client::new(reqwest::Client::builder())?;
    let fleet = Fleet::new(engine).workers(2).run(async move |work| {
        println!("{}", work.partition());
        let endpoint = client.endpoint(&format!("{api}/{}", work.partition()))?;
        let docs = endpoint.items_at("/items").by_cursor::<Doc>("/next", "cursor");
        work.drive(docs).await?;
        Ok::<_, anyhow::Error>(())
    });
    let set_aside = fleet.await?.progress.map_or(Vec::new(), |progress| progress.set_aside);
    anyhow::ensure!(set_aside.is_empty(), "{set_aside:?}");
    Ok(())
}

#[derive(Parser)]
struct Args {
    /// The number of processes
    #[arg(long, default_value_t = 4)]
    workers: usize,
    #[command(flatten)]
    storage: Storage,
    /// The URL of the API, for a worker process
    #[arg(long, hide = true)]
    api: Option<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    // This reqwest is built without a default TLS provider.
    rustls::crypto::ring::default_provider().install_default().expect("no TLS provider was installed before");
    let Args { workers, storage, api } = Args::parse();
    if let Some(api) = api {
        storage.work(api).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let api = server::start().await?;
    storage.add(server::partitions()).await?;
    let mut command = Command::new(env::current_exe()?);
    command.args(storage.args()).args(["--api", &api]);
    let (kills, recovery) = spawn_blocking(move || Processes::new(command).run(workers)).await??;
    let ids = storage.take_ids().await?;
    let distinct = ids.iter().collect::<HashSet<_>>().len();
    let (count, recovery) = (ids.len(), recovery.as_millis());
    println!("{count} items, {distinct} distinct, {kills} kills, median recovery {recovery} ms");
    let is_complete = count == server::ITEMS_IN_TOTAL && distinct == count;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! One crawl by many workers, on one machine or several, which stores every item once.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use withal::fleet::{Engine, Fleet, MemoryEngine};
//! use withal::pages::{AsyncGetDocs, by_cursor};
//!
//! /// The items of a partition, which may be a user, a shard or a day.
//! fn items(partition: &str) -> AsyncGetDocs<String, u32, std::io::Error> {
//!     let partition = partition.to_owned();
//!     by_cursor(move |cursor: Option<u32>| {
//!         let page = cursor.unwrap_or(1); // your request goes here
//!         let items = vec![format!("{partition}.{page}")];
//!         async move { Ok((items, (page < 3).then_some(page + 1))) }
//!     })
//! }
//!
//! // For several processes: `SqliteEngine::open("crawl.db")?`, `PostgresEngine::connect(url).await?` or
//! // `NatsEngine::connect(url).await?`.
//! let engine = MemoryEngine::new();
//! engine.add(["a", "b", "c"]).await?;
//! let report = Fleet::new(engine.clone())
//!     .workers(4)
//!     .run(async |work| work.drive(items(work.partition())).await)
//!     .await?;
//! assert_eq!(report.finished, 3);
//! assert_eq!(engine.items("c"), ["c.1", "c.2", "c.3"]);
//! # Ok(())
//! # }
//! ```
//!
//! The crawl is divided into partitions. A worker claims a partition, and commits each page together with the checkpoint
//! after it. If the worker is killed, another one continues from that checkpoint. If the worker is only suspended, and
//! resumes after another one has claimed the partition, its commits are refused.
//!
//! # Terms
//!
//! | term | meaning |
//! |---|---|
//! | *partition* | a named part of the crawl, with a stream of pages of its own |
//! | *engine* | the client of the *storage*, which has the partitions and the items |
//! | *worker* | a task that works on one partition at a time; a fleet has several in each process |
//! | *claim* | the exclusive right of a worker, the *owner*, to work on a partition, until it is *released* |
//! | *lease* | the time limit of a claim, which each renewal and each commit extends by the *lease time* from that moment; when it *expires*, another worker can claim the partition |
//! | *commit* | the write of items together with the checkpoint after them, both or neither |
//! | *checkpoint* | the position in the stream of a partition, from which it [resumes](crate::pages::Checkpoint) |
//! | *token* | the value that identifies a claim in the calls of its owner |
//! | *fence* | the comparison of the token in the storage: a call is *fenced*, that is, refused without effect, if its claim has ended; a commit is also fenced if an earlier attempt of it was stored |
//! | *finished*, *set aside* | a finished partition is complete, and the last attempt of one that is set aside has failed; neither is claimed again |
//!
//! # Choosing
//!
//! | engine | feature | for |
//! |---|---|---|
//! | `SqliteEngine` | `fleet-sqlite` | the processes of one machine; nothing to install |
//! | `PostgresEngine` | `fleet-postgres` | several machines; items in your own tables |
//! | `NatsEngine` | `fleet-nats` | several machines, and storage that is replicated |
//! | `StoreEngine` | `fleet-store` | a store of your own with compare-and-set, such as Redis or etcd |
//! | [`MemoryEngine`] | | tests and simulations |
//! | your own [`Engine`] | | anything else |
//!
//! [Scale](scale) compares the cost of a page and the pages per second of the engines. With `StoreEngine`, an engine of your
//! own takes about forty lines: the page `your_engine` has an example.
//!
//! [`Fleet::run`] claims partitions and calls a function for each. [`Fleet::claim`] returns a [`Claim`] to enter with
//! [`async_with!`](macro@crate::async_with). [`Work::drive`] commits a whole stream, and [`Work::commit`] commits items of
//! any origin.
//!
//! # Recipes
//!
//! A stop on SIGTERM, which releases the partitions so that another process can continue them at once:
//!
//! ```no_run
//! # use withal::fleet::{Fleet, MemoryEngine, Work};
//! # #[cfg(unix)]
//! # async fn example(engine: MemoryEngine<String, u32>) -> Result<(), Box<dyn std::error::Error>> {
//! # async fn read(work: &mut Work<MemoryEngine<String, u32>>) -> Result<(), std::io::Error> { Ok(()) }
//! use tokio::signal::unix::{SignalKind, signal};
//!
//! let mut terminate = signal(SignalKind::terminate())?;
//! let stop = async move {
//!     terminate.recv().await;
//! };
//! let report = Fleet::new(engine).stop_when(stop).run(async |work| read(work).await).await?;
//! if report.is_stopped {
//!     println!("{} partitions were finished before", report.finished);
//! }
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(feature = "fleet-postgres", doc = include_str!("own_tables.md"))]
//!
//! The progress of a fleet, even while it runs, and partitions that were set aside. An `Arc` of an engine is an engine, too:
//!
//! ```
//! # use std::sync::Arc;
//! # use withal::fleet::{Engine, Fleet, MemoryEngine};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Arc::new(MemoryEngine::<String, u32>::new());
//! engine.add(["a"]).await?;
//! let fleet = Fleet::new(Arc::clone(&engine)).attempts(1);
//! fleet.run(async |_| Err::<(), _>("the password is wrong")).await?;
//! let progress = engine.progress().await?;
//! assert_eq!(progress.set_aside[0].error, "the password is wrong");
//! // Once the password is right:
//! assert_eq!(engine.retry_set_aside().await?, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Every item is stored once,** in the storage of the engine: a commit stores the items and the checkpoint after them,
//!   both or neither, and neither after another worker has claimed the partition. Requests to the API, and effects outside
//!   of the commit, may be repeated.
//! - **A commit whose connection broke is completed.** The stored checkpoint is read, and the commit is repeated only if it
//!   was not stored. If both attempts arrive, the storage refuses the second one.
//! - **A lost lease interrupts the block** at its next await. The lease is lost if a renewal or a commit was fenced, or if
//!   it could not be renewed within the lease time, for example because the engine did not answer.
//! - **A partition is released on every path:** when its function returns, fails, panics or is dropped, even if it is
//!   dropped while it claims the partition. A process that is killed releases nothing: its leases expire, unless the engine
//!   detects the end of the process earlier.
//! - **No partition stops the others.** One that fails or panics is retried with backoff, and
//!   [set aside](FleetProgress::set_aside) with its error after the last attempt. A failure of the engine does not count as an
//!   attempt, but a commit that the engine has rejected three times does. [`Engine::retry_set_aside`] puts partitions back.
//! - **Workers stay while partitions may be added.** A run ends when all partitions are finished or set aside, and none has an
//!   owner in any process: until it returns, the function of the last partition may add others.
//! - **A stop is quick.** [`Fleet::stop_when`] drops the work and releases the partitions, without waiting until they are
//!   finished.
//!
//! # Limitations
//!
//! - Renewals run in the task of the block, while it awaits. A block that blocks its thread for most of the lease time loses
//!   the lease.
//! - The items of a partition are stored in the order of its stream. There is no order between partitions.
//! - Idle workers poll the engine for free partitions, at intervals of up to [`max_idle`](Fleet::max_idle).

mod backoff;
#[cfg(any(
    feature = "fleet-sqlite",
    feature = "fleet-store",
    feature = "fleet-postgres",
    feature = "fleet-nats"
))]
mod checkpoint_json;
mod claim;
mod engine;
mod error;
#[cfg(any(feature = "fleet-postgres", feature = "fleet-nats"))]
mod excerpt;
mod fleet;
mod fleet_progress;
mod into_pages;
mod later;
mod lease;
mod lease_clock;
mod memory;
#[cfg(feature = "fleet-nats")]
mod nats;
#[cfg(feature = "fleet-postgres")]
mod postgres;
mod renewal;
mod report;
mod settings;
mod shared_engine;
#[cfg(feature = "fleet-sqlite")]
mod sqlite;
#[cfg(feature = "fleet-store")]
mod store;
#[cfg(feature = "fleet-store")]
mod store_engine;
mod work;
mod worker;

pub use self::claim::Claim;
pub use self::engine::{Claimed, ClaimedOf, Engine, Outcome, Ownership, Partition};
pub use self::error::{DriveError, Error};
pub use self::fleet::Fleet;
pub use self::fleet_progress::{FleetProgress, SetAside};
pub use self::into_pages::IntoPages;
pub use self::lease::Lease;
pub use self::memory::{MemoryEngine, MemoryToken};
#[cfg(feature = "fleet-nats")]
pub use self::nats::{NatsBuilder, NatsEngine, NatsError, NatsToken};
#[cfg(feature = "fleet-postgres")]
pub use self::postgres::{PostgresBuilder, PostgresEngine, PostgresError, PostgresToken};
pub use self::report::Report;
#[cfg(feature = "fleet-sqlite")]
pub use self::sqlite::{SqliteEngine, SqliteError, SqliteToken, Synchronous};
#[cfg(feature = "fleet-store")]
pub use self::store::Store;
#[cfg(feature = "fleet-store")]
pub use self::store_engine::{StoreEngine, StoreError, StoreToken};
pub use self::work::Work;

pub mod scale {
    #![doc = include_str!("scale.md")]
}

#[cfg(feature = "fleet-store")]
pub mod your_engine {
    #![doc = include_str!("your_engine.md")]
}

pub mod restate {
    #![doc = include_str!("restate.md")]
}

pub mod temporal {
    #![doc = include_str!("temporal.md")]
}

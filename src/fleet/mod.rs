//! One crawl by many workers, on one machine or several, that stores every item once.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use withal::fleet::{Engine, Fleet, MemoryEngine};
//! use withal::pages::{AsyncGetDocs, by_cursor};
//!
//! /// The items of a partition: a user, a shard, a day.
//! fn items(partition: &str) -> AsyncGetDocs<String, u32, std::io::Error> {
//!     let partition = partition.to_owned();
//!     by_cursor(move |cursor: Option<u32>| {
//!         let page = cursor.unwrap_or(1); // your request goes here
//!         let items = vec![format!("{partition}.{page}")];
//!         async move { Ok((items, (page < 3).then_some(page + 1))) }
//!     })
//! }
//!
//! // Or `SqliteEngine::open("crawl.db")?`, `PostgresEngine::connect(url).await?`, `NatsEngine::connect(url).await?`,
//! // in as many processes as you like.
//! let engine = MemoryEngine::new();
//! engine.add(["a", "b", "c"].map(Into::into).into()).await?;
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
//! The work is divided into *partitions*, which have names. A worker *claims* a partition for the *lease time*, and renews
//! the lease while it works. It commits each page together with the [checkpoint](crate::pages::Checkpoint) after it, both
//! or neither. If the worker is killed, another one continues from the last checkpoint. If the worker was only stopped,
//! and wakes up after its lease has expired, its commits are *fenced*: refused, because the partition has another owner.
//!
//! # Choosing
//!
//! | engine | feature | for |
//! |---|---|---|
//! | `SqliteEngine` | `fleet-sqlite` | the processes of one machine; nothing to install |
//! | `PostgresEngine` | `fleet-postgres` | several machines; items in your own tables |
//! | `NatsEngine` | `fleet-nats` | several machines, and storage that is replicated |
//! | `StoreEngine` | `fleet-store` | a store of your own that has a compare-and-set, such as Redis or etcd |
//! | [`MemoryEngine`] | | tests and simulations |
//! | your own [`Engine`] | | anything else |
//!
//! [Scale](scale) compares the cost of a page and the pages per second of the engines. An engine of your own is forty lines,
//! with `StoreEngine`: see its page, `your_engine`.
//!
//! [`Fleet::run`] claims partitions and calls a function for each. [`Fleet::claim`] returns a [`Claim`] to enter with
//! [`async_with!`](macro@crate::async_with). [`Work::drive`] commits a whole stream, [`Work::commit`] items of any origin.
//!
//! # Guarantees
//!
//! - **Every item is stored once,** in the storage of the engine: a commit stores the items and the checkpoint after them,
//!   both or neither, and neither after another worker has claimed the partition. The requests to the API may be repeated,
//!   and so may effects outside of the commit.
//! - **A commit whose connection broke is settled.** The stored checkpoint is read, and the commit is repeated only if it was
//!   not stored; the storage refuses it if the first one arrives after all.
//! - **A lost lease interrupts the block** at its next await: when a renewal or a commit was fenced, and when the lease
//!   could not be renewed for the lease time, because the engine did not answer.
//! - **A partition is released on every path:** when its function returns, fails, panics, or is dropped, also during an await
//!   of the claim itself. A process that is killed releases nothing: its lease expires, unless the engine can find out
//!   earlier.
//! - **No partition stops the others.** One that fails or panics is retried with backoff, and
//!   [set aside](Progress::set_aside) with its error after the last attempt. Failures of the engine do not count as attempts,
//!   but a commit that it has refused three times does.
//! - **A stop is quick.** [`Fleet::stop_when`] drops the work and releases the partitions, without waiting for their ends.
//!
//! # Limitations
//!
//! - Renewals run in the task of the block, whenever it awaits. A block that blocks its thread for most of the lease time
//!   loses the lease.
//! - The order of the items is that of the stream within a partition. Between partitions, there is none.
//! - Idle workers ask for partitions, at least once in [`max_idle`](Fleet::max_idle).

mod backoff;
mod claim;
mod engine;
mod error;
mod fleet;
mod into_pages;
mod later;
mod lease;
mod lease_clock;
mod memory;
#[cfg(feature = "fleet-nats")]
mod nats;
#[cfg(feature = "fleet-postgres")]
mod postgres;
mod progress;
mod renewal;
mod report;
mod settings;
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
pub use self::into_pages::IntoPages;
pub use self::lease::Lease;
pub use self::memory::{MemoryEngine, MemoryToken};
#[cfg(feature = "fleet-nats")]
pub use self::nats::{NatsBuilder, NatsEngine, NatsError, NatsToken};
#[cfg(feature = "fleet-postgres")]
pub use self::postgres::{PostgresBuilder, PostgresEngine, PostgresError, PostgresToken};
pub use self::progress::{Progress, SetAside};
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

//! One crawl by many workers, on one machine or several, that stores every item once.
//!
//! The work is divided into *partitions*, which have names. A worker *claims* a partition for the *lease time*, and renews
//! the lease while it works. It commits each page together with the [checkpoint](crate::pages::Checkpoint) after it, both
//! or neither. If the worker is killed, another one continues from the last checkpoint. If the worker was only stopped,
//! and wakes up after its lease has expired, its commits are *fenced*: refused, because the partition has another owner.
//!
//! The storage is an [`Engine`].

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

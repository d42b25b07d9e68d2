//! The engines, compared with a model: see `withal_test_support::fleet_model`.
//!
//! `FLEET_STEPS` sets the number of random calls of each engine. By default, the slower engines make fewer calls.

use std::env;
use std::path::Path;
use std::time::Duration;

use crate::folder::Folder;
use crate::store::MemoryStore;
use tokio::time::advance;
use withal::fleet::{MemoryEngine, SqliteEngine, StoreEngine};
use withal_test_support::fleet_model::{Counts, Storage, run};

fn steps(default: usize) -> usize {
    env::var("FLEET_STEPS").map_or(default, |steps| steps.parse().expect("FLEET_STEPS is a number"))
}

/// Each seed has a storage of its own, so that the model stays small.
const STEPS_PER_SEED: usize = 5_000;

fn assert_all_happened(counts: &Counts) {
    let Counts { claims, commits, fenced, stale, renewals, releases, expirations, retried } = *counts;
    for count in [claims, commits, fenced, stale, renewals, releases, expirations] {
        assert!(count > 20, "{counts:?}");
    }
    assert!(retried > 0, "{counts:?}");
}

struct Memory(MemoryEngine<u64, u64>);

const LEASE_TIME: Duration = Duration::from_secs(30);

impl Storage for Memory {
    type Engine = MemoryEngine<u64, u64>;

    fn engine(&self, _worker: usize) -> &Self::Engine {
        &self.0
    }

    async fn expire(&self) {
        // The model sets a delay of an hour for each retry.
        advance(Duration::from_secs(3601)).await;
    }

    async fn items(&self, partition: &str) -> Vec<u64> {
        self.0.items(partition)
    }
}

#[tokio::test(start_paused = true)]
async fn the_engine_in_memory_behaves_like_the_model() {
    for seed in 1..=steps(100_000) / STEPS_PER_SEED {
        let memory = Memory(MemoryEngine::new().with_lease_time(LEASE_TIME));
        assert_all_happened(&run(&memory, "p", seed as u64, STEPS_PER_SEED).await);
    }
}

struct Sqlite {
    engines: Vec<SqliteEngine<u64, u64>>,
    clock: rusqlite::Connection,
}

impl Sqlite {
    /// Engines with separate connections to one file.
    fn open(path: &Path) -> Self {
        let engine = || SqliteEngine::open(path).unwrap().with_lease_time(Duration::from_secs(3600));
        let clock = rusqlite::Connection::open(path).unwrap();
        clock.busy_timeout(Duration::from_secs(10)).unwrap();
        Self { engines: (0..3).map(|_| engine()).collect(), clock }
    }
}

impl Storage for Sqlite {
    type Engine = SqliteEngine<u64, u64>;

    fn engine(&self, worker: usize) -> &Self::Engine {
        &self.engines[worker]
    }

    async fn expire(&self) {
        self.clock.execute("UPDATE fleet_partitions SET due = min(due, 1000)", []).unwrap();
    }

    async fn items(&self, partition: &str) -> Vec<u64> {
        self.engines[0].items(partition).await.unwrap()
    }
}

#[tokio::test]
async fn the_engine_over_sqlite_behaves_like_the_model() {
    for seed in 1..=steps(15_000) / STEPS_PER_SEED {
        let folder = Folder::new("model");
        let sqlite = Sqlite::open(&folder.path().join("fleet.db"));
        assert_all_happened(&run(&sqlite, "p", seed as u64, STEPS_PER_SEED).await);
    }
}

struct OwnStore(StoreEngine<MemoryStore, u64, u64>);

impl Storage for OwnStore {
    type Engine = StoreEngine<MemoryStore, u64, u64>;

    fn engine(&self, _worker: usize) -> &Self::Engine {
        &self.0
    }

    async fn expire(&self) {
        advance(Duration::from_secs(3601)).await;
    }

    async fn items(&self, partition: &str) -> Vec<u64> {
        self.0.store().items(partition).iter().map(|item| item.parse().unwrap()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_engine_over_a_store_behaves_like_the_model() {
    for seed in 1..=steps(20_000) / STEPS_PER_SEED {
        let store = OwnStore(StoreEngine::new(MemoryStore::new()).with_lease_time(LEASE_TIME));
        assert_all_happened(&run(&store, "p", seed as u64, STEPS_PER_SEED).await);
    }
}

//! The engines, compared with a model: see `withal_test_support::fleet_model`.
//!
//! `FLEET_STEPS` sets the number of random calls; CI runs 100,000.

use std::env;
use std::time::Duration;

use tokio::time::advance;
use withal::fleet::MemoryEngine;
use withal_test_support::fleet_model::{Counts, Storage, run};

fn steps() -> usize {
    env::var("FLEET_STEPS").map_or(100_000, |steps| steps.parse().expect("FLEET_STEPS is a number"))
}

/// Each seed has a storage of its own, so that the model stays small.
const STEPS_PER_SEED: usize = 5_000;

fn assert_all_happened(counts: &Counts) {
    let Counts { claims, commits, fenced, stale, renewals, releases, expirations } = *counts;
    for count in [claims, commits, fenced, stale, renewals, releases, expirations] {
        assert!(count > 20, "{counts:?}");
    }
}

struct Memory(MemoryEngine<u64, u64>);

const LEASE_TIME: Duration = Duration::from_secs(30);

impl Storage for Memory {
    type Engine = MemoryEngine<u64, u64>;

    fn engine(&self, _worker: usize) -> &Self::Engine {
        &self.0
    }

    async fn expire(&self) {
        // The retries of the model wait for an hour.
        advance(Duration::from_secs(3601)).await;
    }

    async fn items(&self, partition: &str) -> Vec<u64> {
        self.0.items(partition)
    }
}

#[tokio::test(start_paused = true)]
async fn the_engine_in_memory_behaves_like_the_model() {
    for seed in 1..=steps() / STEPS_PER_SEED {
        let memory = Memory(MemoryEngine::new().with_lease_time(LEASE_TIME));
        assert_all_happened(&run(&memory, "p", seed as u64, STEPS_PER_SEED).await);
    }
}

//! The figures of [`withal::fleet::scale`]: `cargo test --release --test fleet throughput -- --ignored --nocapture`.

use withal::fleet::{MemoryEngine, SqliteEngine, StoreEngine, Synchronous};
use withal_test_support::throughput::row;

use super::chaos::new_file;
use super::store::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures times"]
async fn pages_per_second() {
    println!("| engine | pages per second, 1 worker | 16 workers |\n|---|---|---|");
    println!("{}", row("memory", async || MemoryEngine::new(), 20_000).await);
    println!("{}", row("a store in memory", async || StoreEngine::new(MemoryStore::new()), 5_000).await);
    for (name, synchronous) in [("normal", Synchronous::Normal), ("full", Synchronous::Full)] {
        let file = new_file(&format!("throughput-{name}"));
        let open = async || SqliteEngine::open(&file).unwrap().with_synchronous(synchronous).unwrap();
        println!("{}", row(&format!("SQLite, `synchronous` {name}"), open, 5_000).await);
    }
}

//! The figures of `withal::fleet::scale`, on servers that are set up as in production:
//! `POSTGRES_URL=.. NATS_URL=.. cargo test -p withal-fleet-engines --release throughput -- --ignored --nocapture`.

use std::env;

use withal::fleet::{NatsEngine, PostgresEngine};
use withal_test_support::throughput::row;

const PAGES: u32 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures times"]
async fn pages_per_second() {
    println!("| engine | pages per second, 1 worker | 16 workers |\n|---|---|---|");
    let prefix = format!("throughput_{}", std::process::id());
    if let Ok(url) = env::var("POSTGRES_URL") {
        let connect = async || {
            let engine = PostgresEngine::builder(url.parse().unwrap()).table_prefix(&prefix);
            engine.connections(16).connect().await.unwrap()
        };
        println!("{}", row("PostgreSQL", connect, PAGES).await);
    }
    if let Ok(url) = env::var("NATS_URL") {
        let connect = async || {
            let client = async_nats::connect(&url).await.unwrap();
            NatsEngine::builder(client).prefix(&prefix).connect().await.unwrap()
        };
        println!("{}", row("NATS JetStream", connect, PAGES).await);
    }
}

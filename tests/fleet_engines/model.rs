//! The engines, compared with the model of `withal_test_support::fleet_model`.
//!
//! `MODEL_STEPS` sets the number of random calls of each test, 2,000 by default.

use std::env;
use std::time::Duration;

use futures::TryStreamExt;
use tokio::time::sleep;
use tokio_postgres::NoTls;
use withal::fleet::{NatsEngine, PostgresEngine};
use withal_test_support::fleet_model::{Counts, Storage, run};

use withal_test_support::server::{Kind, Server};

/// A lease time that is longer than the test.
const LEASE_TIME: Duration = Duration::from_secs(3600);

fn steps() -> usize {
    env::var("MODEL_STEPS").map_or(2_000, |steps| steps.parse().expect("MODEL_STEPS is a number"))
}

fn assert_all_happened(counts: &Counts) {
    let Counts { claims, commits, fenced, stale, renewals, releases, expirations, retried } = *counts;
    for count in [claims, commits, fenced, stale, renewals, releases, expirations] {
        assert!(count > steps() as u64 / 200, "{counts:?}");
    }
    assert!(retried > 0, "{counts:?}");
    println!("{counts:?}");
}

/// Three engines, and a client of the tests.
struct Postgres([PostgresEngine<u64, u64>; 3], tokio_postgres::Client);

impl Storage for Postgres {
    type Engine = PostgresEngine<u64, u64>;

    fn engine(&self, worker: usize) -> &Self::Engine {
        &self.0[worker]
    }

    async fn expire(&self) {
        let sql = "UPDATE fleet_partitions SET not_before = '-infinity' WHERE state IN ('open', 'done')";
        self.1.execute(sql, &[]).await.unwrap();
    }

    async fn items(&self, partition: &str) -> Vec<u64> {
        let sql = "SELECT item::text FROM fleet_items WHERE partition = $1 ORDER BY id";
        let rows = self.1.query(sql, &[&partition]).await.unwrap();
        rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect()
    }
}

#[tokio::test]
async fn postgres_behaves_like_the_model() {
    let Some(server) = Server::start(Kind::Postgres) else { return };
    let url = server.url(server.port);
    let engine = async || {
        PostgresEngine::builder(url.parse().unwrap()).lease_time(LEASE_TIME).connect().await.unwrap()
    };
    let engines = [engine().await, engine().await, engine().await];
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    assert_all_happened(&run(&Postgres(engines, client), "p", 1, steps()).await);
    connection.abort();
}

/// Three engines, and the URL of the server.
struct Nats([NatsEngine<u64, u64>; 3], String);

impl Storage for Nats {
    type Engine = NatsEngine<u64, u64>;

    /// If an owner requests a delay after its lease has expired, the server may deliver the partition once more before the
    /// delay has elapsed.
    const DELAYS_AFTER_EXPIRY: bool = false;
    const COUNTS_EXPIRED: bool = false;

    fn engine(&self, worker: usize) -> &Self::Engine {
        &self.0[worker]
    }

    async fn expire(&self) {
        // The engine that connects last sets the lease time of the fleet. The server looks for expired leases 100 ms later.
        for (lease_time, pause) in [(Duration::from_millis(10), 300), (LEASE_TIME, 0)] {
            let client = async_nats::connect(&self.1).await.unwrap();
            let builder = NatsEngine::<u64, u64>::builder(client);
            drop(builder.lease_time(lease_time).connect().await.unwrap());
            sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn items(&self, partition: &str) -> Vec<u64> {
        self.0[0].items_of(partition).try_collect().await.unwrap()
    }
}

#[tokio::test]
async fn nats_behaves_like_the_model() {
    let Some(server) = Server::start(Kind::Nats) else { return };
    let url = server.url(server.port);
    let engine = async || {
        let client = async_nats::connect(&url).await.unwrap();
        NatsEngine::builder(client).lease_time(LEASE_TIME).connect().await.unwrap()
    };
    let engines = [engine().await, engine().await, engine().await];
    assert_all_happened(&run(&Nats(engines, url.clone()), "p", 1, steps()).await);
}

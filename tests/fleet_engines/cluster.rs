//! NATS with three replicas: servers of the cluster are killed while a fleet works, and each item is stored once.
//!
//! This takes one to four minutes, so it runs only with `NATS_CLUSTER=yes`.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use withal::fleet::{Engine, Fleet, NatsEngine, NatsError, Report};
use withal::pages::{PageNumber, by_page_number};
use withal_test_support::server::Server;

const PARTITIONS: u64 = 40;
const PAGES: u64 = 24;
const ITEMS: u64 = 100;

type Nats = NatsEngine<String, PageNumber>;

async fn connect(urls: &[String]) -> Result<Nats, NatsError> {
    let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
    let client = options.connect(urls).await.expect("the URLs are valid");
    NatsEngine::builder(client).replicas(3).lease_time(Duration::from_secs(3)).connect().await
}

fn page(partition: &str, page: u64) -> Vec<String> {
    if page > PAGES {
        return Vec::new();
    }
    (0..ITEMS).map(|n| format!("{partition}.{page}.{n}")).collect()
}

async fn read_all(engine: Nats) -> Report {
    // A cluster may need a minute to elect the leaders of all streams and consumers.
    let fleet = Fleet::new(engine).workers(8).attempts(100).max_outage(Duration::from_secs(200));
    let run = fleet.run(async |work| {
        let name = work.partition().to_owned();
        let pages = by_page_number(1, move |number| {
            let items = page(&name, number);
            async move {
                sleep(Duration::from_millis(150)).await;
                Ok::<_, std::io::Error>(items)
            }
        });
        work.drive(pages).await
    });
    run.await.expect("the cluster has a majority, so no outage is long")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_loses_and_repeats_nothing_when_its_servers_are_killed() {
    if env::var_os("NATS_CLUSTER").is_none() {
        println!("skipped: the cluster, without NATS_CLUSTER");
        return;
    }
    let Some(mut servers) = Server::start_cluster() else { return };
    let urls: Vec<_> = servers.iter().map(|server| server.url(server.port)).collect();
    // The servers elect a leader first.
    let started = Instant::now();
    let engine = loop {
        match connect(&urls).await {
            Ok(engine) => break engine,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(60), "{error:?}"),
        }
        sleep(Duration::from_millis(200)).await;
    };
    println!("the cluster accepts requests after {:.1} s", started.elapsed().as_secs_f64());
    let names: Vec<_> = (0..PARTITIONS).map(|n| format!("p{n}")).collect();
    engine.add(&names).await.unwrap();
    let started = Instant::now();
    let mut fleet = tokio::spawn(read_all(engine));
    let mut kills = 0;
    // One server at a time is killed, and starts again. One of the three is the leader of each stream. The next one is killed
    // after it has caught up: without a majority, a cluster stores nothing.
    let report = loop {
        if let Ok(report) = timeout(Duration::from_secs(5), &mut fleet).await {
            break report.unwrap();
        }
        if started.elapsed() > Duration::from_secs(300) {
            for server in &servers {
                println!("{}", server.monitoring_page("/jsz?streams=1&consumers=1"));
            }
            panic!("the fleet does not complete");
        }
        println!("a server is killed after {:.1} s", started.elapsed().as_secs_f64());
        let mut server = servers.remove(0);
        let restart = move || {
            server.kill();
            thread::sleep(Duration::from_secs(3));
            server.run();
            while !server.monitoring_page("/healthz").contains(r#""status":"ok""#) {
                thread::sleep(Duration::from_millis(50));
            }
            server
        };
        servers.push(spawn_blocking(restart).await.unwrap());
        println!("it has caught up after {:.1} s", started.elapsed().as_secs_f64());
        kills += 1;
    };
    println!("{kills} kills in {:.1} s: {report:?}", started.elapsed().as_secs_f64());
    assert!(kills > 2, "each server is killed");
    let engine = connect(&urls).await.unwrap();
    let progress = engine.progress().await.unwrap();
    assert_eq!((progress.done, progress.unfinished()), (PARTITIONS, 0), "{progress:?}");
    let mut stored: Vec<String> = engine.items().map_ok(|(_, item)| item).try_collect().await.unwrap();
    let mut expected: Vec<_> =
        names.iter().flat_map(|name| (1..=PAGES).flat_map(move |number| page(name, number))).collect();
    println!("{} items of {}", stored.len(), expected.len());
    stored.sort_unstable();
    expected.sort_unstable();
    assert!(stored == expected, "{} items are stored", stored.len());
}

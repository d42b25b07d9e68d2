//! Fleets whose processes are killed, stopped and terminated, or whose server is killed: each item is stored once.

use std::env;
use std::process::{self, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use withal::fleet::{Fleet, NatsEngine, PostgresEngine};
use withal::pages::{AsyncGetDocs, by_cursor};
use withal_test_support::chaos::{self, Chaos, Mode, lease_time, run_time};

use crate::contract::{Doc, TestEngine, doc};
use withal_test_support::server::{Kind, Server};

const PAGES: u64 = 15;
const DOCS: u64 = 20;
const PAGE_TIME: Duration = Duration::from_millis(25);
const WORKERS: u64 = 4;

/// The environment variables of a worker process.
const URL: &str = "WITHAL_FLEET_URL";
const KIND: &str = "WITHAL_FLEET_KIND";

/// As many partitions as the workers can read in the time of a run.
fn partitions() -> u64 {
    let pages = run_time().as_millis() / PAGE_TIME.as_millis() * u128::from(WORKERS);
    (u64::try_from(pages).unwrap() / PAGES).max(WORKERS)
}

fn docs(partition: &str) -> AsyncGetDocs<Doc, String, std::io::Error> {
    let partition = partition.to_owned();
    by_cursor(move |cursor: Option<String>| {
        let page: u64 = cursor.map_or(1, |cursor| cursor.parse().unwrap());
        let docs = (0..DOCS).map(|n| doc(format!("{partition}.{page}.{n}"))).collect();
        async move {
            sleep(PAGE_TIME).await;
            Ok::<(Vec<Doc>, _), _>((docs, (page < PAGES).then(|| (page + 1).to_string())))
        }
    })
}

/// The worker process, which is this test with two environment variables.
#[tokio::test]
async fn worker() {
    let (Ok(url), Ok(kind)) = (env::var(URL), env::var(KIND)) else { return };
    match &*kind {
        "Postgres" => work::<PostgresEngine<Doc, String>>(&url).await,
        _ => work::<NatsEngine<Doc, String>>(&url).await,
    }
}

async fn work<E: TestEngine>(url: &str) {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let engine = E::connect_to(url, lease_time()).await;
    let report = Fleet::new(engine)
        .stop_when(async move {
            terminate.recv().await;
        })
        .run(async |work| {
            chaos::claimed(work.partition());
            let docs = docs(work.partition());
            let done = work.drive(docs).await;
            if done.is_ok() {
                chaos::finished(work.partition());
            }
            done
        })
        .await
        .unwrap();
    for _ in 0..report.lost {
        chaos::fenced("-");
    }
    assert_eq!(report.failed, 0, "{report:?}");
    if report.is_stopped {
        process::exit(3);
    }
}

fn command(kind: Kind, url: &str) -> Command {
    let mut worker = Command::new(env::current_exe().unwrap());
    worker.args(["--exact", "chaos::worker", "--nocapture"]).env(URL, url).env(KIND, format!("{kind:?}"));
    worker
}

/// Runs a fleet in a mode. `None` kills and restarts the server instead of workers.
async fn survives<E: TestEngine>(mode: Option<Mode>) {
    let Some(mut server) = Server::start(E::KIND) else { return };
    let url = server.url(server.port);
    let engine = E::connect_to(&url, lease_time()).await;
    let names: Vec<_> = (1..=partitions()).map(|n| format!("p{n}")).collect();
    engine.add(names.clone()).await.unwrap();

    let is_over = AtomicBool::new(false);
    let (report, outages) = thread::scope(|scope| {
        let server = &mut server;
        let outages = mode.is_none().then(|| scope.spawn(|| kill_again_and_again(server, &is_over)));
        let over = SetOnDrop(&is_over);
        let report = Chaos::new(mode.unwrap_or(Mode::Calm)).run(|_| command(E::KIND, &url));
        drop(over);
        (report, outages.map(|outages| outages.join().unwrap()))
    });
    match outages {
        None => println!("{:?}, {report}", E::KIND),
        Some(outages) => println!("{:?}, server killed {outages} times, {report}", E::KIND),
    }
    assert_eq!(report.failures, Vec::<String>::new());
    assert!(outages != Some(0));
    if mode == Some(Mode::StopAndWake) {
        assert!(report.fenced > 0, "no zombie was refused: {report}");
    }

    let engine = E::connect_to(&url, lease_time()).await;
    let progress = engine.progress().await.unwrap();
    assert_eq!((progress.unfinished(), progress.done), (0, partitions()), "{progress:?}");
    let stored = engine.stored(&url).await;
    let expected: Vec<_> = names
        .iter()
        .flat_map(|name| {
            (1..=PAGES).flat_map(move |page| (0..DOCS).map(move |n| doc(format!("{name}.{page}.{n}"))))
        })
        .collect();
    let (total, mut distinct) = (stored.len(), stored.into_iter().map(|(_, doc)| doc).collect::<Vec<_>>());
    distinct.sort_unstable();
    distinct.dedup();
    println!("{total} items, {} distinct, {} expected", distinct.len(), expected.len());
    let mut sorted = expected;
    sorted.sort_unstable();
    assert!(distinct == sorted && total == sorted.len());
    assert_eq!(progress.items, total as u64);
    leaves_nothing(&engine, &url).await;
}

/// Asserts that no process has left a connection open.
async fn leaves_nothing<E: TestEngine>(_: &E, url: &str) {
    if E::KIND == Kind::Postgres {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        // The connections of this client and of the engine of this test.
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
        let count: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        assert!(count <= 3, "{count} connections");
        connection.abort();
    }
}

/// Ends the outages, also if the run fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Kills the server and starts it again, until the workers have ended.
fn kill_again_and_again(server: &mut Server, is_over: &AtomicBool) -> usize {
    let mut outages = 0;
    let mut last = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
        if last.elapsed() > (run_time() / 3).min(Duration::from_secs(3)) {
            server.kill();
            server.run();
            outages += 1;
            last = Instant::now();
        }
    }
    outages
}

async fn survives_all<E: TestEngine>() {
    let modes = [Some(Mode::Calm), Some(Mode::Kill), Some(Mode::StopAndWake), Some(Mode::Terminate), None];
    // A single mode can be run, for example by `CHAOS_MODE=Kill`, and the outages of the server by `CHAOS_MODE=None`.
    let only = env::var("CHAOS_MODE").ok();
    for mode in modes {
        let name = mode.map_or("None".into(), |mode| format!("{mode:?}"));
        if only.as_ref().is_none_or(|only| *only == name) {
            survives::<E>(mode).await;
        }
    }
}

#[tokio::test]
async fn postgres_survives() {
    survives_all::<PostgresEngine<Doc, String>>().await;
}

#[tokio::test]
async fn nats_survives() {
    survives_all::<NatsEngine<Doc, String>>().await;
}

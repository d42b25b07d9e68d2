//! Fleets whose processes are killed, stopped and terminated, or whose server is killed: each item is stored once.

use std::env;
use std::fs;
use std::process::{self, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use withal::fleet::{Claimed, Engine, Fleet, NatsEngine, PostgresEngine};
use withal::pages::{AsyncGetDocs, by_cursor};
use withal_test_support::chaos::{self, Chaos, Credulous, Mode, lease_time, page_time, run_time};

use crate::contract::{Doc, TestEngine, doc};
use withal_test_support::server::{Kind, Server};

const PAGES: u64 = 15;
const DOCS: u64 = 20;
const WORKERS: u64 = 4;

/// The environment variables of a worker process.
const URL: &str = "WITHAL_FLEET_URL";
const KIND: &str = "WITHAL_FLEET_KIND";
const MODE: &str = "WITHAL_FLEET_MODE";

/// Returns as many partitions as the workers can read in the time of a run. Workers that are stopped in turn need about twice the time.
fn partitions(mode: Option<Mode>) -> u64 {
    let workers = if mode == Some(Mode::StopAndWake) { WORKERS / 2 } else { WORKERS };
    let pages = run_time().as_millis() / page_time().as_millis() * u128::from(workers);
    (u64::try_from(pages).unwrap() / PAGES).max(WORKERS)
}

fn docs(partition: &str) -> AsyncGetDocs<Doc, String, std::io::Error> {
    let partition = partition.to_owned();
    by_cursor(move |cursor: Option<String>| {
        let page: u64 = cursor.map_or(1, |cursor| cursor.parse().unwrap());
        let docs = (0..DOCS).map(|n| doc(format!("{partition}.{page}.{n}"))).collect();
        async move {
            sleep(page_time()).await;
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
    let files = chaos::open_files();
    let engine = E::connect_to(url, lease_time()).await;
    let is_stopped = if env::var(MODE).is_ok_and(|mode| mode == "Some(StopAndWake)") {
        run(Credulous(engine)).await
    } else {
        run(engine).await
    };
    sleep(Duration::from_millis(1)).await;
    tokio::task::spawn_blocking(move || chaos::assert_no_open_files(files + STAYING)).await.unwrap();
    if is_stopped {
        process::exit(3);
    }
}

/// The files of the handler of signals, and of this process's standard streams.
const STAYING: usize = 3;

/// Runs a fleet, and returns `true` if it was stopped.
async fn run<E: Engine<Item = Doc, Cursor = String>>(engine: E) -> bool {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let report = Fleet::new(engine)
        .max_idle(Duration::from_millis(200))
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
    report.is_stopped
}

fn command(kind: Kind, mode: Option<Mode>, url: &str) -> Command {
    let mut worker = Command::new(env::current_exe().unwrap());
    worker.args(["--exact", "chaos::worker", "--nocapture"]).env(URL, url);
    worker.env(KIND, format!("{kind:?}")).env(MODE, format!("{mode:?}"));
    worker
}

/// Runs a fleet in a mode. `None` kills and restarts the server instead of workers.
async fn survives<E: TestEngine>(mode: Option<Mode>) {
    let Some(mut server) = Server::start(E::KIND) else { return };
    let url = server.url(server.port);
    let engine = E::connect_to(&url, lease_time()).await;
    let names: Vec<_> = (1..=partitions(mode)).map(|n| format!("p{n}")).collect();
    engine.add(names.clone()).await.unwrap();
    drop(engine);

    let is_over = AtomicBool::new(false);
    let (report, outages) = thread::scope(|scope| {
        let server = &mut server;
        let outages = mode.is_none().then(|| scope.spawn(|| kill_again_and_again(server, &is_over)));
        let over = SetOnDrop(&is_over);
        let report = Chaos::new(mode.unwrap_or(Mode::Calm)).run(|_| command(E::KIND, mode, &url));
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
        assert!(report.fenced > 0, "no zombie has lost its lease: {report}");
        assert!(report.refused > 0, "no commit of a zombie was refused: {report}");
    }

    let engine = E::connect_to(&url, lease_time()).await;
    let progress = engine.progress().await.unwrap();
    assert_eq!((progress.unfinished(), progress.done), (0, partitions(mode)), "{progress:?}");
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
    // No partition has an owner.
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    drop(engine);
    assert_no_connections(server.port).await;
}

/// Asserts that no connection to a server is open. The tasks that close connections have some time.
async fn assert_no_connections(port: u16) {
    // The addresses are hexadecimal; 01 is an established connection (proc_net_tcp(5)).
    let server = format!(":{port:04X}");
    let is_open = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(2);
        fields.next().is_some_and(|remote| remote.ends_with(&server)) && fields.next() == Some("01")
    };
    let start = Instant::now();
    loop {
        let open = fs::read_to_string("/proc/net/tcp").unwrap().lines().filter(|line| is_open(line)).count();
        if open == 0 {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{open} connections are open");
        sleep(Duration::from_millis(20)).await;
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

/// The modes of an engine, as tests that can run at the same time.
macro_rules! modes {
    ($engine:ident) => {
        use super::{Doc, Mode, survives};
        use withal::fleet::$engine;

        type Engine = $engine<Doc, String>;

        #[tokio::test]
        async fn calm() {
            survives::<Engine>(Some(Mode::Calm)).await;
        }

        #[tokio::test]
        async fn kill() {
            survives::<Engine>(Some(Mode::Kill)).await;
        }

        #[tokio::test]
        async fn stop_and_wake() {
            survives::<Engine>(Some(Mode::StopAndWake)).await;
        }

        #[tokio::test]
        async fn terminate() {
            survives::<Engine>(Some(Mode::Terminate)).await;
        }

        #[tokio::test]
        async fn server_killed() {
            survives::<Engine>(None).await;
        }
    };
}

mod postgres {
    modes!(PostgresEngine);
}

mod nats {
    modes!(NatsEngine);
}

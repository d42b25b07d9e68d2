//! SQLite under chaos: worker processes are killed, stopped and resumed, terminated, and killed inside commits.
//!
//! `CHAOS_SECONDS` sets the time of each mode. `cargo test --test fleet chaos -- --nocapture` prints the figures.

use std::convert::Infallible;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use withal::fleet::{Claimed, Engine, Fleet, Outcome, Partition, SqliteEngine, SqliteToken};
use withal::pages::{AsyncGetDocs, Checkpoint, PageNumber, by_page_number};
use withal_test_support::chaos::{self, Chaos, Credulous, Mode, Report};

/// The environment variables of the child processes, which run the test [`child`].
const FILE: &str = "WITHAL_FLEET_FILE";
const PAGES: &str = "WITHAL_FLEET_PAGES";
const PAGE_SIZE: &str = "WITHAL_FLEET_PAGE_SIZE";
const PAGE_MILLIS: &str = "WITHAL_FLEET_PAGE_MILLIS";
const MODE: &str = "WITHAL_FLEET_MODE";

/// Locked by each test of a short run, so that one mode runs at a time. The pages of a long run take more time.
static CHAOS: Mutex<()> = Mutex::const_new(());

/// The error of a process that was terminated.
static IS_STOPPING: AtomicBool = AtomicBool::new(false);

type Sqlite = SqliteEngine<String, PageNumber>;

/// The number of pages of each partition.
#[derive(Clone, Copy)]
struct Shape {
    pages: u64,
    size: u64,
    millis: u64,
}

impl Shape {
    fn command(self, file: &Path) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "chaos::child", "--nocapture"]).env(FILE, file);
        for (name, value) in [(PAGES, self.pages), (PAGE_SIZE, self.size), (PAGE_MILLIS, self.millis)] {
            command.env(name, value.to_string());
        }
        command
    }

    fn of_child() -> Self {
        let [pages, size, millis] =
            [PAGES, PAGE_SIZE, PAGE_MILLIS].map(|name| env::var(name).unwrap().parse().unwrap());
        Self { pages, size, millis }
    }

    fn page(self, partition: &str, page: u64) -> Vec<String> {
        if page > self.pages {
            return Vec::new();
        }
        (0..self.size).map(|n| format!("{partition}.{page}.{n}")).collect()
    }

    fn items(self, partition: &str) -> AsyncGetDocs<String, PageNumber, Infallible> {
        let partition = partition.to_owned();
        by_page_number(1, move |page| {
            let items = self.page(&partition, page);
            async move {
                sleep(Duration::from_millis(self.millis)).await;
                Ok(items)
            }
        })
    }
}

/// A claim in a child, which reports its end if its block is dropped.
struct Held(Option<String>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(partition) = self.0.take().filter(|_| !IS_STOPPING.load(Ordering::Relaxed)) {
            chaos::fenced(&partition);
        }
    }
}

/// The worker process. Without a file, it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(file) = env::var_os(FILE) else { return };
    let shape = Shape::of_child();
    let files = chaos::open_files();
    let engine = Sqlite::open(file).unwrap().with_lease_time(chaos::lease_time());
    let is_stopped = if env::var(MODE).is_ok_and(|mode| mode == "StopAndWake") {
        work(Credulous(engine), shape).await
    } else {
        work(engine, shape).await
    };
    spawn_blocking(move || chaos::assert_no_open_files(files + STAYING)).await.unwrap();
    if is_stopped {
        std::process::exit(128 + 15);
    }
}

/// The files of the handler of signals.
const STAYING: usize = 2;

/// Runs a fleet, and returns `true` if it was stopped.
async fn work(engine: impl Engine<Item = String, Cursor = PageNumber>, shape: Shape) -> bool {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let stop = async move {
        terminate.recv().await;
        IS_STOPPING.store(true, Ordering::Relaxed);
    };
    let fleet = Fleet::new(engine).workers(2).max_idle(Duration::from_millis(50)).stop_when(stop);
    let report = fleet
        .run(async move |work| {
            chaos::claimed(work.partition());
            let mut held = Held(Some(work.partition().to_owned()));
            work.drive(shape.items(work.partition())).await?;
            chaos::finished(work.partition());
            held.0 = None;
            Ok::<_, withal::fleet::DriveError<_, _>>(())
        })
        .await
        .unwrap();
    report.is_stopped
}

pub(crate) fn new_file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fleet-{name}"));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder.join("fleet.db")
}

fn partitions(count: u64) -> Vec<String> {
    (0..count).map(|n| format!("p{n:04}")).collect()
}

/// Asserts that each partition has its items once, in order, and that no partition has an owner.
async fn assert_complete(engine: &Sqlite, partitions: &[String], shape: Shape) {
    for partition in partitions {
        let want: Vec<_> = (1..=shape.pages).flat_map(|page| shape.page(partition, page)).collect();
        assert!(engine.items(partition).await.unwrap() == want, "the items of {partition}");
    }
    let progress = engine.progress().await.unwrap();
    assert_eq!((progress.done, progress.unfinished()), (partitions.len() as u64, 0), "{progress:?}");
    assert_eq!(progress.items, partitions.len() as u64 * shape.pages * shape.size);
}

async fn run(mode: Mode) -> Report {
    let is_long = chaos::run_time() >= Duration::from_secs(10);
    let _one = if is_long { None } else { Some(CHAOS.lock().await) };
    let millis = u64::try_from(chaos::page_time().as_millis()).unwrap();
    let shape = Shape { pages: 10, size: 10, millis };
    // Eight partitions are read at a time, and a page also takes the time of its commit. Workers that are stopped in turn need
    // about twice the time.
    let workers = if mode == Mode::StopAndWake { 4 } else { 8 };
    let partitions = partitions(chaos::run_time().as_secs() * workers * 1000 / (millis + 6) / 11);
    let file = new_file(&format!("{mode:?}"));
    let engine = Sqlite::open(&file).unwrap();
    engine.add(partitions.clone()).await.unwrap();
    let report = Chaos::new(mode).run(|_| {
        let mut command = shape.command(&file);
        command.env(MODE, format!("{mode:?}"));
        command
    });
    println!("SQLite, {report}");
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_complete(&engine, &partitions, shape).await;
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished), "a partition has an owner");
    drop(engine);
    // The last connection removes the log, unless another process has the file open.
    for suffix in ["-wal", "-shm"] {
        assert!(!file.with_file_name(format!("fleet.db{suffix}")).exists(), "{suffix} is left");
    }
    report
}

#[tokio::test]
async fn calm() {
    let report = run(Mode::Calm).await;
    assert_eq!((report.started, report.fenced, report.recoveries.len()), (4, 0, 0));
}

#[tokio::test]
async fn kill() {
    let report = run(Mode::Kill).await;
    assert!(report.kills > 0 && !report.recoveries.is_empty(), "{report}");
}

#[tokio::test]
async fn stop_and_wake() {
    let report = run(Mode::StopAndWake).await;
    assert!(report.stops > 0 && !report.recoveries.is_empty(), "{report}");
    assert!(report.refused > 0, "no commit of a zombie was refused: {report}");
}

#[tokio::test]
async fn terminate() {
    let report = run(Mode::Terminate).await;
    assert!(!report.terminations.is_empty() && !report.recoveries.is_empty(), "{report}");
}

/// Starts a child, and waits until it has claimed a partition.
fn claiming_child(shape: Shape, file: &Path) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = shape.command(file).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = stdout.lines().map_while(Result::ok).filter(|line| line.contains("fleet: "));
    assert!(lines.next().unwrap().contains("claimed p0000"));
    (child, lines)
}

async fn next_claim(engine: &Sqlite) -> Partition<SqliteToken, PageNumber> {
    let claim = async {
        loop {
            match engine.claim().await.unwrap() {
                Claimed::Partition(partition) => return partition,
                Claimed::NotYet(_) => sleep(Duration::from_millis(20)).await,
                Claimed::Finished => panic!("the partition is not finished"),
            }
        }
    };
    timeout(Duration::from_secs(60), claim).await.expect("the lease expires")
}

/// A partition that was begun is claimed before new ones: otherwise, it would wait until all others are finished.
#[tokio::test]
async fn a_partition_that_was_begun_is_claimed_first() {
    let file = new_file("order");
    let engine = Sqlite::open(&file).unwrap().with_lease_time(Duration::from_millis(1));
    engine.add(partitions(3)).await.unwrap();
    assert_eq!(next_claim(&engine).await.name, "p0000");
    sleep(Duration::from_millis(20)).await;
    let claim = next_claim(&engine).await;
    assert_eq!((&claim.name[..], claim.attempt), ("p0000", 2), "its lease has expired");
    assert!(engine.release(&claim.token, Outcome::Continue).await.unwrap().is_owned());
    assert_eq!(next_claim(&engine).await.name, "p0000", "it was released");
}

/// A worker that is stopped before a commit, and resumed after another one has claimed the partition, stores nothing.
#[tokio::test]
async fn the_commit_of_a_zombie_is_refused() {
    let shape = Shape { pages: 3, size: 10, millis: 500 };
    let (engine, mut zombie, mut lines) = loop {
        let file = new_file("zombie");
        let engine = Sqlite::open(&file).unwrap();
        engine.add(partitions(1)).await.unwrap();
        let (mut zombie, lines) = claiming_child(shape, &file);
        chaos::send_signal("STOP", zombie.id());
        // A process that is stopped inside a transaction keeps the lock of the file: stop one outside.
        if engine.add(partitions(1)).await.is_ok() {
            break (engine, zombie, lines);
        }
        zombie.kill().unwrap();
        zombie.wait().unwrap();
    };
    // This process reads all pages of the partition.
    let mut claim = next_claim(&engine).await;
    assert_eq!(claim.checkpoint, Checkpoint::default());
    let mut pages = shape.items(&claim.name).into_pages();
    while let Some(page) = pages.try_next().await.unwrap() {
        assert!(engine.commit(&mut claim.token, page.into(), &pages.checkpoint()).await.unwrap().is_owned());
    }
    chaos::send_signal("CONT", zombie.id());
    assert!(lines.next().unwrap().contains("fenced p0000"));
    assert!(engine.commit(&mut claim.token, [].into(), &pages.checkpoint()).await.unwrap().is_owned());
    assert!(zombie.wait().unwrap().success(), "the zombie finds that nothing is left");
    assert_complete(&engine, &partitions(1), shape).await;
}

/// The engine is a library, so it is killed with its process, inside a transaction. The next process recovers the log.
#[tokio::test]
async fn killed_inside_commits() {
    // A file that grew with the time of the run would take too long to compare.
    for _ in 0..chaos::run_time().as_secs().div_ceil(10) {
        killed_ten_times_inside_commits().await;
    }
}

async fn killed_ten_times_inside_commits() {
    // Nearly all of the time is spent in commits, so the kills hit them.
    let shape = Shape { pages: 60, size: 2_000, millis: 0 };
    let file = new_file("commits");
    Sqlite::open(&file).unwrap().add(partitions(1)).await.unwrap();
    let mut pages_before = 0;
    for n in 0..10 {
        let (mut child, _lines) = claiming_child(shape, &file);
        sleep(Duration::from_millis(20 + 7 * n)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let database = rusqlite::Connection::open(&file).unwrap();
        let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        drop(database);
        let engine = Sqlite::open(&file).unwrap();
        let items = engine.items("p0000").await.unwrap();
        // The items are those of whole pages, as many as the checkpoint counts.
        let pages = items.len() as u64 / shape.size;
        let want: Vec<_> = (1..=pages).flat_map(|page| shape.page("p0000", page)).collect();
        assert!(items == want, "{} items", items.len());
        if pages == shape.pages {
            break;
        }
        let claim = next_claim(&engine).await;
        assert_eq!(claim.checkpoint.items(), items.len() as u64);
        assert!(pages >= pages_before);
        pages_before = pages;
        assert!(engine.release(&claim.token, Outcome::Continue).await.unwrap().is_owned());
    }
    assert!(shape.command(&file).stdout(Stdio::null()).status().unwrap().success());
    assert_complete(&Sqlite::open(&file).unwrap(), &partitions(1), shape).await;
}

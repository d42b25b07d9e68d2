//! Unusual settings, names, items and cursors: no partition is lost, and none stops the others.

use std::future::{pending, ready};
use std::time::Duration;

use tokio::time::timeout;
use withal::fleet::{Engine, Fleet, MemoryEngine, SqliteEngine, StoreEngine};
use withal::pages::{AsyncGetDocs, by_cursor};

use crate::crawl::{assert_complete, engine, items};
use crate::folder::Folder;
use crate::store::MemoryStore;

/// Returns two pages, the second of which has the cursor `second`.
fn two_pages<C: Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static>(
    second: C,
) -> AsyncGetDocs<u32, C, std::io::Error> {
    by_cursor(move |cursor: Option<C>| {
        let page = if cursor.is_none() { (vec![1], Some(second.clone())) } else { (vec![2], None) };
        ready(Ok(page))
    })
}

/// A cursor that JSON changes fails its own partition, and no other.
async fn with_cursors(engine: impl Engine<Item = u32, Cursor = f64>) {
    engine.add(["a", "b"]).await.unwrap();
    let report = Fleet::new(engine)
        .attempts(2)
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .max_outage(Duration::from_secs(2))
        .run(async |work| {
            let second = if work.partition() == "a" { f64::INFINITY } else { 2.0 };
            work.drive(two_pages(second)).await
        })
        .await
        .unwrap();
    let progress = report.progress.unwrap();
    assert_eq!((progress.done, progress.items, progress.set_aside.len()), (1, 2, 1));
    assert_eq!(progress.set_aside[0].partition, "a");
    assert!(progress.set_aside[0].error.contains("JSON"), "{}", progress.set_aside[0].error);
}

#[tokio::test]
async fn a_checkpoint_that_json_does_not_represent_is_not_stored() {
    let folder = Folder::new("cursor");
    with_cursors(SqliteEngine::open(folder.path().join("fleet.db")).unwrap()).await;
    with_cursors(StoreEngine::new(MemoryStore::new())).await;
}

#[derive(Clone, Copy)]
struct Odd(u32);

impl serde::Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 2 { Err(serde::ser::Error::custom("no JSON")) } else { serializer.serialize_u32(self.0) }
    }
}

#[tokio::test]
async fn an_item_that_is_not_serialized_fails_its_partition() {
    let folder = Folder::new("items");
    let engine = SqliteEngine::<Odd, u32>::open(folder.path().join("fleet.db")).unwrap();
    engine.add(["a", "b"]).await.unwrap();
    let report = Fleet::new(engine)
        .attempts(1)
        .run(async |work| {
            let last = if work.partition() == "a" { 2 } else { 3 };
            let pages =
                by_cursor(move |_: Option<u32>| ready(Ok::<_, String>((vec![Odd(1), Odd(last)], None))));
            work.drive(pages).await
        })
        .await
        .unwrap();
    let progress = report.progress.unwrap();
    assert_eq!((progress.done, progress.items, progress.set_aside.len()), (1, 2, 1));
}

async fn with_names(engine: impl Engine<Item = String, Cursor = u32>, names: &[String]) {
    engine.add(names.to_vec()).await.unwrap();
    engine.add(names.to_vec()).await.unwrap();
    let report = Fleet::new(engine)
        .workers(4)
        .attempts(1)
        .run(async |work| {
            let name = work.partition().to_owned();
            work.drive(by_cursor(move |_: Option<u32>| ready(Ok::<_, String>((vec![name.clone()], None)))))
                .await
        })
        .await
        .unwrap();
    assert_eq!(report.finished, names.len() as u64);
    assert_eq!(report.progress.unwrap().items, names.len() as u64);
}

#[tokio::test]
async fn every_text_is_the_name_of_a_partition() {
    let long = "x".repeat(100 * 1024);
    let names = [
        "",
        " ",
        ".",
        "..",
        "*",
        ">",
        "a.b",
        "'",
        "\"; DROP TABLE fleet_items; --",
        "\\",
        "%",
        "ä",
        "a\0b",
        "a\n",
        &long,
    ];
    let names: Vec<String> = names.map(Into::into).into();
    let folder = Folder::new("names");
    let sqlite = SqliteEngine::<String, u32>::open(folder.path().join("fleet.db")).unwrap();
    with_names(sqlite.clone(), &names).await;
    let memory = MemoryEngine::new();
    with_names(memory.clone(), &names).await;
    with_names(StoreEngine::new(MemoryStore::new()), &names).await;
    for name in names {
        assert_eq!(sqlite.items(&name).await.unwrap(), [&*name]);
        assert_eq!(memory.items(&name), [&*name]);
    }
}

#[tokio::test]
async fn renewals_without_a_pause_leave_time_for_the_block() {
    let engine = engine(3).await;
    let run = Fleet::new(engine.clone())
        .renew_every(Duration::ZERO)
        .run(async |work| work.drive(items(work.partition())).await);
    assert_eq!(timeout(Duration::from_secs(20), run).await.expect("it completes").unwrap().finished, 3);
    assert_complete(&engine, 3);
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_without_a_pause_leaves_time_for_the_others() {
    let engine = engine(1).await;
    let run = Fleet::new(engine.clone())
        .workers(2)
        .max_idle(Duration::ZERO)
        .run(async |work| work.drive(items(work.partition())).await);
    assert_eq!(timeout(Duration::from_secs(20), run).await.expect("it completes").unwrap().finished, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_may_be_zero_or_endless() {
    for lease_time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let engine = engine(3).await.with_lease_time(lease_time);
        let report = Fleet::new(engine.clone())
            .workers(2)
            .run(async |work| work.drive(items(work.partition())).await)
            .await
            .unwrap();
        if lease_time == Duration::MAX {
            assert_eq!(report.finished, 3);
            assert_complete(&engine, 3);
        } else {
            assert_eq!((report.finished, report.progress.unwrap().set_aside.len()), (0, 3));
        }
        let folder = Folder::new("lease");
        let sqlite = SqliteEngine::<String, _>::open(folder.path().join("fleet.db")).unwrap();
        let sqlite = sqlite.with_lease_time(lease_time);
        sqlite.add(["a"]).await.unwrap();
        let report =
            Fleet::new(sqlite).run(async |work| work.drive(items(work.partition())).await).await.unwrap();
        assert_eq!(report.finished, u64::from(lease_time == Duration::MAX));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_may_be_stopped_before_it_starts_and_have_no_workers() {
    let engine = engine(2).await;
    let report = Fleet::new(engine.clone())
        .workers(4)
        .stop_when(ready(()))
        .run(async |_| pending::<Result<(), String>>().await)
        .await
        .unwrap();
    assert!(report.is_stopped);
    withal::cleanup::drain(Duration::from_secs(5)).await.unwrap();
    assert_eq!(engine.progress().await.unwrap().pending, 2);
    let run = Fleet::new(engine.clone())
        .workers(0)
        .attempts(0)
        .run(async |work| work.drive(items(work.partition())).await);
    assert_eq!(run.await.unwrap().finished, 2);
    assert_complete(&engine, 2);
}

#[test]
fn the_end_of_a_runtime_releases_nothing_and_loses_nothing() {
    let folder = Folder::new("runtime");
    let path = folder.path().join("fleet.db");
    let engine = SqliteEngine::<String, _>::open(path).unwrap().with_lease_time(Duration::from_millis(300));
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let first = runtime();
    first.block_on(engine.add(["a", "b"])).unwrap();
    let fleet = Fleet::new(engine.clone()).workers(2);
    first.spawn(fleet.run(async |work| work.drive(items(work.partition())).await));
    std::thread::sleep(Duration::from_millis(25));
    drop(first);
    let second = runtime();
    let fleet = Fleet::new(engine.clone()).workers(2);
    let report = second.block_on(fleet.run(async |work| work.drive(items(work.partition())).await)).unwrap();
    assert_eq!(report.progress.unwrap().done, 2);
    assert_eq!(second.block_on(engine.items("a")).unwrap(), crate::crawl::expected("a"));
}

#[tokio::test]
async fn a_file_that_is_locked_for_a_while_costs_time_only() {
    let folder = Folder::new("locked");
    let path = folder.path().join("fleet.db");
    let engine = SqliteEngine::<String, _>::open(&path).unwrap();
    engine.add(["a", "b"]).await.unwrap();
    let blocker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(25));
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        std::thread::sleep(Duration::from_secs(12));
        connection.execute_batch("COMMIT").unwrap();
    });
    let report = Fleet::new(engine.clone())
        .workers(2)
        .run(async |work| work.drive(items(work.partition())).await)
        .await
        .unwrap();
    blocker.join().unwrap();
    assert_eq!((report.finished, report.failed), (2, 0));
    assert_eq!(engine.items("a").await.unwrap(), crate::crawl::expected("a"));
}

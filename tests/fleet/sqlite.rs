//! The engine on SQLite: owners that have ended, the user's own tables, and several connections.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use withal::fleet::{Claimed, Engine, Fleet, Partition, SqliteEngine, SqliteToken};
use withal::pages::{Checkpoint, by_cursor};

use crate::crawl::{expected, items, name};
use crate::folder::Folder;

type Sqlite = SqliteEngine<u64, u64>;

async fn claim(engine: &Sqlite) -> Partition<SqliteToken, u64> {
    match engine.claim().await.unwrap() {
        Claimed::Partition(partition) => partition,
        claimed => panic!("{claimed:?}"),
    }
}

fn query<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn engines_of_one_file_share_the_work() {
    let folder = Folder::new("share");
    let path = folder.path().join("fleet.db");
    let engines: Vec<_> = (0..3).map(|_| SqliteEngine::open(&path).unwrap()).collect();
    engines[0].add((0..8).map(name)).await.unwrap();
    let fleets = engines.iter().map(|engine| {
        Fleet::new(engine.clone()).workers(2).run(async |work| work.drive(items(work.partition())).await)
    });
    let reports = futures::future::try_join_all(fleets).await.unwrap();
    assert_eq!(reports.iter().map(|report| report.finished).sum::<u64>(), 8);
    assert_eq!(reports.iter().map(|report| report.failed + report.lost).sum::<u64>(), 0);
    for name in (0..8).map(name) {
        assert_eq!(engines[1].items(&name).await.unwrap(), expected(&name));
    }
}

/// Returns the identity of the owner with the number of another process.
#[cfg(target_os = "linux")]
fn set_owner(path: &Path, pid: u32) {
    let owner: String = query(path, "SELECT owner FROM fleet_partitions");
    let own = format!(" {} ", std::process::id());
    assert!(owner.contains(&own), "{owner}");
    let other = owner.replace(&own, &format!(" {pid} "));
    Connection::open(path).unwrap().execute("UPDATE fleet_partitions SET owner = ?", [other]).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_partitions_of_a_process_that_has_ended_are_free_at_once() {
    let folder = Folder::new("ended");
    let path = folder.path().join("fleet.db");
    let engine = Sqlite::open(&path).unwrap();
    engine.add(["a"]).await.unwrap();
    let mut zombie = claim(&engine).await;
    // This process runs.
    assert!(matches!(engine.claim().await, Ok(Claimed::NotYet(wait)) if wait > Duration::from_secs(20)));
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    set_owner(&path, pid);
    let owner = claim(&engine).await;
    assert_eq!(owner.attempt, 2);
    assert!(
        !engine.commit(&mut zombie.token, [1].into(), &Checkpoint::new(None, 1)).await.unwrap().is_owned()
    );
    // The number was reused by another process: process 1 has started at another time.
    set_owner(&path, 1);
    assert_eq!(claim(&engine).await.attempt, 3);
    // Whether a process of another machine or container runs is unknown.
    Connection::open(&path)
        .unwrap()
        .execute("UPDATE fleet_partitions SET owner = 'boot pid:[1] 4000000 7'", [])
        .unwrap();
    assert!(matches!(engine.claim().await, Ok(Claimed::NotYet(_))));
}

#[tokio::test]
async fn the_users_own_tables_are_written_in_the_transaction_of_the_commit() {
    let folder = Folder::new("own");
    let path = folder.path().join("fleet.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE numbers (n INTEGER CHECK (n < 100))")
        .unwrap();
    let engine = Sqlite::open(&path).unwrap().with_store(|transaction, _, items| {
        for item in items {
            assert!(*item != 13, "an unlucky number");
            transaction.execute("INSERT INTO numbers VALUES (?)", [item.cast_signed()])?;
        }
        Ok(())
    });
    engine.add(["a"]).await.unwrap();
    let mut partition = claim(&engine).await;
    let checkpoint = Checkpoint::new(Some(1), 0);
    // The function fails after the first item, then panics.
    assert!(engine.commit(&mut partition.token, [1, 100].into(), &checkpoint).await.is_err());
    let panicking = tokio::spawn({
        let (engine, mut token, checkpoint) = (engine.clone(), partition.token.clone(), checkpoint.clone());
        async move { engine.commit(&mut token, [1, 13].into(), &checkpoint).await }
    });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(query::<i64>(&path, "SELECT count(*) FROM numbers"), 0);
    assert_eq!(engine.read(&mut partition.token).await.unwrap(), Some(Checkpoint::default()));
    assert!(engine.commit(&mut partition.token, [1, 2].into(), &checkpoint).await.unwrap().is_owned());
    assert_eq!(query::<i64>(&path, "SELECT sum(n) FROM numbers"), 3);
    assert_eq!(engine.progress().await.unwrap().items, 2);
}

/// A disk that is full for a while: nothing is stored by halves, and the crawl completes afterwards.
#[tokio::test]
async fn a_full_disk_fails_commits_and_loses_nothing() {
    let folder = Folder::new("full");
    let path = folder.path().join("fleet.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE texts (text TEXT)").unwrap();
    let is_full = Arc::new(AtomicBool::new(true));
    let engine = SqliteEngine::<String, u32>::open(&path).unwrap().with_store({
        let is_full = Arc::clone(&is_full);
        move |transaction, _, items| {
            // SQLite fails in the same way as on a full disk.
            let pages = if is_full.load(Ordering::Relaxed) { 20 } else { 1 << 30 };
            transaction.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            items
                .iter()
                .try_for_each(|item| transaction.execute("INSERT INTO texts VALUES (?)", [item]).map(drop))
        }
    });
    engine.add(["a"]).await.unwrap();
    let run = async || {
        let fleet = Fleet::new(engine.clone()).attempts(1).run(async |work| {
            let pages =
                by_cursor(async |_: Option<u32>| Ok::<_, Infallible>((vec!["x".repeat(1 << 20)], None)));
            work.drive(pages).await
        });
        fleet.await.unwrap().progress.unwrap()
    };
    let progress = run().await;
    assert_eq!((progress.items, progress.set_aside.len()), (0, 1));
    let error = &progress.set_aside[0].error;
    assert!(error.contains("SQLite has failed: database or disk is full"), "{error}");
    assert_eq!(query::<i64>(&path, "SELECT count(*) FROM texts"), 0);
    is_full.store(false, Ordering::Relaxed);
    assert_eq!(engine.retry_set_aside().await.unwrap(), 1);
    assert_eq!(run().await.done, 1);
    assert_eq!(query::<i64>(&path, "SELECT count(*) FROM texts"), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_with_its_reason() {
    let folder = Folder::new("read-only");
    let path = folder.path().join("fleet.db");
    Sqlite::open(&path).unwrap().add(["a"]).await.unwrap();
    // Also for root, whom permissions do not stop.
    let uri = format!("file:{}?mode=ro", path.display());
    let engine = Sqlite::open(uri).unwrap();
    assert_eq!(engine.progress().await.unwrap().pending, 1);
    let error = engine.claim().await.unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!((&*error.to_string(), &*text), ("SQLite has failed", "attempt to write a readonly database"));
    let error = Sqlite::open(folder.path().join("none/fleet.db")).unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(text.starts_with("unable to open database file"), "{text}");
    std::fs::write(&path, "no database").unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "file is not a database");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_that_is_started_does_not_inherit_the_file() {
    let folder = Folder::new("inherit");
    let path = folder.path().join("fleet.db");
    let engine = Sqlite::open(&path).unwrap();
    engine.add(["a"]).await.unwrap();
    let opens = |pid: u32| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.filter(|target| target.starts_with(folder.path())).count()
    };
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let (own, inherited) = (opens(std::process::id()), opens(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(own > 0 && inherited == 0, "{own}, {inherited}");
}

/// Reading the progress does not wait for a writer.
#[tokio::test]
async fn the_progress_is_read_while_the_file_is_locked_for_writing() {
    let folder = Folder::new("progress");
    let path = folder.path().join("fleet.db");
    let engine = Sqlite::open(&path).unwrap();
    engine.add(["a"]).await.unwrap();
    let mut writer = Connection::open(&path).unwrap();
    let transaction = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    assert_eq!(engine.progress().await.unwrap().pending, 1);
    transaction.rollback().unwrap();
}

//! The engine on SQLite: owners that have ended, the user's own tables, and several connections.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use withal::fleet::{Claimed, Engine, Fleet, Partition, SqliteEngine, SqliteToken};
use withal::pages::Checkpoint;

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

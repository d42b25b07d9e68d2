//! The workers of a process.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use withal::fleet::{Claimed, Engine, Fleet, MemoryEngine, SqliteEngine, StoreEngine};
use withal::pages::{Checkpoint, PageNumber};

use crate::crawl::{assert_complete, engine, items};
use crate::folder::Folder;
use crate::store::MemoryStore;

#[tokio::test(start_paused = true)]
async fn several_fleets_share_the_work() {
    let engine = engine(20).await;
    let fleets = (0..3).map(|_| {
        Fleet::new(engine.clone()).workers(2).run(async |work| work.drive(items(work.partition())).await)
    });
    let reports = futures::future::try_join_all(fleets).await.unwrap();
    assert_eq!(reports.iter().map(|report| report.finished).sum::<u64>(), 20);
    assert!(reports.iter().all(|report| report.finished > 3 && report.failed == 0 && report.lost == 0));
    assert_complete(&engine, 20);
}

#[tokio::test(start_paused = true)]
async fn a_partition_is_retried_and_set_aside_with_its_error() {
    let engine = engine(3).await;
    let started = Instant::now();
    let report = Fleet::new(engine.clone())
        .workers(2)
        .attempts(3)
        .run(async |work| {
            if work.partition() == "p001" {
                return Err(format!("attempt {}", work.attempt()));
            }
            work.drive(items(work.partition())).await.map_err(|error| error.to_string())
        })
        .await
        .unwrap();
    assert_eq!((report.finished, report.failed, report.lost), (2, 3, 0));
    let progress = report.progress.unwrap();
    assert_eq!((progress.done, progress.unfinished(), progress.items), (2, 0, 20));
    assert_eq!(progress.set_aside.len(), 1);
    assert_eq!((&*progress.set_aside[0].partition, &*progress.set_aside[0].error), ("p001", "attempt 3"));
    // One second and two seconds, with jitter.
    assert!(started.elapsed() >= Duration::from_millis(1500) && started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt() {
    let engine = engine(2).await;
    let report = Fleet::new(engine.clone())
        .run(async |work| {
            assert!(work.partition() != "p000" || work.attempt() > 2, "attempt {}", work.attempt());
            work.drive(items(work.partition())).await
        })
        .await
        .unwrap();
    assert_eq!((report.finished, report.failed), (2, 2));
    assert_complete(&engine, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_continues_after_the_last_commit_which_starts_the_attempts_again() {
    let engine = engine(1).await;
    let fetched = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&fetched);
    let report = Fleet::new(engine.clone())
        .attempts(2)
        .run(async move |work| {
            assert_eq!(work.attempt(), 1 + u32::from(work.checkpoint() != Checkpoint::default()));
            let mut pages = items(work.partition()).resume(work.checkpoint()).into_pages();
            let page = pages.try_next().await.map_err(|error| error.to_string())?;
            count.fetch_add(1, Ordering::Relaxed);
            work.commit(page.unwrap_or_default(), pages.checkpoint())
                .await
                .map_err(|error| error.to_string())?;
            if pages.checkpoint().is_done() { Ok(()) } else { Err("one page at a time".to_owned()) }
        })
        .await
        .unwrap();
    assert_eq!((report.finished, report.failed), (1, 5));
    assert_eq!(fetched.load(Ordering::Relaxed), 6);
    assert_complete(&engine, 1);
}

#[tokio::test(start_paused = true)]
async fn partitions_added_meanwhile_are_worked_on() {
    let engine = engine(1).await;
    let report = Fleet::new(engine.clone())
        .workers(3)
        .run(async |work| {
            if work.partition() == "p000" {
                work.engine().add(["p001", "p002"]).await.unwrap();
            }
            work.drive(items(work.partition())).await
        })
        .await
        .unwrap();
    assert_eq!(report.finished, 3);
    assert_complete(&engine, 3);
}

/// The owner of the last partition adds others after the commit that finishes it: the workers of other processes have waited.
async fn late_partitions_are_shared<E: Engine<Item = String, Cursor = PageNumber> + Clone>(engine: E) {
    engine.add(["p000"]).await.unwrap();
    let fleets = (0..2).map(|_| {
        let late = ["p001", "p002", "p003", "p004"];
        Fleet::new(engine.clone()).max_idle(Duration::from_millis(10)).run(async move |work| {
            work.drive(items(work.partition())).await.map_err(|error| error.to_string())?;
            if work.partition() == "p000" {
                sleep(Duration::from_millis(100)).await;
                work.engine().add(late).await.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        })
    });
    let reports = futures::future::try_join_all(fleets).await.unwrap();
    let finished: Vec<_> = reports.iter().map(|report| report.finished).collect();
    assert!(
        finished.iter().all(|finished| *finished >= 2) && finished.iter().sum::<u64>() == 5,
        "{finished:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn partitions_added_after_the_last_commit_are_shared() {
    late_partitions_are_shared(MemoryEngine::new()).await;
    late_partitions_are_shared(Arc::new(StoreEngine::new(MemoryStore::new()))).await;
}

#[tokio::test]
async fn partitions_added_to_a_file_after_the_last_commit_are_shared() {
    let folder = Folder::new("late");
    late_partitions_are_shared(SqliteEngine::open(folder.path().join("fleet.db")).unwrap()).await;
}

/// The owner of a finished partition is lost: the other workers wait for its lease, and no longer.
#[tokio::test(start_paused = true)]
async fn a_lost_owner_of_a_finished_partition_delays_the_end_by_its_lease() {
    let engine = engine(1).await;
    let Ok(Claimed::Partition(mut lost)) = engine.claim().await else { panic!("it is free") };
    let mut pages = items("p000").into_pages();
    while pages.try_next().await.unwrap().is_some() {}
    let end = pages.checkpoint();
    assert!(end.is_done() && engine.commit(&mut lost.token, [].into(), &end).await.unwrap().is_owned());
    let started = Instant::now();
    assert!(Fleet::new(engine.clone()).claim().await.unwrap().is_none());
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_secs(29) && elapsed < Duration::from_secs(32), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_set_aside_is_retried_with_all_its_attempts() {
    let engine = engine(2).await;
    let is_repaired = Arc::new(AtomicBool::new(false));
    let run = async || {
        let is_repaired = Arc::clone(&is_repaired);
        let fleet = Fleet::new(engine.clone()).attempts(2).run(async move |work| {
            if !is_repaired.load(Ordering::Relaxed) {
                return Err(format!("attempt {}", work.attempt()));
            }
            work.drive(items(work.partition())).await.map_err(|error| error.to_string())
        });
        fleet.await.unwrap()
    };
    assert_eq!(run().await.failed, 4);
    assert_eq!(engine.retry_set_aside().await.unwrap(), 2);
    let report = run().await;
    assert_eq!((report.failed, report.progress.unwrap().set_aside.len()), (4, 2));
    assert_eq!(engine.retry_set_aside().await.unwrap(), 2);
    is_repaired.store(true, Ordering::Relaxed);
    assert_eq!(run().await.finished, 2);
    assert_eq!(engine.retry_set_aside().await.unwrap(), 0);
    assert_complete(&engine, 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_releases_at_once() {
    let engine = engine(3).await;
    let started = Instant::now();
    let report = Fleet::new(engine.clone())
        .workers(2)
        .stop_when(sleep(Duration::from_secs(7)))
        .run(async |_| pending::<Result<(), String>>().await)
        .await
        .unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    assert!(report.is_stopped);
    assert_eq!((report.finished, report.failed, report.lost), (0, 0, 0));
    assert_eq!(engine.progress().await.unwrap().pending, 3);
    // Neither counts as an attempt.
    let claim = Fleet::new(engine).claim().await.unwrap().unwrap();
    assert_eq!(format!("{claim:?}"), r#"Claim { partition: "p002", attempt: 1, .. }"#);
    drop(claim);
    withal::cleanup::drain(Duration::from_secs(5)).await.unwrap();
}

//! The workers of a process.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use withal::fleet::{Engine, Fleet};
use withal::pages::Checkpoint;

use crate::crawl::{assert_complete, engine, items};

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
                work.engine().add(vec!["p001".into(), "p002".into()]).await.unwrap();
            }
            work.drive(items(work.partition())).await
        })
        .await
        .unwrap();
    assert_eq!(report.finished, 3);
    assert_complete(&engine, 3);
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

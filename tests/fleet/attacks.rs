//! Attacks on a run: panics at each place of the user's code, drops at each await, clocks that jump, an engine that is unavailable,
//! and many partitions. Afterwards, each item is stored once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, advance, sleep, timeout};
use withal::cleanup::drain;
use withal::fleet::{Claimed, Engine, Fleet};
use withal::pages::{AsyncGetDocs, PageNumber, by_page_number};
use withal_test_support::poll_then_drop::drop_at_every_await;

use crate::crawl::{assert_complete, engine, expected, items, name};
use crate::faulty::{Fault, Faulty};

/// The items of a partition, whose stream panics before its page with this number if the attempt is the first one.
fn panicking(partition: &str, attempt: u32, at: u64) -> AsyncGetDocs<String, PageNumber, Infallible> {
    let partition = partition.to_owned();
    by_page_number(1, move |page| {
        let partition = partition.clone();
        assert!(attempt > 1 || page != at, "a panic of the fetch function");
        async move {
            sleep(Duration::from_millis(1)).await;
            Ok(if page <= 5 { (0..2).map(|n| format!("{partition}.{page}.{n}")).collect() } else { vec![] })
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_any_page_costs_an_attempt() {
    for at in 1..=6 {
        let engine = engine(2).await;
        let run = Fleet::new(engine.clone()).workers(2).run(async move |work| {
            let pages = panicking(work.partition(), work.attempt(), at);
            work.drive(pages).await
        });
        // After a commit, the next claim is a first attempt again.
        let report = timeout(Duration::from_secs(3600), run).await.unwrap().unwrap();
        let progress = report.progress.unwrap();
        assert_eq!(progress.done + progress.set_aside.len() as u64, 2);
        for partition in (0..2).map(name) {
            let stored = engine.items(&partition);
            assert!(expected(&partition).starts_with(&stored), "{stored:?}");
        }
    }
}

/// A value whose clone and drop panic as often as the test decides.
struct Bomb {
    clones: Arc<AtomicU32>,
    drops: Arc<AtomicU32>,
}

fn explode(fuse: &AtomicU32, what: &str) {
    let is_lit = fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    assert!(is_lit.is_err() || std::thread::panicking(), "a panic of {what}");
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        explode(&self.clones, "a clone");
        Self { clones: Arc::clone(&self.clones), drops: Arc::clone(&self.drops) }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        explode(&self.drops, "a drop");
    }
}

/// The closure is dropped with its captures: the partition was released by then, and no other is affected.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_capture_loses_nothing() {
    for drops in 0..4 {
        let engine = engine(3).await;
        let bomb = Bomb { clones: Arc::default(), drops: Arc::new(AtomicU32::new(0)) };
        let fuse = Arc::clone(&bomb.drops);
        let lit = Arc::new(AtomicU32::new(1));
        let run = Fleet::new(engine.clone()).run(async move |work| {
            let _bomb = &bomb;
            work.drive(items(work.partition())).await?;
            if lit.swap(0, Ordering::Relaxed) == 1 {
                fuse.store(drops, Ordering::Relaxed);
            }
            Ok::<_, withal::fleet::DriveError<_, _>>(())
        });
        let run = tokio::spawn(run);
        // The run may report the panic, but completes.
        drop(timeout(Duration::from_secs(3600), run).await.expect("it completes"));
        drain(Duration::from_secs(60)).await.unwrap();
        let rest = Fleet::new(engine.clone()).run(async |work| work.drive(items(work.partition())).await);
        assert!(timeout(Duration::from_secs(3600), rest).await.expect("it completes").is_ok());
        assert_complete(&engine, 3);
    }
}

/// A clone of the closure that panics is reported by the run, as it is not part of a partition.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_clone_of_a_capture_ends_the_run_and_loses_nothing() {
    for clones in 1..4 {
        let engine = engine(3).await;
        let bomb = Bomb { clones: Arc::new(AtomicU32::new(0)), drops: Arc::default() };
        let fuse = Arc::clone(&bomb.clones);
        let run = Fleet::new(engine.clone()).workers(2).run(async move |work| {
            let _bomb = &bomb;
            fuse.store(clones, Ordering::Relaxed);
            work.drive(items(work.partition())).await
        });
        let run = tokio::spawn(run);
        assert!(timeout(Duration::from_secs(3600), run).await.expect("it completes").is_err());
        drain(Duration::from_secs(60)).await.unwrap();
        let rest = Fleet::new(engine.clone()).run(async |work| work.drive(items(work.partition())).await);
        assert!(timeout(Duration::from_secs(3600), rest).await.expect("it completes").is_ok());
        assert_complete(&engine, 3);
    }
}

/// A run that is dropped at any await leaves all partitions to the next one, at once.
#[tokio::test(start_paused = true)]
async fn a_run_may_be_dropped_at_every_await() {
    let memory = crate::faulty::Memory::new();
    memory.add((0..2).map(name)).await.unwrap();
    let faulty = Faulty::new(memory.clone(), |_, _| Fault::None);
    let program = || {
        let faulty = faulty.clone();
        Fleet::new(faulty).workers(2).run(async |work| work.drive(items(work.partition())).await)
    };
    let dropped = drop_at_every_await(program, async |_| {
        drain(Duration::from_secs(60)).await.unwrap();
        let Ok(progress) = memory.progress().await;
        assert_eq!(progress.leased, 0, "{progress:?}");
    });
    assert!(dropped.await > 2);
    assert_complete(&memory, 2);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_unavailable_for_a_while_costs_time_only() {
    for away in [Fault::Before, Fault::After, Fault::Hang] {
        let memory = engine(20).await;
        let started = Instant::now();
        let is_away = move || {
            let elapsed = started.elapsed();
            elapsed > Duration::from_millis(25) && elapsed < Duration::from_secs(10)
        };
        let faulty = Faulty::new(memory.clone(), move |_, _| if is_away() { away } else { Fault::None });
        let run = Fleet::new(faulty)
            .workers(4)
            .attempts(1)
            .run(async |work| work.drive(items(work.partition())).await);
        let report = timeout(Duration::from_secs(3600), run).await.expect("it completes").unwrap();
        let progress = report.progress.unwrap();
        if away == Fault::Hang {
            // A call that hangs is not a failed attempt.
            assert_eq!(progress.done, 20, "{progress:?}");
        }
        assert_eq!(progress.done + progress.set_aside.len() as u64, 20, "{progress:?}");
        assert_eq!(memory.retry_set_aside().await.unwrap(), progress.set_aside.len() as u64);
        let rest = Fleet::new(memory.clone()).run(async |work| work.drive(items(work.partition())).await);
        assert!(timeout(Duration::from_secs(3600), rest).await.expect("it completes").is_ok());
        assert_complete(&memory, 20);
    }
}

/// The clock jumps, as after the suspension of a machine: all leases are lost, and the partitions are continued.
#[tokio::test(start_paused = true)]
async fn clocks_that_jump_cost_time_only() {
    let engine = engine(4).await;
    let fleet =
        Fleet::new(engine.clone()).workers(4).run(async |work| work.drive(items(work.partition())).await);
    let jump = async {
        for _ in 0..5 {
            sleep(Duration::from_millis(17)).await;
            advance(Duration::from_secs(3600)).await;
        }
    };
    let (report, ()) = tokio::join!(fleet, jump);
    let report = report.unwrap();
    assert_eq!(report.progress.unwrap().done, 4);
    assert_complete(&engine, 4);
}

#[tokio::test(start_paused = true)]
async fn many_workers_share_many_partitions() {
    let engine = engine(1000).await;
    let fleets = (0..2).map(|_| {
        Fleet::new(engine.clone()).workers(64).run(async |work| work.drive(items(work.partition())).await)
    });
    let reports = futures::future::try_join_all(fleets).await.unwrap();
    let finished: BTreeMap<_, _> = reports.iter().map(|report| report.finished).enumerate().collect();
    assert_eq!(finished.values().sum::<u64>(), 1000);
    assert!(finished.values().all(|finished| *finished > 300), "{finished:?}");
    assert_complete(&engine, 1000);
    assert!(matches!(engine.claim().await, Ok(Claimed::Finished)));
}

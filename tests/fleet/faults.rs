//! Faults of each call of the engine, before or after its effect: afterwards, every item is stored once.

use std::time::Duration;

use withal::fleet::Fleet;
use withal_test_support::expect_reports;

use crate::crawl::{assert_complete, engine, items};
use crate::faulty::{Fault, Faulty};

const PARTITIONS: usize = 2;

/// Runs the crawl with a plan of faults. Returns the number of calls.
async fn crawl(plan: impl FnMut(usize, &'static str) -> Fault + Send + 'static) -> usize {
    let memory = engine(PARTITIONS).await;
    let faulty = Faulty::new(memory.clone(), plan);
    let report = Fleet::new(faulty.clone())
        .workers(2)
        .attempts(100)
        .max_outage(Duration::from_secs(3600))
        .run(async |work| work.drive(items(work.partition())).await)
        .await
        .unwrap();
    assert_complete(&memory, PARTITIONS);
    let progress = report.progress.unwrap();
    assert_eq!((progress.done, progress.set_aside.len(), progress.items), (2, 0, 20));
    faulty.calls()
}

#[tokio::test(start_paused = true)]
async fn the_truth_is_read_after_a_fault_of_any_call() {
    // The release of a finished partition may fail.
    expect_reports("connection lost");
    let calls = crawl(|_, _| Fault::None).await;
    assert!(calls > 2 * 8);
    let faults = [
        Fault::Before,
        Fault::After,
        Fault::Hang,
        Fault::Late(Duration::from_millis(1)),
        Fault::Late(Duration::from_millis(3)),
        Fault::Late(Duration::from_millis(60)),
        Fault::Late(Duration::from_secs(7)),
        Fault::Late(Duration::from_secs(100)),
    ];
    for fault in faults {
        for first in 0..calls {
            for length in [1, 2, 3, 10] {
                crawl(
                    move |call, _| if (first..first + length).contains(&call) { fault } else { Fault::None },
                )
                .await;
            }
        }
    }
}

/// A release whose response is lost is not counted as a lost lease.
#[tokio::test(start_paused = true)]
async fn a_release_whose_response_is_lost_is_a_release() {
    let memory = engine(2).await;
    let mut releases = 0;
    let faulty = Faulty::new(memory.clone(), move |_, name| {
        releases += u32::from(name == "release");
        if name == "release" && releases % 2 == 1 { Fault::After } else { Fault::None }
    });
    let fleet = Fleet::new(faulty.clone());
    let claim = fleet.claim().await.unwrap().unwrap();
    let name = claim.partition().to_owned();
    withal::context::async_with!(work = claim => { work.drive(items(&name)).await.unwrap() }).unwrap();
    let report =
        Fleet::new(faulty).run(async |work| work.drive(items(work.partition())).await).await.unwrap();
    assert_eq!((report.finished, report.failed, report.lost), (1, 0, 0));
    assert_complete(&memory, 2);
}

#[tokio::test(start_paused = true)]
async fn random_faults_lose_and_repeat_nothing() {
    expect_reports("connection lost");
    for seed in 0..200 {
        let mut random = withal_test_support::random::Random(seed);
        crawl(move |_, _| match random.below(10) {
            0 => Fault::Before,
            1 => Fault::After,
            2 => Fault::Late(Duration::from_millis(random.next_u64() % 200)),
            3 if seed % 4 == 0 => Fault::Hang,
            _ => Fault::None,
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_a_commit_fails_the_attempt() {
    let memory = engine(1).await;
    let faulty =
        Faulty::new(memory.clone(), |_, name| if name == "commit" { Fault::Before } else { Fault::None });
    let report = Fleet::new(faulty)
        .attempts(2)
        .run(async |work| work.drive(items(work.partition())).await)
        .await
        .unwrap();
    assert_eq!((report.finished, report.failed, report.lost), (0, 2, 0));
    let set_aside = report.progress.unwrap().set_aside;
    assert_eq!(
        set_aside[0].error,
        "failed to commit a page: the engine of the fleet failed: connection lost"
    );
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stays_away_fails_the_run() {
    let faulty = Faulty::new(engine(1).await, |_, _| Fault::Before);
    let started = tokio::time::Instant::now();
    let error = Fleet::new(faulty)
        .workers(3)
        .run(async |work| work.drive(items(work.partition())).await)
        .await
        .unwrap_err();
    assert!(matches!(error, withal::fleet::Error::Engine(_)), "{error}");
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_secs(60) && elapsed < Duration::from_secs(70), "{elapsed:?}");
}

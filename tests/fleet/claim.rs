//! A claim as a context manager: renewals, the loss of the lease, the release on each path, and cancellation.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, advance, sleep, timeout};
use withal::cleanup::drain;
use withal::context::async_with;
use withal::fleet::{Claimed, DriveError, Engine, Error, Fleet};
use withal::pages::Checkpoint;
use withal::testing::cancel_at_every_await;
use withal_test_support::expect_reports;

use crate::crawl::{assert_complete, engine, expected, items};
use crate::faulty::{ConnectionLost, Fault, Faulty, Memory};

const LEASE_TIME: Duration = Duration::from_secs(30);

async fn pending_partitions(engine: &Memory) -> u64 {
    drain(Duration::from_secs(5)).await.unwrap();
    let Ok(progress) = engine.progress().await;
    progress.pending
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_renewed_while_the_block_runs() {
    let memory = engine(1).await;
    let fleet = Fleet::new(Faulty::new(memory.clone(), |_, _| Fault::None));
    let claim = fleet.claim().await.unwrap().unwrap();
    let result = async_with!(_ = claim => {
        for _ in 0..100 {
            sleep(Duration::from_secs(5)).await;
            assert!(matches!(memory.claim().await, Ok(Claimed::NotYet(_))));
        }
    });
    assert!(result.is_ok(), "{result:?}");
    assert!(matches!(memory.claim().await, Ok(Claimed::Finished)));
}

#[tokio::test(start_paused = true)]
async fn one_renewal_in_time_is_enough() {
    let memory = engine(1).await;
    // Of the five renewals in a lease time, the last one succeeds.
    let mut renewals = 0;
    let faulty = Faulty::new(memory.clone(), move |_, name| {
        renewals += i32::from(name == "renew");
        if name == "renew" && renewals % 5 != 0 { Fault::Before } else { Fault::None }
    });
    let claim = Fleet::new(faulty).claim().await.unwrap().unwrap();
    let result = async_with!(_ = claim => { sleep(Duration::from_secs(1000)).await });
    assert!(result.is_ok(), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_renewed_interrupts_the_block_before_it_expires() {
    for fault in [Fault::Before, Fault::Hang] {
        let memory = engine(1).await;
        let faulty =
            Faulty::new(memory.clone(), move |_, name| if name == "renew" { fault } else { Fault::None });
        let fleet = Fleet::new(faulty);
        let started = Instant::now();
        let claim = fleet.claim().await.unwrap().unwrap();
        let result: Result<(), _> = async_with!(_ = claim => { pending().await });
        assert!(
            matches!(&result, Err(Error::LeaseLost { partition, .. }) if partition == "p000"),
            "{result:?}"
        );
        assert_eq!(started.elapsed(), LEASE_TIME);
    }
}

/// The lease has expired by the clock of the storage, but not by that of the owner.
#[tokio::test(start_paused = true)]
async fn the_commits_of_a_zombie_are_fenced_and_its_block_is_interrupted() {
    for is_waiting in [true, false] {
        let memory = engine(1).await;
        let claim = Fleet::new(Faulty::with_wrong_clock(memory.clone())).claim().await.unwrap().unwrap();
        let result = async_with!(work = claim => {
            sleep(LEASE_TIME).await;
            let Ok(Claimed::Partition(mut other)) = memory.claim().await else { panic!("the lease has expired") };
            for _ in 0..2 {
                let zombie = work.commit(["zombie".to_owned()], Checkpoint::new(None, 1)).await;
                assert!(matches!(zombie, Err(Error::LeaseLost { .. })), "{zombie:?}");
            }
            let checkpoint = Checkpoint::new(None, 1);
            let stored = memory.commit(&mut other.token, ["owner".to_owned()].into(), &checkpoint).await;
            assert!(stored.unwrap().is_owned());
            if is_waiting {
                pending::<()>().await;
            }
        });
        assert!(matches!(result, Err(Error::LeaseLost { .. })), "{result:?}");
        assert_eq!(memory.items("p000"), ["owner"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_fenced_interrupts_the_block() {
    let memory = engine(1).await;
    let claim = Fleet::new(Faulty::with_wrong_clock(memory.clone())).claim().await.unwrap().unwrap();
    let result = async_with!(_ = claim => {
        sleep(LEASE_TIME).await;
        assert!(matches!(memory.claim().await, Ok(Claimed::Partition(_))));
        sleep(LEASE_TIME * 3).await;
        panic!("not interrupted");
    });
    let result: Result<(), _> = result;
    assert!(matches!(result, Err(Error::LeaseLost { .. })), "{result:?}");
}

async fn fail(fleet: &Fleet<Memory>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let claim = fleet.claim().await?.expect("a partition is free");
    async_with!(_ = claim => { Err("it failed")? })?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_exit_releases_on_each_path() {
    let memory = engine(4).await;
    let fleet = Fleet::new(memory.clone()).attempts(1);
    // It succeeds.
    let claim = fleet.claim().await.unwrap().unwrap();
    async_with!(work = claim => { work.drive(items(work.partition())).await.unwrap() }).unwrap();
    assert_complete(&memory, 1);
    // It fails.
    assert_eq!(fail(&fleet).await.unwrap_err().to_string(), "it failed");
    // It panics.
    let panicking = tokio::spawn({
        let fleet = Fleet::new(memory.clone()).attempts(1);
        async move {
            let claim = fleet.claim().await.unwrap().unwrap();
            async_with!(work = claim => { assert!(work.partition().is_empty(), "it panicked") }).unwrap();
        }
    });
    assert!(panicking.await.unwrap_err().is_panic());
    // It is dropped.
    let claim = fleet.claim().await.unwrap().unwrap();
    let dropped = async { async_with!(_ = claim => { pending::<()>().await }) };
    assert!(timeout(Duration::from_secs(100), dropped).await.is_err());
    assert_eq!(pending_partitions(&memory).await, 1);
    let Ok(progress) = memory.progress().await;
    let aside: Vec<_> = progress.set_aside.iter().map(|entry| (&*entry.partition, &*entry.error)).collect();
    assert_eq!(aside, [("p001", "it failed"), ("p002", "panicked: it panicked")]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_entered_is_released() {
    let memory = engine(1).await;
    drop(Fleet::new(memory.clone()).claim().await.unwrap().unwrap());
    assert_eq!(pending_partitions(&memory).await, 1);
}

/// A future is dropped once at each await of a claim, a commit, a renewal and a release. Then the partition can be claimed
/// again, and the next worker completes it.
#[tokio::test(start_paused = true)]
async fn a_drop_at_any_await_leaks_nothing() {
    let state = std::cell::RefCell::new(None);
    let program = || {
        let memory = Memory::new();
        state.replace(Some(memory.clone()));
        async move {
            memory.add(["p000"]).await.unwrap();
            let fleet = Fleet::new(Faulty::new(memory, |_, _| Fault::None));
            let claim = fleet.claim().await.unwrap().unwrap();
            async_with!(work = claim => {
                // Long enough for some renewals.
                sleep(Duration::from_secs(35)).await;
                work.drive(items(work.partition())).await.unwrap();
            })
            .unwrap();
        }
    };
    let drops = cancel_at_every_await(program)
        .check(async |output| {
            drain(Duration::from_secs(5)).await.unwrap();
            let memory = state.take().unwrap();
            memory.add(["p000"]).await.unwrap();
            let Ok(before) = memory.progress().await;
            assert_eq!(before.leased, 0, "a claim has leaked");
            assert!(output.is_none() || before.done == 1);
            let started = Instant::now();
            let report = Fleet::new(memory.clone())
                .run(async |work| work.drive(items(work.partition())).await)
                .await
                .unwrap();
            assert!(started.elapsed() < Duration::from_secs(1));
            assert_eq!((report.failed, report.lost), (0, 0));
            assert_complete(&memory, 1);
        })
        .await;
    assert!(drops > 60, "{drops}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_at_any_await_releases_its_partitions() {
    let state = std::cell::RefCell::new(None);
    let program = || {
        let memory = Memory::new();
        state.replace(Some(memory.clone()));
        async move {
            memory.add((0..3).map(crate::crawl::name)).await.unwrap();
            let faulty = Faulty::new(memory, |_, _| Fault::None);
            let run =
                Fleet::new(faulty).workers(2).run(async |work| work.drive(items(work.partition())).await);
            assert_eq!(run.await.unwrap().finished, 3);
        }
    };
    cancel_at_every_await(program)
        .check(async |_| {
            drain(Duration::from_secs(5)).await.unwrap();
            let memory = state.take().unwrap();
            memory.add((0..3).map(crate::crawl::name)).await.unwrap();
            assert_eq!(memory.progress().await.unwrap().leased, 0, "a claim has leaked");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_commit_is_completed_by_the_next_one_and_by_the_exit() {
    for fault in [Fault::None, Fault::Before, Fault::After, Fault::Late(Duration::from_millis(5))] {
        for millis in [0, 1, 2, 3, 60] {
            let memory = engine(1).await;
            let faulty = Faulty::new(
                memory.clone(),
                move |_, name| if name == "commit" { fault } else { Fault::None },
            );
            // The faults end after the first commit.
            let claim = Fleet::new(once(&faulty, fault)).claim().await.unwrap().unwrap();
            async_with!(work = claim => {
                let first = work.commit(["1".to_owned()], Checkpoint::new(None, 1));
                drop(timeout(Duration::from_millis(millis), first).await);
                // The commit is repeated, because its future was dropped.
                work.commit(["1".to_owned()], Checkpoint::new(None, 1)).await.or_else(ignore_not_advanced).unwrap();
                let second = work.commit(["2".to_owned()], Checkpoint::new(None, 2));
                drop(timeout(Duration::from_millis(millis), second).await);
            })
            .unwrap();
            let stored = memory.items("p000");
            // A commit whose future was never polled has not begun.
            assert!(stored == ["1", "2"] || millis == 0 && stored == ["1"], "{fault:?} {millis} {stored:?}");
        }
    }
}

/// A commit whose future was dropped after it was stored, and that is repeated with other items, has a checkpoint that does
/// not advance.
fn ignore_not_advanced(error: Error<ConnectionLost>) -> Result<(), Error<ConnectionLost>> {
    if matches!(error, Error::NotAdvanced) { Ok(()) } else { Err(error) }
}

/// An engine in which the first commit has a fault.
fn once(faulty: &Faulty, fault: Fault) -> Faulty {
    let mut is_first = true;
    faulty.with_plan(
        move |_, name| {
            if name == "commit" && std::mem::take(&mut is_first) { fault } else { Fault::None }
        },
    )
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_page_is_committed_and_resumed() {
    let memory = engine(1).await;
    let fleet = Fleet::new(memory.clone());
    for count in 1..=3 {
        let claim = fleet.claim().await.unwrap().unwrap();
        let dropped = async {
            async_with!(work = claim => {
                let mut docs = items(work.partition()).resume(work.checkpoint());
                for _ in 0..count {
                    let item = docs.try_next().await.unwrap().unwrap();
                    work.commit([item], docs.checkpoint()).await.unwrap();
                }
                pending::<()>().await;
            })
        };
        assert!(timeout(Duration::from_secs(1), dropped).await.is_err());
        drain(Duration::from_secs(5)).await.unwrap();
    }
    assert_eq!(memory.items("p000").len(), 6);
    let report =
        Fleet::new(memory.clone()).run(async |work| work.drive(items(work.partition())).await).await.unwrap();
    assert_eq!(report.finished, 1);
    assert_complete(&memory, 1);
}

#[tokio::test(start_paused = true)]
async fn pages_that_were_not_resumed_are_refused() {
    let memory = engine(1).await;
    let claim = Fleet::new(memory.clone()).claim().await.unwrap().unwrap();
    async_with!(work = claim => {
        // At the start, there is nothing to resume.
        let pages = items(work.partition()).into_pages();
        drop(timeout(Duration::from_millis(25), work.drive(pages)).await);
        assert_eq!(memory.items("p000"), expected("p000")[..4]);
        let pages = items(work.partition()).into_pages();
        assert!(matches!(work.drive(pages).await, Err(DriveError::Commit(Error::NotResumed))));
        let pages = items(work.partition()).resume(work.checkpoint()).into_pages();
        work.drive(pages).await.unwrap();
    })
    .unwrap();
    assert_complete(&memory, 1);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_does_not_advance_is_refused() {
    let memory = engine(1).await;
    let claim = Fleet::new(memory.clone()).claim().await.unwrap().unwrap();
    async_with!(work = claim => {
        work.commit(["1".to_owned()], Checkpoint::new(None, 1)).await.unwrap();
        work.commit([], Checkpoint::new(None, 1)).await.unwrap();
        let error = work.commit(["2".to_owned()], Checkpoint::new(None, 1)).await.unwrap_err();
        assert!(matches!(error, Error::NotAdvanced));
        work.drive(items(work.partition())).await.unwrap();
        let error = work.commit(["2".to_owned()], Checkpoint::new(None, 2)).await.unwrap_err();
        assert!(matches!(error, Error::NotAdvanced));
    })
    .unwrap();
    assert_eq!(memory.items("p000")[..2], ["1", "p000.1.1"]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_kills_its_workers_is_set_aside() {
    let memory = engine(1).await;
    for _ in 0..7 {
        assert!(matches!(memory.claim().await, Ok(Claimed::Partition(_))));
        advance(LEASE_TIME).await;
    }
    let fleet = Fleet::new(memory.clone()).attempts(5).max_crashes(2);
    assert!(fleet.claim().await.unwrap().is_none());
    let Ok(progress) = memory.progress().await;
    assert_eq!(
        progress.set_aside[0].error,
        "7 claims ended without a commit, and the last without a release"
    );
}

#[tokio::test]
async fn a_claim_that_is_entered_by_hand_is_released() {
    use withal::context::AsyncContextManager;
    expect_reports("a claim");
    let memory = engine(1).await;
    let claim = Fleet::new(memory.clone()).claim().await.unwrap().unwrap();
    let error = claim.aenter().await.unwrap_err();
    assert!(matches!(error, Error::NotEntering(_)));
    assert_eq!(pending_partitions(&memory).await, 1);
}

//! How a block in a timeout ends, where asyncio has no need to say so; and its group.

use std::future::pending;
use std::sync::Barrier;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::context::{Error as WithError, async_with};
use withal::tasks::{TaskGroup, TimeoutError, timeout};

use super::{SECOND, takes};
use crate::{Failed, Log, Slow};

#[tokio::test]
async fn a_block_that_does_not_await_is_in_time() {
    let limit = timeout(Duration::ZERO);
    assert_eq!(async_with!(_limit = limit.clone() => { 7 }), Ok(7));
    assert!(!limit.expired());
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_ready_in_the_same_moment_is_in_time() {
    let limit = timeout(SECOND);
    assert_eq!(takes(&limit, SECOND).await, Ok(()));
    assert!(!limit.expired());
}

#[tokio::test(start_paused = true)]
async fn reschedule_from_inside() {
    let began = Instant::now();
    let result = async_with!(limit = timeout(None) => {
        limit.reschedule(Instant::now() + SECOND).unwrap();
        sleep(10 * SECOND).await;
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(began.elapsed(), SECOND);
}

/// What tokio's `timeout` does not do.
#[tokio::test(start_paused = true)]
async fn exits_inside_are_awaited() {
    let (log, began) = (Log::default(), Instant::now());
    let result = async_with!(_limit = timeout(SECOND) => {
        async_with!(_slow = Slow::new("exited:", 2 * SECOND, &log) => { pending::<()>().await });
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(log.take(), ["exited: Cancelled"]);
    assert_eq!(began.elapsed(), 3 * SECOND);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn timeout_taskgroup() {
    let (log, began) = (Log::default(), Instant::now());
    let logs = log.clone();
    let result = async_with(timeout(SECOND), async |_| {
        async_with!(group = TaskGroup::<Failed>::new() => {
            let slow = Slow::new("exited:", 2 * SECOND, &logs);
            group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
            sleep(10 * SECOND).await;
        })
    });
    assert!(matches!(result.await, Err(WithError::Exit { error: TimeoutError::Elapsed, .. })));
    assert_eq!(log.take(), ["exited: Cancelled"], "the tasks of a group inside, too");
    assert_eq!(began.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_dropped_is_over() {
    let limit = timeout(SECOND);
    assert!(takes(&limit, 10 * SECOND).now_or_never().is_none());
    assert_eq!(limit.reschedule(None), Err(TimeoutError::Finished));
    assert!(!limit.expired());
}

/// From another thread, in the moment when the time is over.
#[tokio::test(start_paused = true)]
async fn what_could_be_rescheduled_has_not_expired() {
    for _ in 0..500 {
        let limit = timeout(SECOND);
        let mut block = tokio_test::task::spawn(takes(&limit, 100 * SECOND));
        tokio_test::assert_pending!(block.poll());
        tokio::time::advance(2 * SECOND).await;
        let (later, barrier) = (Instant::now() + 10 * SECOND, Barrier::new(2));
        let is_set = std::thread::scope(|scope| {
            let sets = scope.spawn(|| {
                barrier.wait();
                limit.reschedule(later).is_ok()
            });
            barrier.wait();
            let _either = block.poll();
            sets.join().unwrap()
        });
        assert_ne!(is_set, limit.expired());
    }
}

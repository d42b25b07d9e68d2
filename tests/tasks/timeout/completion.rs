//! How blocks in a timeout end, beyond the tests of `CPython`.

use std::future::pending;
use std::sync::Barrier;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::context::{AsyncContextManager, Error as WithError, async_with};
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
async fn a_block_that_completes_at_the_deadline_is_in_time() {
    let limit = timeout(SECOND);
    assert_eq!(takes(&limit, SECOND).await, Ok(()));
    assert!(!limit.expired());
}

#[tokio::test(start_paused = true)]
async fn reschedule_from_inside() {
    let start = Instant::now();
    let result = async_with!(limit = timeout(None) => {
        limit.reschedule(Instant::now() + SECOND).unwrap();
        sleep(10 * SECOND).await;
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(start.elapsed(), SECOND);
}

/// Unlike with tokio's `timeout`.
#[tokio::test(start_paused = true)]
async fn exits_inside_are_awaited() {
    let (log, start) = (Log::default(), Instant::now());
    let result = async_with!(_limit = timeout(SECOND) => {
        async_with!(_slow = Slow::new("exited:", 2 * SECOND, &log) => { pending::<()>().await });
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(log.take(), ["exited: Cancelled"]);
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn timeout_taskgroup() {
    let (log, start) = (Log::default(), Instant::now());
    let logs = log.clone();
    let result = async_with(timeout(SECOND), async |_| {
        async_with!(group = TaskGroup::<Failed>::new() => {
            let slow = Slow::new("exited:", 2 * SECOND, &logs);
            group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
            sleep(10 * SECOND).await;
        })
    });
    assert!(matches!(result.await, Err(WithError::Exit { error: TimeoutError::Elapsed, .. })));
    assert_eq!(log.take(), ["exited: Cancelled"], "the tasks of the group are cancelled, too");
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_block_finishes_the_timeout() {
    let limit = timeout(SECOND);
    assert!(takes(&limit, 10 * SECOND).now_or_never().is_none());
    assert_eq!(limit.reschedule(None), Err(TimeoutError::Finished));
    assert!(!limit.expired());
}

/// A reschedule by another thread races with the deadline.
#[tokio::test(start_paused = true)]
async fn a_successful_reschedule_excludes_expiry() {
    for _ in 0..500 {
        let limit = timeout(SECOND);
        let mut block = tokio_test::task::spawn(takes(&limit, 100 * SECOND));
        tokio_test::assert_pending!(block.poll());
        tokio::time::advance(2 * SECOND).await;
        let (new_deadline, barrier) = (Instant::now() + 10 * SECOND, Barrier::new(2));
        let is_rescheduled = std::thread::scope(|scope| {
            let reschedules = scope.spawn(|| {
                barrier.wait();
                limit.reschedule(new_deadline).is_ok()
            });
            barrier.wait();
            // Ready or pending: both are possible.
            let _polled = block.poll();
            reschedules.join().unwrap()
        });
        assert_ne!(is_rescheduled, limit.expired());
    }
}

#[tokio::test]
async fn a_timeout_that_is_entered_outside_of_a_scope_is_not_active() {
    let limit = timeout(SECOND);
    let error = limit.clone().aenter().await.unwrap_err();
    assert!(matches!(error, TimeoutError::NotEntering(_)), "{error}");
    assert_eq!(limit.reschedule(None), Err(TimeoutError::Finished));
    assert!(format!("{limit:?}").contains("finished"));
}

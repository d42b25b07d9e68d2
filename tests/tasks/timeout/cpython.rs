//! The tests of `CPython`'s `test_timeouts.py`, under their names.

use std::convert::Infallible;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::context::{Error as WithError, async_with};
use withal::tasks::{Error, TimeoutError, create_task, timeout, timeout_at};

use super::{SECOND, takes};
use crate::{Failed, Log, LogOnDrop};

#[tokio::test(start_paused = true)]
async fn timeout_basic() {
    let (limit, start) = (timeout(SECOND), Instant::now());
    assert_eq!(takes(&limit, 10 * SECOND).await, Err(TimeoutError::Elapsed));
    assert_eq!(start.elapsed(), SECOND);
    assert!(limit.expired());
    assert_eq!(TimeoutError::Elapsed.to_string(), "timed out");
    assert!(TimeoutError::Elapsed.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn timeout_at_basic() {
    let deadline = Instant::now() + SECOND;
    let limit = timeout_at(deadline);
    assert_eq!(takes(&limit, 10 * SECOND).await, Err(TimeoutError::Elapsed));
    assert!(limit.expired());
    assert_eq!(limit.when(), Some(deadline));
    assert_eq!(Instant::now(), deadline);
}

#[tokio::test(start_paused = true)]
async fn nested_timeouts_the_outer_is_first() {
    let (outer, inner, log) = (timeout(SECOND), timeout(2 * SECOND), Log::default());
    let result = async_with!(_outer = outer.clone() => {
        let _noted = LogOnDrop::new("cancelled", &log);
        let inside = takes(&inner, 10 * SECOND).await;
        log.push(format!("{inside:?}"));
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert!(outer.expired() && !inner.expired());
    assert_eq!(log.take(), ["cancelled"], "only the outer timeout fails");
}

#[tokio::test(start_paused = true)]
async fn nested_timeouts_the_inner_is_first() {
    let (outer, inner) = (timeout(2 * SECOND), timeout(SECOND));
    let result = async_with!(_outer = outer.clone() => {
        let inside = takes(&inner, 10 * SECOND).await;
        sleep(10 * SECOND).await;
        inside
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert!(outer.expired() && inner.expired());
}

/// Of two timeouts that expire at once, the inner one fails first, and the outer one at the next await. In asyncio only the
/// outer one fails.
#[tokio::test(start_paused = true)]
async fn nested_timeouts_at_once() {
    let deadline = Instant::now() + SECOND;
    let (outer, inner, log) = (timeout_at(deadline), timeout_at(deadline), Log::default());
    let result = async_with!(_outer = outer.clone() => {
        log.push(format!("{:?}", takes(&inner, 10 * SECOND).await));
        yield_now().await;
        log.push("never");
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert!(outer.expired() && inner.expired());
    assert_eq!(log.take(), ["Err(Elapsed)"]);
    assert_eq!(Instant::now(), deadline);
}

#[tokio::test(start_paused = true)]
async fn waiter_cancelled() {
    let log = Log::default();
    let result = async_with!(_limit = timeout(SECOND) => {
        let _noted = LogOnDrop::new("cancelled", &log);
        sleep(10 * SECOND).await;
        log.push("never");
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(log.take(), ["cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn timeout_not_called() {
    let limit = timeout(10 * SECOND);
    assert_eq!(takes(&limit, SECOND).await, Ok(()));
    assert!(!limit.expired());
    assert!(limit.when() > Some(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn timeout_disabled() {
    for limit in [timeout(None), timeout_at(None), timeout(Duration::MAX)] {
        assert_eq!(takes(&limit, SECOND).await, Ok(()));
        assert!(!limit.expired());
        assert_eq!(limit.when(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_zero() {
    let (limit, start) = (timeout(Duration::ZERO), Instant::now());
    assert_eq!(takes(&limit, 10 * SECOND).await, Err(TimeoutError::Elapsed));
    assert!(limit.expired());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(limit.when(), Some(start));
}

#[tokio::test(start_paused = true)]
async fn timeout_zero_sleep_zero_and_in_the_past() {
    sleep(SECOND).await;
    for limit in [timeout(Duration::ZERO), timeout_at(Instant::now() - SECOND)] {
        let result = async_with!(_limit = limit.clone() => { yield_now().await });
        assert_eq!(result, Err(TimeoutError::Elapsed));
        assert!(limit.expired());
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_exception_passed() {
    let limit = timeout(SECOND);
    let result = async_with(limit.clone(), async |_| Err::<(), _>(Failed("key"))).await;
    assert!(matches!(result, Err(WithError::Block(Failed("key")))));
    assert!(!limit.expired());
}

#[tokio::test(start_paused = true)]
async fn foreign_cancel_doesnt_timeout_if_not_expired() {
    let limit = timeout(10 * SECOND);
    let inside = limit.clone();
    let task = create_task(async move { takes(&inside, 10 * SECOND).await });
    yield_now().await;
    task.cancel();
    assert_eq!(task.await, Err(Error::Cancelled));
    assert!(!limit.expired());
}

#[tokio::test(start_paused = true)]
async fn outer_task_is_not_cancelled() {
    let mut task = create_task(async { Ok::<_, Infallible>(takes(&timeout(SECOND), 10 * SECOND).await) });
    assert_eq!((&mut task).await, Ok(Err(TimeoutError::Elapsed)));
    assert!(task.done() && !task.cancelled());
}

/// Blocks the thread for as long as `duration`, by the paused clock.
pub(super) fn crunch_numbers(duration: Duration) {
    let _advanced = tokio::time::advance(duration).now_or_never();
}

/// The outer timeout expires while the block holds the thread; the inner one does not.
#[tokio::test(start_paused = true)]
async fn nested_timeouts_concurrent() {
    let (outer, inner, log) = (timeout(2 * SECOND), timeout(100 * SECOND), Log::default());
    let result = async_with!(_outer = outer.clone() => {
        let inside = async_with!(_inner = inner.clone() => {
            crunch_numbers(10 * SECOND);
            sleep(SECOND).await;
        });
        log.push(format!("{inside:?}"));
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert!(outer.expired() && !inner.expired());
    assert!(log.take().is_empty(), "only the outer timeout fails");
}

/// Both timeouts expire while the block holds the thread. The inner one fails first, and the outer one at the next await.
#[tokio::test(start_paused = true)]
async fn nested_timeouts_loop_busy() {
    let (log, start) = (Log::default(), Instant::now());
    let result = async_with!(_outer = timeout(10 * SECOND) => {
        let inside = async_with!(_inner = timeout(SECOND) => {
            crunch_numbers(10 * SECOND);
            sleep(SECOND).await;
        });
        log.push(format!("{inside:?}"));
        sleep(10 * SECOND).await;
        log.push("never");
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(log.take(), ["Err(Elapsed)"]);
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn reschedule_from_outside() {
    let (limit, start) = (timeout(10 * SECOND), Instant::now());
    let inside = limit.clone();
    let task = create_task(async move { takes(&inside, 50 * SECOND).await });
    yield_now().await;
    assert_eq!(limit.when(), Some(start + 10 * SECOND));
    limit.reschedule(start + 20 * SECOND).unwrap();
    assert_eq!(limit.when(), Some(start + 20 * SECOND));
    sleep(15 * SECOND).await;
    assert!(!task.done());
    limit.reschedule(None).unwrap();
    assert_eq!(limit.when(), None);
    sleep(15 * SECOND).await;
    assert!(!task.done() && !limit.expired());
    limit.reschedule(start).unwrap();
    assert_eq!(task.await, Err(Error::Raised(TimeoutError::Elapsed)));
    assert_eq!(start.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn repr() {
    let limit = timeout(None);
    assert_eq!(format!("{limit:?}"), "Timeout { state: created, when: None }");
    async_with!(limit = limit.clone() => {
        assert_eq!(format!("{limit:?}"), "Timeout { state: active, when: None }");
    })
    .unwrap();
    assert_eq!(format!("{limit:?}"), "Timeout { state: finished, when: None }");
    let limit = timeout(SECOND);
    takes(&limit, 10 * SECOND).await.unwrap_err();
    assert!(format!("{limit:?}").starts_with("Timeout { state: expired, when: Some("));
}

#[tokio::test(start_paused = true)]
async fn already_entered_and_double_enter() {
    let limit = timeout(SECOND);
    let inside = async_with!(limit = limit.clone() => { takes(limit, Duration::ZERO).await });
    assert_eq!(inside, Ok(Err(TimeoutError::AlreadyEntered)));
    assert_eq!(takes(&limit, Duration::ZERO).await, Err(TimeoutError::AlreadyEntered));
    assert_eq!(TimeoutError::AlreadyEntered.to_string(), "timeout has already been entered");
    assert!(!TimeoutError::AlreadyEntered.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn reschedule_fails_outside_of_the_block() {
    let limit = timeout(SECOND);
    let error = limit.reschedule(None).unwrap_err();
    assert_eq!(
        (error, error.to_string().as_str()),
        (TimeoutError::NotEntered, "timeout has not been entered")
    );
    takes(&limit, Duration::ZERO).await.unwrap();
    let error = limit.reschedule(None).unwrap_err();
    assert_eq!(error.to_string(), "cannot change state of finished timeout");
    let limit = timeout(SECOND);
    takes(&limit, 10 * SECOND).await.unwrap_err();
    let error = limit.reschedule(None).unwrap_err();
    assert_eq!(error.to_string(), "cannot change state of expired timeout");
}

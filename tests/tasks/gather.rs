//! `gather` and `shield`: which tasks continue, and which are cancelled.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use withal::cleanup;
use withal::tasks::{Error, Promise, TaskHandle, create_task, gather, shield};

use super::{Failed, Log};

const SECOND: Duration = Duration::from_secs(1);

fn after(seconds: u32, result: Result<u32, Failed>, log: &Log) -> TaskHandle<u32, Failed> {
    let log = log.clone();
    create_task(async move {
        sleep(seconds * SECOND).await;
        log.push(seconds);
        result
    })
}

#[tokio::test(start_paused = true)]
async fn values_come_in_the_order_of_the_tasks() {
    let log = Log::default();
    let gathered = gather([3, 1, 2].map(|n| after(n, Ok(n), &log))).await;
    assert_eq!(gathered, Ok(vec![3, 1, 2]));
    assert_eq!(log.take(), ["1", "2", "3"], "they run concurrently");
}

#[tokio::test(start_paused = true)]
async fn the_first_error_is_returned_and_the_others_continue() {
    let (log, start) = (Log::default(), Instant::now());
    let results = [(3, Ok(3)), (2, Err(Failed("second"))), (1, Ok(1))];
    let gathered = gather(results.map(|(n, result)| after(n, result, &log))).await;
    assert_eq!(gathered, Err(Error::Raised(Failed("second"))));
    assert_eq!(start.elapsed(), 2 * SECOND);
    sleep(2 * SECOND).await;
    assert_eq!(log.take(), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_fails_the_gather() {
    let log = Log::default();
    let tasks = [1, 2].map(|n| after(n, Ok(n), &log));
    tasks[0].cancel();
    assert_eq!(gather(tasks).await, Err(Error::Cancelled));
    sleep(3 * SECOND).await;
    assert_eq!(log.take(), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_gather_cancels_its_tasks() {
    let log = Log::default();
    let tasks = [1, 3, 4].map(|n| after(n, Ok(n), &log));
    assert!(timeout(2 * SECOND, gather(tasks)).await.is_err());
    sleep(9 * SECOND).await;
    assert_eq!(log.take(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn return_exceptions_waits_for_all() {
    let log = Log::default();
    let results = [(2, Ok(2)), (1, Err(Failed("first"))), (3, Ok(3))];
    let gathered = gather(results.map(|(n, result)| after(n, result, &log))).return_exceptions().await;
    assert_eq!(gathered, [Ok(2), Err(Error::Raised(Failed("first"))), Ok(3)]);
    let tasks = [1, 3].map(|n| after(n, Ok(n), &log));
    assert!(timeout(2 * SECOND, gather(tasks).return_exceptions()).await.is_err());
    sleep(9 * SECOND).await;
    assert_eq!(log.take(), ["1", "2", "3", "1"], "a dropped `return_exceptions` cancels its tasks, too");
}

#[tokio::test]
async fn without_tasks_there_are_no_values() {
    assert_eq!(gather(Vec::<TaskHandle<u32, Failed>>::new()).await, Ok(vec![]));
    let (promise, future) = Promise::<u32, Failed>::new();
    promise.set_result(1).unwrap();
    assert_eq!(gather([future]).await, Ok(vec![1]), "a handle of a promise can be gathered, too");
}

#[tokio::test(start_paused = true)]
async fn shield_returns_the_output_of_the_future() {
    assert_eq!(shield(async { Ok::<_, Failed>(1) }).await, Ok(1));
    assert_eq!(shield(async { Err::<(), _>(Failed("test")) }).await, Err(Failed("test")));
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_shield_continues() {
    let log = Log::default();
    let logs = log.clone();
    let work = async move {
        logs.push("started");
        sleep(2 * SECOND).await;
        logs.push("ended");
        Ok::<_, Failed>(())
    };
    assert!(timeout(SECOND, shield(work)).await.is_err());
    assert_eq!(cleanup::pending(), 1);
    cleanup::drain(60 * SECOND).await.unwrap();
    assert_eq!(log.take(), ["started", "ended"], "the work ran once");
}

/// Records the cleanup events of this thread.
fn observe_thread() -> (Log, cleanup::ObserverGuard) {
    let (reported, here) = (Log::default(), std::thread::current().id());
    let reports = reported.clone();
    let observer = cleanup::observe(move |event| {
        if std::thread::current().id() == here {
            reports.push(event);
        }
    });
    (reported, observer)
}

#[tokio::test(start_paused = true)]
async fn a_dropped_shield_that_fails_is_reported() {
    let (reported, _observer) = observe_thread();
    let work = async {
        sleep(2 * SECOND).await;
        Err::<(), _>(Failed("late"))
    };
    assert!(timeout(SECOND, shield(work)).await.is_err());
    cleanup::drain(60 * SECOND).await.unwrap();
    assert_eq!(reported.take(), ["cleanup shield failed"]);
}

#[tokio::test]
async fn a_shield_that_was_never_polled_does_not_start() {
    let log = Log::default();
    let logs = log.clone();
    drop(shield(async move { Ok::<_, Failed>(logs.push("started")) }));
    assert_eq!(cleanup::pending(), 0);
    assert!(log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_needs_no_shield() {
    let log = Log::default();
    assert!(timeout(SECOND, after(2, Ok(2), &log)).await.is_err());
    sleep(2 * SECOND).await;
    assert_eq!(log.take(), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_shield_is_abandoned_after_its_grace_period() {
    let (reported, _observer) = observe_thread();
    let never = shield(pending::<Result<(), Failed>>()).grace_period(Duration::from_millis(1));
    assert!(timeout(SECOND, never).await.is_err());
    cleanup::drain(60 * SECOND).await.unwrap();
    assert_eq!(reported.take(), ["cleanup shield was abandoned: its grace period elapsed"]);
}

/// A generic function that calls `gather` needs no bounds.
#[tokio::test]
async fn a_gather_has_no_bounds() {
    async fn values<T, E>(tasks: Vec<TaskHandle<T, E>>) -> Option<Vec<T>> {
        gather(tasks).await.ok()
    }
    let task = |n: u32| create_task(async move { Ok::<_, Infallible>(n) });
    assert_eq!(values(vec![task(1), task(2)]).await, Some(vec![1, 2]));
}

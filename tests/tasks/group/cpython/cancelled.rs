//! Groups that are cancelled from outside.

use std::future::{Future, pending};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup::{self, CleanupEvent};
use withal::context::async_with;
use withal::tasks::{Error, create_task};

use super::super::{CRASH, Group, SECOND, errors, waits};
use crate::{Failed, Log, LogOnDrop, Slow};

#[tokio::test(start_paused = true)]
async fn cancellation_and_taskgroup_22_from_outside_while_it_waits() {
    let (log, start) = (Log::default(), Instant::now());
    let logs = log.clone();
    let runner = create_task(async move {
        async_with!(group = Group::new() => {
            for _ in 0..5 {
                group.create_task(waits(LogOnDrop::new("child", &logs)));
            }
        })
    });
    sleep(SECOND).await;
    assert!(!runner.done());
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["child"; 5], "the children end first");
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_07_cancellation_from_outside_in_the_block() {
    let log = Log::default();
    let logs = log.clone();
    let runner = create_task(async move {
        let _noted = LogOnDrop::new("runner", &logs);
        async_with!(group = Group::new() => {
            for _ in 0..5 {
                group.create_task(waits(LogOnDrop::new("child", &logs)));
            }
            let _noted = LogOnDrop::new("block", &logs);
            sleep(10 * SECOND).await;
        })
    });
    sleep(SECOND).await;
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["block", "runner", "child", "child", "child", "child", "child"]);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_17_cancellation_from_outside_in_the_block_of_a_group_without_tasks() {
    let log = Log::default();
    let noted = LogOnDrop::new("block", &log);
    let runner = create_task(async move {
        async_with!(_group = Group::new() => {
            let _noted = noted;
            sleep(10 * SECOND).await;
        })
    });
    sleep(SECOND).await;
    assert!(!runner.done());
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["block"]);
}

/// Waits for ever in a block whose exit takes a second and fails.
async fn fails_while_being_cancelled(log: Log) -> Result<(), Failed> {
    let slow = Slow::new("child", SECOND, &log).failing(CRASH);
    async_with(slow, async |_| pending::<Result<(), Failed>>().await).await.map_err(|_| CRASH)
}

/// Cancels `runner` after a second, and waits for it. Returns the reported errors, and how long it took.
async fn reports_while_being_cancelled<F>(runner: F) -> (Vec<String>, Duration)
where
    F: Future<Output = Result<(), Failed>> + Send + 'static,
{
    let (reported, here) = (Log::default(), thread::current().id());
    let reports = reported.clone();
    let observer = cleanup::observe(move |event| {
        if let (true, CleanupEvent::Failed { error, .. }) = (thread::current().id() == here, event) {
            reports.push(error.downcast_ref::<Failed>().expect("the error should be the exit's"));
        }
    });
    let start = Instant::now();
    let runner = create_task(runner);
    sleep(SECOND).await;
    assert!(!runner.done());
    runner.cancel();
    assert_eq!(runner.await, Err(Error::Cancelled));
    drop(observer);
    assert_eq!(cleanup::pending(), 0);
    (reported.take(), start.elapsed())
}

/// In Python, children that fail while they are cancelled have their errors raised. Here their exits fail, and the errors are
/// reported to the observers.
#[tokio::test(start_paused = true)]
async fn taskgroup_08_children_fail_while_being_cancelled() {
    let log = Log::default();
    let logs = log.clone();
    let runner = async move {
        let result = async_with!(group = Group::new() => {
            for _ in 0..5 {
                group.create_task(fails_while_being_cancelled(logs.clone()));
            }
            sleep(10 * SECOND).await;
        });
        result.map_err(|_| Failed("the runner was not cancelled"))
    };
    let (reported, elapsed) = reports_while_being_cancelled(runner).await;
    assert_eq!(reported, [CRASH.to_string().as_str(); 5]);
    assert_eq!(log.take(), ["child Cancelled"; 5]);
    assert_eq!(elapsed, 2 * SECOND, "the runner ends when its children have");
}

#[tokio::test(start_paused = true)]
async fn taskgroup_11_and_12_children_of_a_nested_group_fail_while_being_cancelled() {
    for has_a_task_outside in [false, true] {
        let (log, exits) = (Log::default(), Log::default());
        let (outside, logs) = (LogOnDrop::new("outside", &log), exits.clone());
        let runner = async move {
            let result = async_with(Group::new(), async move |outer| {
                if has_a_task_outside {
                    outer.create_task(waits(outside));
                }
                async_with!(inner = Group::new() => {
                    for _ in 0..5 {
                        inner.create_task(fails_while_being_cancelled(logs.clone()));
                    }
                    sleep(10 * SECOND).await;
                })
            });
            result.await.map_err(|_| Failed("the runner was not cancelled"))
        };
        let (reported, elapsed) = reports_while_being_cancelled(runner).await;
        assert_eq!(reported, [CRASH.to_string().as_str(); 5]);
        assert_eq!(elapsed, 2 * SECOND, "the runner ends when its children have");
        assert_eq!(exits.take(), ["child Cancelled"; 5]);
        assert_eq!(log.take(), ["outside"], "the task outside was cancelled, too");
    }
}

/// The task is cancelled before the child fails, in the same iteration, or after it has caught the error. In each case it
/// ends as cancelled.
#[tokio::test(start_paused = true)]
async fn error_and_cancel() {
    withal_test_support::expect_reports("1 of 1 tasks failed: Failed(");
    let mut caught = Vec::new();
    for iterations in 0..8 {
        let (log, start) = (Log::default(), Instant::now());
        let (started, has_started) = oneshot::channel();
        let logs = log.clone();
        let inner = create_task(async move {
            let result = async_with!(group = Group::new() => {
                group.create_task(async move {
                    started.send(()).unwrap();
                    yield_now().await;
                    Err::<(), _>(CRASH)
                });
                sleep(SECOND).await;
                logs.push("never in the group");
            });
            assert_eq!(errors(result), [CRASH]);
            logs.push("caught");
            sleep(SECOND).await;
            logs.push("never after the group");
            Ok::<_, Failed>(())
        });
        has_started.await.unwrap();
        for _ in 0..iterations {
            yield_now().await;
        }
        assert!(inner.cancel());
        assert_eq!(inner.await, Err(Error::Cancelled));
        assert_eq!(start.elapsed(), Duration::ZERO);
        let log = log.take();
        assert!(log.is_empty() || log == ["caught"], "{log:?}");
        caught.push(!log.is_empty());
    }
    assert!(!caught[0] && caught[7], "it was cancelled both before and after it caught the error");
}

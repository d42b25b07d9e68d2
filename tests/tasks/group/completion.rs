//! Completion of groups and their tasks, beyond the tests of `CPython`: errors by type, panics, handles, drops, threads.

use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use withal::cleanup;
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};
use withal::tasks::{BoxError, Error, ErrorGroup, FailedInGroup, TaskGroup, TaskHandle, create_task};

use super::{CRASH, Group, LONG, SECOND, after, errors, waits};
use crate::{Failed, Log, LogOnDrop, Slow};

/// A nested group is an error of the outer group: in Python, an `ExceptionGroup` of an `ExceptionGroup`.
#[tokio::test(start_paused = true)]
async fn nested_groups_match_by_type_at_any_depth() {
    let inner = async {
        async_with!(group = TaskGroup::<BoxError>::new() => {
            group.create_task(async { Err::<(), BoxError>(CRASH.into()) });
        })?;
        Ok(())
    };
    let result = async_with!(group = TaskGroup::<BoxError>::new() => {
        group.create_task(inner);
    });
    let errors = result.unwrap_err();
    assert!(errors.to_string().starts_with("1 of 1 tasks failed: 1 of 1 tasks failed: "));
    assert!(errors.errors()[0].is::<ErrorGroup<BoxError>>());
    let (none, errors) = errors.split_type::<std::io::Error>();
    assert!(none.is_empty());
    let (found, rest) = errors.unwrap().split_type::<Failed>();
    assert_eq!(found, [CRASH]);
    assert!(rest.is_none());
}

/// Of tasks that fail in one iteration of the runtime, none cancels another.
#[tokio::test(start_paused = true)]
async fn errors_of_one_iteration_are_all_there_and_split_by_a_predicate() {
    let result = async_with!(group = Group::new() => {
        group.create_task(async { Err::<(), _>(Failed("a")) });
        group.create_task(async { Err::<(), _>(Failed("b")) });
    });
    let all = result.unwrap_err();
    assert_eq!(all.iter().count(), 2);
    assert_eq!((&all).into_iter().count(), 2);
    let (a, others) = all.split(|error| error.0 == "a");
    assert_eq!(a.unwrap().into_errors(), [Failed("a")]);
    assert_eq!(others.unwrap().into_iter().collect::<Vec<_>>(), [Failed("b")]);
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_after_the_exits_of_its_scopes() {
    let (log, start) = (Log::default(), Instant::now());
    let logs = log.clone();
    let result = async_with!(group = Group::new() => {
        let slow = Slow::new("child's", SECOND, &logs);
        group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
        group.create_task(after(1, Err::<(), _>(CRASH)));
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert_eq!(log.take(), ["child's Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn exits_in_the_block_run_before_the_exit_of_the_group() {
    let log = Log::default();
    let noted = LogOnDrop::new("task", &log);
    let result = async_with!(group = Group::new() => {
        group.create_task(after(1, Err::<(), _>(CRASH)));
        group.create_task(waits(noted));
        async_with!(_slow = Slow::new("block's", SECOND, &log) => { pending::<()>().await });
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(log.take(), ["task", "block's Cancelled"]);
}

/// The group learns of a failure before a block that awaits the failed task does.
#[tokio::test(start_paused = true)]
async fn a_block_that_awaits_a_failing_task_is_interrupted() {
    let log = Log::default();
    let result = async_with!(group = Group::new() => {
        let sibling = group.create_task(pending::<Result<(), _>>());
        let fails = group.create_task(after(1, Err::<(), _>(CRASH)));
        let seen = futures::future::select(fails, sibling).await;
        log.push(format!("{:?}", seen.factor_first().0));
    });
    assert_eq!(errors(result), [CRASH]);
    assert!(log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handle_outside_the_block_yields_failed_in_group() {
    let (sender, handle) = oneshot::channel();
    let result = async_with!(group = Group::new() => {
        sender.send(group.create_task(after(1, Err::<(), _>(CRASH)))).unwrap();
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(handle.await.unwrap().await, Err(Error::Raised(FailedInGroup)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_task_is_resumed_after_the_others_have_ended() {
    let log = Log::default();
    let group = async_with(Group::new(), async |group| {
        group.create_task(waits(LogOnDrop::new("sibling", &log)));
        group.create_task(async {
            sleep(SECOND).await;
            panic!("doh!") as Result<(), Failed>
        });
        pending::<Result<(), Failed>>().await
    });
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(log.take(), ["sibling"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_block_is_resumed_after_the_tasks_have_ended() {
    let log = Log::default();
    let group = async_with(Group::new(), async |group| {
        group.create_task(waits(LogOnDrop::new("task", &log)));
        yield_now().await;
        panic!("doh!") as Result<(), Failed>
    });
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(log.take(), ["task"]);
}

/// By `select!` or tokio's `timeout`: when the cleanups have finished, no task of the group is left.
#[tokio::test(start_paused = true)]
async fn dropped_at_any_moment_the_group_leaves_no_task() {
    for after in 0..6 {
        let log = Log::default();
        let group = async {
            async_with!(group = Group::new() => {
                for _ in 0..3 {
                    group.create_task(waits(LogOnDrop::new("task", &log)));
                }
                sleep(3 * SECOND).await;
            })
        };
        assert!(timeout(after * SECOND, group).await.is_err());
        cleanup::drain(LONG).await.unwrap();
        assert_eq!(log.take(), ["task"; 3], "after {after} s");
    }
}

#[tokio::test]
async fn a_group_dropped_before_it_was_entered_cancels_its_tasks() {
    let (log, group) = (Log::default(), Group::new());
    let task = group.create_task(waits(LogOnDrop::new("task", &log)));
    yield_now().await;
    drop(group);
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["task"]);
}

#[tokio::test]
async fn a_group_without_tasks_ends_at_once() {
    assert_eq!(async_with!(_group = Group::new() => { 7 }).unwrap(), 7);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads() {
    for n in 0..50_u32 {
        let result = async_with!(group = TaskGroup::<u32>::new() => {
            for task in 0..20 {
                group.create_task(async move {
                    yield_now().await;
                    if task == n % 25 { Err(task) } else { Ok(()) }
                });
            }
        });
        match result {
            Ok(()) => assert!(n % 25 >= 20),
            Err(errors) => assert_eq!(errors.into_errors(), [n % 25]),
        }
    }
}

/// A context manager whose exit cancels a task and waits for it.
struct CancelAndJoin(Option<TaskHandle<(), FailedInGroup>>, Log);

impl AsyncContextManager for CancelAndJoin {
    type Guard = Self;
    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for CancelAndJoin {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        if let Some(task) = self.0.take() {
            task.cancel();
            self.1.push(matches!(task.await, Err(Error::Cancelled)));
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_exit_in_the_block_may_await_a_task_of_the_group() {
    let log = Log::default();
    let failed = async {
        async_with!(group = Group::new() => {
            let worker = group.create_task(pending());
            async_with!(_ = CancelAndJoin(Some(worker), log.clone()) => {
                group.create_task(after::<()>(1, Err(CRASH)));
                pending::<()>().await;
            });
        })
    };
    assert_eq!(errors(failed.await), [CRASH]);
    assert_eq!(log.take(), ["true"]);
}

#[tokio::test(start_paused = true)]
async fn cancelled_while_waiting_for_tasks_it_has_cancelled() {
    withal_test_support::expect_reports("1 of 2 tasks failed: Failed(");
    let (log, start) = (Log::default(), Instant::now());
    let logs = log.clone();
    let runner = create_task(async move {
        async_with!(group = Group::new() => {
            group.create_task(after(1, Err::<(), _>(CRASH)));
            let slow = Slow::new("slow", SECOND, &logs);
            group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
        })
    });
    sleep(SECOND * 3 / 2).await;
    assert!(!runner.done());
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["slow Cancelled"]);
    assert_eq!(start.elapsed(), 2 * SECOND);
}

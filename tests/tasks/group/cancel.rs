//! `TaskGroup::cancel`: the tests of `CPython` 3.15 of that name, and groups whose blocks continue.

use std::future::pending;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::context::{Error as WithError, async_with};
use withal::tasks::{Error, TaskGroup, TaskGroupError, create_task};

use super::{CRASH, Group, SECOND, after, errors, waits};
use crate::{Failed, Log, LogOnDrop, Slow};

#[tokio::test(start_paused = true)]
async fn cancel_from_the_block_ends_the_tasks_and_returns_the_value() {
    let (log, start) = (Log::default(), Instant::now());
    let result = async_with!(group = Group::new() => {
        let task = group.create_task(waits(LogOnDrop::new("task", &log)));
        sleep(SECOND).await;
        group.cancel();
        // Idempotent.
        group.cancel();
        (task.await, "the value")
    });
    assert_eq!(result.unwrap(), (Err(Error::Cancelled), "the value"));
    assert_eq!(log.take(), ["task"]);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn cancel_waits_for_the_exits_of_the_tasks() {
    let (log, start) = (Log::default(), Instant::now());
    let slow = Slow::new("slow", SECOND, &log);
    let result = async_with!(group = Group::new() => {
        group.spawn(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
        yield_now().await;
        group.cancel();
    });
    result.unwrap();
    assert_eq!(log.take(), ["slow Cancelled"]);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn cancel_refuses_further_tasks() {
    let log = Log::default();
    let result = async_with!(group = Group::new() => {
        group.cancel();
        let refused = group.create_task(waits(LogOnDrop::new("refused", &log))).await;
        assert_eq!(refused, Err(Error::Cancelled));
        group.spawner().spawn(async { Ok(()) }).unwrap_err()
    });
    assert_eq!(result.unwrap(), TaskGroupError::ShuttingDown);
    assert_eq!(log.take(), ["refused"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_cancels_its_group() {
    let log = Log::default();
    let result = async_with!(group = Group::new() => {
        let (spawner, noted) = (group.spawner(), LogOnDrop::new("sibling", &log));
        group.create_task(waits(noted));
        let cancels = group.create_task(async move {
            sleep(SECOND).await;
            spawner.cancel();
            Ok("without an await")
        });
        cancels.await
    });
    // As in asyncio, the task is cancelled although it returned.
    assert_eq!(result.unwrap(), Err(Error::Cancelled));
    assert_eq!(log.take(), ["sibling"]);
}

#[tokio::test(start_paused = true)]
async fn cancel_before_the_block() {
    let (log, group) = (Log::default(), Group::new());
    let task = group.create_task(waits(LogOnDrop::new("task", &log)));
    group.cancel();
    assert_eq!(async_with!(_group = group => { task.await }).unwrap(), Err(Error::Cancelled));
    assert_eq!(log.take(), ["task"], "dropped before it started");
}

#[tokio::test(start_paused = true)]
async fn cancel_after_the_group_has_ended() {
    let spawner = async_with!(group = Group::new() => { group.spawner() }).unwrap();
    spawner.cancel();
    assert_eq!(spawner.create_task(async { Ok(()) }).unwrap_err(), TaskGroupError::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_at_the_time_of_the_cancel_is_an_error() {
    let result = async_with!(group = Group::new() => {
        group.create_task(async { Err::<(), _>(CRASH) });
        yield_now().await;
        group.cancel();
    });
    assert_eq!(errors(result), [CRASH]);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_block_beside_a_cancelled_group_is_returned() {
    let result = async_with(Group::new(), async |group| {
        group.cancel();
        Err::<(), _>(CRASH)
    });
    assert!(matches!(result.await, Err(WithError::Block(CRASH))));
}

#[tokio::test(start_paused = true)]
async fn cancel_interrupts_the_block_of_a_cancellable_group() {
    let (log, start) = (Log::default(), Instant::now());
    let result = async_with!(group = Group::new().cancellable() => {
        group.create_task(waits(LogOnDrop::new("task", &log)));
        let spawner = group.spawner();
        group.create_task(async move {
            sleep(SECOND).await;
            Ok(spawner.cancel())
        });
        async_with!(_slow = Slow::new("block", SECOND, &log) => { pending::<()>().await });
        "never"
    });
    assert_eq!(result.unwrap(), None);
    assert_eq!(log.take(), ["task", "block Cancelled"]);
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancellable_group_is_cancelled_from_outside_and_before_it_is_entered() {
    let group = Group::new().cancellable();
    let group_of_a_task = Group::new();
    let spawner = group_of_a_task.spawner();
    let task = create_task(async move {
        async_with!(_group = group_of_a_task.cancellable() => { pending::<()>().await }).map_err(|_| CRASH)
    });
    yield_now().await;
    spawner.cancel();
    assert_eq!(task.await, Ok(None));
    drop(group);

    let group = Group::new();
    group.cancel();
    let result = async_with!(_group = group.cancellable() => {
        yield_now().await;
        "never"
    });
    assert_eq!(result.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_cancellable_group_that_is_not_cancelled_is_a_group() {
    let result = async_with!(group = Group::new().cancellable() => {
        group.create_task(after(1, Ok(7))).await
    });
    assert_eq!(result.unwrap(), Some(Ok(7)));
    let result = async_with!(group = Group::new().cancellable() => {
        group.create_task(after::<()>(1, Err(CRASH)));
        pending::<()>().await;
    });
    assert_eq!(errors(result), [CRASH]);
    // The block completes at its first await after it cancelled the group.
    let result = async_with!(group = Group::new().cancellable() => {
        group.cancel();
        "without an await"
    });
    assert_eq!(result.unwrap(), Some("without an await"));
    let format = format!("{:?}", TaskGroup::<Failed>::new().cancellable());
    assert_eq!(format, "CancellableTaskGroup(TaskGroup { unfinished: 0, .. })");
}

/// The error is the group's, and no handle shows the cancellation to the block before it is interrupted.
#[tokio::test(start_paused = true)]
async fn a_block_that_awaits_a_task_of_a_cancelled_group_is_interrupted_first() {
    let log = Log::default();
    let result = async_with!(group = Group::new().cancellable() => {
        let task = group.create_task(pending::<Result<(), _>>());
        let spawner = group.spawner();
        group.create_task(async move { Ok(spawner.cancel()) });
        log.push(format!("{:?}", task.await));
    });
    assert_eq!(result.unwrap(), None);
    assert!(log.take().is_empty());
}

/// The exit of a cancelled group is restarted as a cleanup.
#[tokio::test(start_paused = true)]
async fn a_cancelled_group_is_dropped_while_it_waits() {
    let (log, start) = (Log::default(), Instant::now());
    let logs = log.clone();
    let group = async {
        async_with!(group = Group::new().cancellable() => {
            let slow = Slow::new("slow", 2 * SECOND, &logs);
            group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
            yield_now().await;
            group.cancel();
            pending::<()>().await;
        })
    };
    assert!(tokio::time::timeout(SECOND, group).await.is_err());
    cleanup::drain(60 * SECOND).await.unwrap();
    assert_eq!(log.take(), ["slow Cancelled"]);
    assert_eq!(start.elapsed(), 2 * SECOND);
}

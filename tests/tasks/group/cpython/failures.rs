//! Groups in which a task or the block fails.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::context::{Error as WithError, async_with};

use super::super::{CRASH, Group, SECOND, after, errors, waits};
use crate::{Failed, Log, LogOnDrop, Slow};

#[tokio::test(start_paused = true)]
async fn taskgroup_04_the_first_failure_cancels_the_siblings() {
    let (log, start) = (Log::default(), Instant::now());
    let (to, t2) = oneshot::channel();
    let result = async_with!(group = Group::new() => {
        group.create_task(after(1, Err::<(), _>(CRASH)));
        to.send(group.create_task(waits(LogOnDrop::new("t2", &log)))).unwrap();
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(log.take(), ["t2"]);
    assert!(t2.await.unwrap().cancelled());
}

#[tokio::test(start_paused = true)]
async fn cancel_children_on_child_error() {
    let (log, start) = (Log::default(), Instant::now());
    let result = async_with!(group = Group::new() => {
        for _ in 0..3 {
            group.create_task(after(1, Err::<(), _>(CRASH)));
        }
        group.create_task(waits(LogOnDrop::new("t2", &log)));
        let _noted = LogOnDrop::new("the block", &log);
        sleep(10 * SECOND).await;
        log.push("never");
    });
    assert_eq!(errors(result), [CRASH; 3], "tasks that fail in one iteration do not cancel each other");
    let mut ended = log.take();
    ended.sort();
    assert_eq!(ended, ["t2", "the block"]);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_09_and_10_an_error_of_the_block_cancels_the_tasks() {
    for pauses in [true, false] {
        let (to, tasks) = oneshot::channel();
        let result = async_with(Group::new(), async |group| {
            to.send([group.create_task(after(1, Ok(42))), group.create_task(after(2, Ok(11)))]).unwrap();
            if pauses {
                yield_now().await;
            }
            Err::<(), _>("the block's")
        });
        assert!(matches!(result.await, Err(WithError::Block("the block's"))));
        let tasks = tasks.await.unwrap();
        assert!(tasks.iter().all(withal::tasks::TaskHandle::cancelled));
    }
}

#[tokio::test(start_paused = true)]
async fn taskgroup_13_a_failure_outside_interrupts_a_group_inside() {
    let log = Log::default();
    let result = async_with!(outer = Group::new() => {
        outer.create_task(after(1, Err::<(), _>(CRASH)));
        async_with!(inner = Group::new() => {
            inner.create_task(waits(LogOnDrop::new("inside", &log)));
        })
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(log.take(), ["inside"]);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_14_a_failure_inside_is_an_error_of_the_block_outside() {
    let log = Log::default();
    let result = async_with(Group::new(), async |outer| {
        outer.create_task(waits(LogOnDrop::new("outside", &log)));
        async_with!(inner = Group::new() => {
            inner.create_task(after(1, Err::<(), _>(CRASH)));
        })
    });
    let Err(WithError::Block(inner)) = result.await else { panic!("the error should be the block's") };
    assert_eq!(inner.errors(), [CRASH]);
    assert_eq!(log.take(), ["outside"]);
}

#[tokio::test(start_paused = true)]
async fn context_manager_exit_raises_beside_a_task() {
    let raises = Slow::new("raises", Duration::ZERO, &Log::default()).failing(Failed("exit"));
    let (reported, here) = (Log::default(), std::thread::current().id());
    let reports = reported.clone();
    let _observer = cleanup::observe(move |event| {
        if std::thread::current().id() == here {
            reports.push(event.to_string().ends_with("failed"));
        }
    });
    let result = async_with(Group::new(), async |group| {
        async_with(raises, async |_| {
            group.create_task(async { Err::<(), _>(CRASH) });
            sleep(SECOND).await;
            Ok::<_, Failed>(())
        })
        .await
    });
    let Err(WithError::Exit { error, .. }) = result.await else { panic!("the error should be the group's") };
    assert_eq!(error.errors(), [CRASH]);
    assert_eq!(reported.take(), ["true"], "the block was dropped, so the error of its exit is reported");
}

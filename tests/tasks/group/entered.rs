//! Groups that have tasks before they are entered, or that are never entered.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use withal::context::{AsyncContextManager, AsyncExitStack, async_with};
use withal::tasks::{Error, FailedInGroup};

use super::{CRASH, Group, LogOnDrop, SECOND, after, errors, sleep, waits};
use crate::Log;

#[tokio::test(start_paused = true)]
async fn a_task_of_a_group_that_was_not_entered_reports_its_failure() {
    withal_test_support::expect_reports("1 of 2 tasks failed: Failed(");
    let (group, log) = (Group::new(), Log::default());
    let sibling = group.create_task(waits(LogOnDrop::new("sibling", &log)));
    let fails = group.create_task(after::<()>(1, Err(CRASH)));
    assert_eq!(fails.await, Err(Error::Raised(FailedInGroup)));
    assert_eq!(sibling.await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["sibling"]);
    assert_eq!(group.create_task(waits(LogOnDrop::new("refused", &log))).await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["refused"]);
}

#[tokio::test(start_paused = true)]
async fn the_block_of_a_failed_group_is_interrupted_at_its_first_await() {
    let (group, log) = (Group::new(), Log::default());
    let fails = group.create_task(after::<()>(1, Err(CRASH)));
    sleep(2 * SECOND).await;
    let result = async_with!(_group = group => {
        log.push("starts");
        sleep(SECOND).await;
        log.push("never");
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(fails.result(), Err(Error::Raised(&FailedInGroup)));
    assert_eq!(log.take(), ["starts"]);
}

/// Enters a group by `enter`, and checks that it panics and cancels its tasks.
async fn refuses<F: Future>(enter: impl FnOnce(Group) -> F) {
    let (group, log) = (Group::new(), Log::default());
    let task = group.create_task(waits(LogOnDrop::new("task", &log)));
    let Err(payload) = AssertUnwindSafe(enter(group)).catch_unwind().await else {
        panic!("the group was entered where no scope was being entered");
    };
    assert_eq!(
        payload.downcast_ref::<String>().unwrap(),
        "a `TaskGroup` interrupts its block, but no scope is being entered here: enter the manager by `async_with!`, or \
         on an `AsyncExitStack` that was entered",
    );
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["task"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_entered_outside_of_a_scope_panics() {
    refuses(Group::aenter).await;
    refuses(async |group: Group| group.cancellable().aenter().await.map(drop)).await;
    refuses(async |group: Group| {
        tokio::spawn(group.aenter()).await.map_err(|error| resume(error.into_panic()))
    })
    .await;
    refuses(async |group: Group| AsyncExitStack::new().enter_async_context(group).await.map(drop)).await;
}

fn resume(payload: Box<dyn Any + Send>) {
    std::panic::resume_unwind(payload)
}

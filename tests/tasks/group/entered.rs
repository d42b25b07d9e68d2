//! Groups that have tasks before they are entered, or that are never entered.

use withal::context::async_with;
use withal::tasks::{Error, FailedInGroup};

use super::{CRASH, Group, LogOnDrop, SECOND, after, errors, sleep, waits};
use crate::Log;

#[tokio::test(start_paused = true)]
async fn a_task_of_a_group_that_was_not_entered_reports_its_failure() {
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

//! When the handles of a group's tasks complete. No panic keeps them, or the group, from that.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Context;
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use withal::context::{AsyncGuard, async_with};
use withal::tasks::{Error, ErrorGroup, FailedInGroup, Spawner, TaskGroup, ThreadPoolExecutor};

use super::{CRASH, Group, SECOND, after, errors, pending, sleep};
use crate::support::waker_that_panics;
use crate::{Failed, Log, PanicOnDrop};

/// On several threads, the exit may be polled as soon as the last task has left the group.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_are_done_when_the_group_has_ended() {
    for _ in 0..2000 {
        let block = async_with!(group = TaskGroup::<Infallible>::new() => {
            [1, 2, 3].map(|n| group.create_task(async move { Ok(n) }))
        });
        for (task, n) in block.unwrap().into_iter().zip(1..) {
            assert_eq!(task.result(), Ok(&n));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_have_their_errors_when_the_group_has_ended() {
    for _ in 0..2000 {
        let mut task = None;
        let result = async_with!(group = Group::new() => {
            task = Some(group.create_task(async { Err::<(), _>(CRASH) }));
        });
        assert_eq!(errors(result), [CRASH]);
        assert_eq!(task.unwrap().result(), Err(Error::Raised(&FailedInGroup)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_have_returned_when_the_group_has_ended() {
    for _ in 0..20 {
        let has_returned = Arc::new(AtomicBool::new(false));
        let returns = Arc::clone(&has_returned);
        let result = async_with!(group = TaskGroup::<Infallible>::new() => {
            let task = group.create_task(async {
                tokio::task::yield_now().await;
                Ok(())
            });
            task.add_done_callback(move |_| {
                thread::sleep(Duration::from_millis(2));
                returns.store(true, Ordering::Release);
            });
        });
        result.unwrap();
        assert!(has_returned.load(Ordering::Acquire));
    }
}

/// A task whose handle was dropped is completed for those who still observe its end.
#[tokio::test]
async fn abort_handles_are_done_when_the_group_has_ended() {
    let mut abort_handle = None;
    let result = async_with!(group = TaskGroup::<Infallible>::new() => {
        let task = group.create_task(async { Ok(()) });
        abort_handle = Some(task.abort_handle());
        drop(task);
    });
    result.unwrap();
    assert!(abort_handle.unwrap().done());
}

/// A value that no handle can return is dropped after its task has left the group, also if the handle was dropped early.
#[tokio::test]
async fn unobserved_values_are_dropped_after_their_tasks_have_left() {
    struct CountOnDrop(Spawner<Infallible>, Arc<Mutex<Vec<String>>>);

    impl Drop for CountOnDrop {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(format!("{:?}", self.0));
        }
    }

    let counts = Arc::new(Mutex::new(Vec::new()));
    let result = async_with!(group = TaskGroup::<Infallible>::new() => {
        let value = CountOnDrop(group.spawner(), Arc::clone(&counts));
        drop(group.create_task(async { Ok(value) }));
    });
    result.unwrap();
    assert_eq!(*counts.lock().unwrap(), ["Spawner { unfinished: 0, .. }"]);
}

/// The values are kept until the block has ended, and dropped in its destructor.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deferred_values_that_panic_on_drop_do_not_break_the_group() {
    let (is_aborting, has_failed) = mpsc::channel::<Infallible>();
    let has_failed = Arc::new(Mutex::new(has_failed));
    let result = async_with!(group = Group::new() => {
        // Dropped when it is cancelled, which closes the channel.
        group.create_task(async move {
            let _is_aborting = is_aborting;
            pending::<Result<(), Failed>>().await
        });
        for _ in 0..2 {
            let has_failed = Arc::clone(&has_failed);
            group.create_task(async move {
                has_failed.lock().unwrap().recv().unwrap_err();
                Ok(PanicOnDrop)
            });
        }
        group.create_task(async { Err::<(), _>(CRASH) });
        while group.unfinished() > 0 {
            thread::yield_now();
        }
        pending::<Infallible>().await
    });
    assert_eq!(errors(result), [CRASH]);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_completion_panics_leaves_the_group() {
    let result = async_with!(group = Group::new() => {
        let task = group.create_task(async { after(1, Ok(())).await.map(|()| PanicOnDrop) });
        sleep(SECOND / 2).await;
        // Its value is dropped nevertheless.
        task.cancel();
    });
    result.unwrap();
}

/// They wait for the cleanups inside their tasks and jobs, which have grace periods of their own.
#[test]
fn the_exits_of_groups_and_executors_have_no_time_limit() {
    assert_eq!(TaskGroup::<Failed>::new().grace_period(), Duration::MAX);
    assert_eq!(ThreadPoolExecutor::new(1).unwrap().grace_period(), Duration::MAX);
}

#[tokio::test]
async fn nested_groups_of_one_type_match_by_that_type() {
    let inner = async {
        async_with!(group = Group::new() => {
            group.create_task(async { Err::<(), _>(CRASH) });
        })?;
        Ok::<_, withal::tasks::BoxError>(())
    };
    let result = async_with!(group = TaskGroup::new() => {
        group.create_task(inner);
    });
    let errors = result.unwrap_err();
    assert!(errors.errors()[0].is::<ErrorGroup<Failed>>());
    let (none, errors) = errors.split_type::<std::io::Error>();
    assert!(none.is_empty());
    let (found, rest) = errors.unwrap().split_type::<Failed>();
    assert_eq!(found, [CRASH]);
    assert!(rest.is_none());
}

/// A value of a task whose destructor starts another task of the group.
struct SpawnsOnDrop(Spawner<Failed>, Log);

impl Drop for SpawnsOnDrop {
    fn drop(&mut self) {
        let log = self.1.clone();
        drop(self.0.create_task(async move { Ok(log.push("another")) }));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unwanted_value_may_use_the_group_when_it_is_dropped() {
    let log = Log::default();
    let result = async_with!(group = Group::new() => {
        for seconds in 1..4 {
            let value = SpawnsOnDrop(group.spawner(), log.clone());
            group.create_task(async move {
                sleep(seconds * SECOND).await;
                Ok(value)
            });
        }
    });
    result.unwrap();
    assert_eq!(log.take(), ["another", "another", "another"]);
}

#[tokio::test(start_paused = true)]
async fn unwanted_values_that_panic_on_drop_do_not_block_the_group() {
    for tasks in [1, 3] {
        let result = async_with!(group = Group::new() => {
            for _ in 0..tasks {
                group.create_task(async { after(1, Ok(())).await.map(|()| PanicOnDrop) });
            }
        });
        result.unwrap();
    }
}

/// A value whose destructor panics even during another panic.
#[derive(Debug)]
struct AlwaysPanicOnDrop;

impl Drop for AlwaysPanicOnDrop {
    fn drop(&mut self) {
        panic!("bomb");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_resumed_even_if_the_errors_panic_on_drop() {
    withal_test_support::expect_reports("1 of 2 tasks failed: AlwaysPanicOnDrop");
    let group = async {
        let result = async_with!(group = TaskGroup::<AlwaysPanicOnDrop>::new() => {
            // The failure is recorded in the next iteration, after the other task has panicked.
            group.create_task(async { Err::<(), _>(AlwaysPanicOnDrop) });
            group.create_task(async { if true { panic!("the first") } else { Ok(()) } });
        });
        result.map_err(drop)
    };
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the first"));
}

#[tokio::test(start_paused = true)]
async fn a_panicking_waker_does_not_keep_a_handle_from_completing() {
    let task = Mutex::new(None);
    let mut block = Box::pin(async {
        async_with!(group = Group::new() => {
            *task.lock().unwrap() = Some(group.create_task(after::<()>(1, Err(CRASH))));
            pending::<Infallible>().await
        })
    });
    let waker = waker_that_panics();
    assert!(block.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    sleep(2 * SECOND).await;
    assert_eq!(errors(block.await), [CRASH]);
    let task = task.lock().unwrap().take().unwrap();
    assert_eq!(task.result(), Err(Error::Raised(&FailedInGroup)));
}

//! Several failures at once, one of them a panic: the first panic continues, and all else is reported to the observers.

use std::fmt::Debug;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, panic_any};

use futures::FutureExt;
use tokio::task::yield_now;
use withal::cleanup::{self, CleanupEvent, ObserverGuard};
use withal::context::async_with;
use withal::tasks::{ErrorGroup, TaskGroup};

use crate::Log;

/// An error whose type identifies the group: each test has its own `ID`, because the observers are those of the process.
#[derive(Debug, PartialEq)]
struct Failed<const ID: u8>(&'static str);

type Group<const ID: u8> = TaskGroup<Failed<ID>>;

/// The payload of a panic.
#[derive(Debug)]
struct Panicked<const ID: u8>(&'static str);

fn panic<const ID: u8>(message: &'static str) {
    panic_any(Panicked::<ID>(message));
}

/// Logs what is reported for the group of a test.
fn observe<const ID: u8>() -> (Log, ObserverGuard) {
    let log = Log::default();
    let events = log.clone();
    let guard = cleanup::observe(move |event| match event {
        CleanupEvent::Failed { error, .. } => {
            if let Some(group) = error.downcast_ref::<ErrorGroup<Failed<ID>>>() {
                assert_eq!(event.name(), "withal::tasks::group::task_group::TaskGroup");
                group.iter().for_each(|error| events.push(format!("task failed: {}", error.0)));
            }
        }
        CleanupEvent::BlockFailed { error, .. } => {
            if let Some(error) = error.downcast_ref::<Failed<ID>>() {
                assert_eq!(event.name(), "withal::tasks::group::task_group::TaskGroup");
                events.push(format!("block failed: {}", error.0));
            }
        }
        CleanupEvent::Panicked { payload, .. } => {
            if let Some(Panicked(message)) = payload.downcast_ref::<Panicked<ID>>() {
                events.push(format!("panicked: {message}"));
            }
        }
        _ => {}
    });
    (log, guard)
}

async fn panic_of<const ID: u8, T: Debug>(group: impl Future<Output = T>) -> &'static str {
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    payload.downcast::<Panicked<ID>>().unwrap().0
}

struct PanicOnDrop<const ID: u8>(&'static str);

impl<const ID: u8> Drop for PanicOnDrop<ID> {
    fn drop(&mut self) {
        panic::<ID>(self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_beside_a_panicking_task_are_reported() {
    let (log, _observer) = observe::<1>();
    let result = async {
        async_with!(group = Group::<1>::new() => {
            group.create_task(async { Err::<(), _>(Failed("a")) });
            group.create_task(async { Err::<(), _>(Failed("b")) });
            group.create_task(async { Ok(panic::<1>("task")) });
        })
    };
    assert_eq!(panic_of::<1, _>(result).await, "task");
    assert_eq!(log.take(), ["task failed: a", "task failed: b"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_panics_of_tasks_the_first_continues_and_the_second_is_reported() {
    let (log, _observer) = observe::<2>();
    let result = async {
        async_with!(group = Group::<2>::new() => {
            let second = PanicOnDrop::<2>("second");
            group.create_task(async move {
                let _second = second;
                pending::<Result<(), _>>().await
            });
            yield_now().await;
            group.create_task(async { Ok(panic::<2>("first")) });
        })
    };
    assert_eq!(panic_of::<2, _>(result).await, "first");
    assert_eq!(log.take(), ["panicked: second"]);
}

#[tokio::test(start_paused = true)]
async fn the_panic_of_the_block_continues_if_a_task_panics_afterwards() {
    let (log, _observer) = observe::<3>();
    let result = async_with(Group::<3>::new(), async |group| {
        let second = PanicOnDrop::<3>("second");
        group.create_task(async move {
            let _second = second;
            pending::<Result<(), _>>().await
        });
        yield_now().await;
        panic::<3>("first");
        Ok::<_, Failed<3>>(())
    });
    assert_eq!(panic_of::<3, _>(result).await, "first");
    assert_eq!(log.take(), ["panicked: second"]);
}

/// The block is dropped because a task has panicked.
#[tokio::test(start_paused = true)]
async fn the_panic_of_a_task_continues_if_the_interrupted_block_panics_afterwards() {
    let (log, _observer) = observe::<4>();
    let result = async {
        async_with!(group = Group::<4>::new() => {
            let _second = PanicOnDrop::<4>("second");
            group.create_task(async {
                yield_now().await;
                Ok(panic::<4>("first"))
            });
            pending::<()>().await;
        })
    };
    assert_eq!(panic_of::<4, _>(result).await, "first");
    assert_eq!(log.take(), ["panicked: second"]);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_block_is_reported_if_a_task_panics() {
    let (log, _observer) = observe::<5>();
    let result = async_with(Group::<5>::new(), async |group| {
        let panics = PanicOnDrop::<5>("task");
        group.create_task(async move {
            let _panics = panics;
            pending::<Result<(), _>>().await
        });
        yield_now().await;
        Err::<(), _>(Failed::<5>("block"))
    });
    assert_eq!(panic_of::<5, _>(result).await, "task");
    assert_eq!(log.take(), ["block failed: block"]);
}

/// The first panic is that of the block, also if it never awaits.
#[tokio::test(start_paused = true)]
async fn the_panic_of_a_block_without_an_await_continues() {
    let (log, _observer) = observe::<6>();
    let group = Group::<6>::new();
    let second = PanicOnDrop::<6>("second");
    group.create_task(async move {
        let _second = second;
        pending::<Result<(), _>>().await
    });
    yield_now().await;
    let result = async_with(group, async |_| {
        panic::<6>("first");
        Ok::<_, Failed<6>>(())
    });
    assert_eq!(panic_of::<6, _>(result).await, "first");
    assert_eq!(log.take(), ["panicked: second"]);
}

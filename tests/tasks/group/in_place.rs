//! `in_place`: the contract of `TaskGroup`, for children that borrow and are polled by the group's own future.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures::FutureExt;
use tokio::sync::{Notify, mpsc};
use tokio::task::yield_now;
use tokio::time::Instant;
use withal::cleanup::{self, CleanupEvent};
use withal::context::{Error, async_with};
use withal::tasks::{ErrorGroup, InPlaceGroup, in_place, timeout};

use super::{CRASH, Failed, LONG, SECOND, after};
use crate::support::{PanicOnDrop, Slow};
use crate::{Log, LogOnDrop};

const BLOCK: Failed = Failed("the body");

type Failure = Error<Failed, ErrorGroup<Failed>>;

/// A child that waits in a scope whose exit takes a second.
async fn waits_in_scope(log: &Log) -> Result<(), Failed> {
    async_with!(_ = Slow::new("exit", SECOND, log) => { pending().await })
}

fn tasks_failed(result: Result<(), Failure>) -> Vec<Failed> {
    match result.unwrap_err() {
        Error::Exit { error, context: None, .. } => error.into_errors(),
        other => panic!("{other:?}"),
    }
}

async fn panic_of<T: Debug>(group: impl Future<Output = T>) -> &'static str {
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    payload.downcast_ref::<&'static str>().copied().unwrap()
}

#[tokio::test(start_paused = true)]
async fn children_borrow_and_all_end_before_the_value_is_returned() {
    let texts = ["1".to_owned(), "2".to_owned(), "x".to_owned()];
    let mut numbers = [None; 3];
    let ended = AtomicU32::new(0);
    let value = in_place(async |group| {
        for (text, number) in texts.iter().zip(&mut numbers) {
            let ended = &ended;
            group.spawn(async move {
                tokio::time::sleep(SECOND).await;
                *number = text.parse::<u32>().ok();
                ended.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
        }
        Ok::<_, Infallible>("value")
    });
    assert_eq!(value.await.unwrap(), "value");
    assert_eq!((numbers, ended.into_inner()), ([Some(1), Some(2), None], 3));
}

#[tokio::test(start_paused = true)]
async fn children_run_while_the_body_awaits_and_start_more_children() {
    let log = Log::default();
    let noted = Notify::new();
    in_place(async |group: InPlaceGroup<'_, Infallible>| {
        let spawner = group.clone();
        group.spawn(async {
            let spawner = spawner;
            spawner.spawn(async {
                log.push("inner");
                noted.notify_one();
                Ok(())
            });
            log.push("outer");
            Ok(())
        });
        noted.notified().await;
        log.push("body");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(log.take(), ["outer", "inner", "body"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_error_drops_the_others_and_interrupts_the_body_and_exits_are_awaited() {
    let log = Log::default();
    let result = in_place(async |group| {
        group.spawn(waits_in_scope(&log));
        group.spawn(after(1, Err(CRASH)));
        let _noted = LogOnDrop::new("body", &log);
        pending::<Result<(), _>>().await
    });
    assert_eq!(tasks_failed(result.await), [CRASH]);
    // Nothing continues: the exit was awaited.
    assert_eq!(log.take(), ["body", "exit Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_after_the_body_has_completed_replaces_its_value() {
    let log = Log::default();
    let result = in_place(async |group| {
        group.spawn(waits_in_scope(&log));
        group.spawn(after(1, Err(CRASH)));
        Ok(())
    });
    assert_eq!(tasks_failed(result.await), [CRASH]);
    assert_eq!(log.take(), ["exit Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_drops_the_children_and_returns_its_error() {
    let log = Log::default();
    let result = in_place(async |group| {
        group.spawn(waits_in_scope(&log));
        yield_now().await;
        Err::<(), _>(BLOCK)
    });
    assert!(matches!(result.await, Err(Error::Block(BLOCK))));
    assert_eq!(log.take(), ["exit Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn the_panic_of_a_child_continues_after_everything_has_ended() {
    let log = Log::default();
    let result = in_place(async |group: InPlaceGroup<'_, Failed>| {
        group.spawn(waits_in_scope(&log));
        group.spawn(async {
            yield_now().await;
            panic!("child")
        });
        pending::<Result<(), _>>().await
    });
    assert_eq!(panic_of(result).await, "child");
    assert_eq!(log.take(), ["exit Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn the_panic_of_the_body_continues_after_everything_has_ended() {
    let log = Log::default();
    let result = in_place(async |group: InPlaceGroup<'_, Failed>| {
        group.spawn(waits_in_scope(&log));
        yield_now().await;
        if !log.take().is_empty() {
            return Ok(());
        }
        panic!("body")
    });
    assert_eq!(panic_of(result).await, "body");
    assert_eq!(log.take(), ["exit Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn panics_of_destructors_lose_no_other_child() {
    // The error beside the panics is reported.
    let _observer = cleanup::observe(|_| {});
    let log = Log::default();
    let result = in_place(async |group| {
        for _ in 0..3 {
            group.spawn(async {
                let _bomb = PanicOnDrop;
                pending().await
            });
            group.spawn(waits_in_scope(&log));
        }
        group.spawn(after(1, Err(CRASH)));
        pending::<Result<(), _>>().await
    });
    assert_eq!(panic_of(result).await, "bomb");
    let events = log.take();
    assert_eq!(events.iter().filter(|event| *event == "exit Cancelled").count(), 3, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn cancel_drops_the_children_and_the_body_continues() {
    let log = Log::default();
    let value = in_place(async |group: InPlaceGroup<'_, Failed>| {
        group.spawn(waits_in_scope(&log));
        yield_now().await;
        group.cancel();
        // Refused.
        group.spawn(async {
            log.push("refused");
            Ok(())
        });
        tokio::time::sleep(2 * SECOND).await;
        log.push("body");
        Ok(7)
    });
    assert_eq!(value.await.unwrap(), 7);
    assert_eq!(log.take(), ["exit Cancelled", "body"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_cancels_its_group() {
    let log = Log::default();
    let value = in_place(async |group: InPlaceGroup<'_, Failed>| {
        let canceller = group.clone();
        group.spawn(waits_in_scope(&log));
        group.spawn(async move {
            tokio::time::sleep(SECOND).await;
            canceller.cancel();
            pending().await
        });
        Ok(())
    });
    value.await.unwrap();
    assert_eq!(log.take(), ["exit Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_dropped_passes_the_exits_to_the_scope_around_it() {
    let log = Log::default();
    let ended = async {
        async_with!(_ = timeout(SECOND) => {
            in_place(async |group| {
                group.spawn(waits_in_scope(&log));
                pending::<Result<(), Failed>>().await
            })
            .await
        })
    };
    assert!(ended.await.is_err());
    assert_eq!(log.take(), ["exit Cancelled"]);
}

/// A body that spends the budget of each poll must not keep a failing child from ending it.
#[tokio::test(start_paused = true)]
async fn a_busy_body_does_not_starve_the_children() {
    let start = Notify::new();
    let (again, mut again_receiver) = mpsc::unbounded_channel();
    again.send(()).unwrap();
    let group = in_place(async |group| {
        group.spawn(async {
            // Needs budget.
            start.notify_one();
            start.notified().await;
            Err(CRASH)
        });
        while again_receiver.recv().await.is_some() {
            again.send(()).unwrap();
        }
        Ok(())
    });
    let result = tokio::time::timeout(LONG, group).await.expect("the child ends the body");
    assert_eq!(tasks_failed(result), [CRASH]);
}

/// Children that spend the budget of each poll must not starve the body.
#[tokio::test(start_paused = true)]
async fn busy_children_do_not_starve_the_body() {
    let (again, receiver) = mpsc::unbounded_channel();
    again.send(()).unwrap();
    let receiver = Mutex::new(receiver);
    let group = in_place(async |group: InPlaceGroup<'_, Failed>| {
        group.spawn(async {
            loop {
                poll_fn(|cx| receiver.lock().unwrap().poll_recv(cx)).await;
                again.send(()).unwrap();
            }
        });
        for _ in 0..1000 {
            tokio::task::coop::consume_budget().await;
        }
        group.cancel();
        Ok(())
    });
    tokio::time::timeout(LONG, group).await.expect("the body ends the children").unwrap();
}

#[tokio::test]
async fn a_handle_on_another_thread_wakes_the_group() {
    let result = in_place(async |group: InPlaceGroup<'static, Failed>| {
        let elsewhere = group.clone();
        thread::spawn(move || elsewhere.spawn(async { Err(CRASH) }));
        pending::<Result<(), _>>().await
    });
    assert_eq!(tasks_failed(result.await), [CRASH]);
}

#[test]
fn a_handle_that_outlives_its_group_starts_nothing() {
    let log = Log::default();
    let kept = Mutex::new(None);
    let mut group = pin!(in_place(async |group: InPlaceGroup<'_, Failed>| {
        *kept.lock().unwrap() = Some(group);
        Ok(())
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(group.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));
    let noted = LogOnDrop::new("dropped", &log);
    kept.lock().unwrap().take().unwrap().spawn(async move {
        let _noted = noted;
        pending().await
    });
    assert_eq!(log.take(), ["dropped"]);
}

/// The failures of a group that is dropped while it waits for exits are reported.
#[tokio::test(start_paused = true)]
async fn failures_that_cannot_be_returned_are_reported() {
    #[derive(Debug)]
    struct Unique;
    let log = Log::default();
    let events = log.clone();
    let _observer = cleanup::observe(move |event| {
        if let CleanupEvent::Failed { error, .. } = event {
            if error.is::<ErrorGroup<Unique>>() {
                events.push(event.name());
            }
        }
    });
    let exits = Log::default();
    let group = in_place(async |group| {
        group.spawn(async {
            waits_in_scope(&exits).await.unwrap();
            Ok(())
        });
        group.spawn(async {
            yield_now().await;
            Err(Unique)
        });
        pending::<Result<(), _>>().await
    });
    assert!(tokio::time::timeout(SECOND / 2, group).await.is_err());
    assert_eq!(log.take(), ["InPlaceGroup"]);
    cleanup::drain(LONG).await.unwrap();
    assert_eq!(exits.take(), ["exit Cancelled"]);
}

#[tokio::test]
async fn the_future_is_send() {
    let task = tokio::spawn(async {
        let names = vec!["Ada", "Grace"];
        let count = AtomicU32::new(0);
        in_place(async |group| {
            for name in &names {
                let count = &count;
                group.spawn(async move {
                    yield_now().await;
                    count.fetch_add(u32::try_from(name.len()).unwrap(), Ordering::Relaxed);
                    Ok(())
                });
            }
            Ok::<_, Infallible>(())
        })
        .await
        .unwrap();
        count.into_inner()
    });
    assert_eq!(task.await.unwrap(), 8);
}

/// The last handle may be dropped after a request, in the same poll.
#[tokio::test(start_paused = true)]
async fn a_child_is_polled_after_the_last_handle_was_dropped() {
    let (started, mut waits) = mpsc::channel::<()>(1);
    let group = in_place(async |group| {
        let handle = group.clone();
        group.spawn(async move {
            tokio::time::sleep(SECOND).await;
            handle.spawn(async move {
                drop(started);
                Ok(())
            });
            drop(handle);
            tokio::time::sleep(LONG).await;
            Ok(())
        });
        group.spawn(async move {
            waits.recv().await;
            Err(BLOCK)
        });
        Ok::<_, Failed>(())
    });
    let start = Instant::now();
    assert_eq!(tasks_failed(group.await), [BLOCK]);
    assert_eq!(start.elapsed(), SECOND);
}

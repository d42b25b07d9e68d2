//! `in_place`: the contract of `TaskGroup`, for children that borrow and are polled by the group's own future.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::task::{Context, Poll, Wake, Waker};
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

/// A future that panics when it is polled, and when it is dropped, also while a panic unwinds.
struct PanicsTwice;

impl Drop for PanicsTwice {
    fn drop(&mut self) {
        panic!("drop");
    }
}

impl Future for PanicsTwice {
    type Output = Result<(), Failed>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        panic!("poll")
    }
}

/// The second panic would abort the process if the child were dropped while the first one unwinds.
#[tokio::test(start_paused = true)]
async fn a_child_that_panics_twice_does_not_abort_the_process() {
    // The second panic is reported.
    let _observer = cleanup::observe(|_| {});
    let log = Log::default();
    let result = in_place(async |group: InPlaceGroup<'_, Failed>| {
        group.spawn(waits_in_scope(&log));
        group.spawn(PanicsTwice);
        pending::<Result<(), _>>().await
    });
    assert_eq!(panic_of(result).await, "poll");
    assert_eq!(log.take(), ["exit Cancelled"]);
}

/// The body may wait for what the child would have done.
#[tokio::test(start_paused = true)]
async fn a_destructor_that_panics_in_cancel_interrupts_the_body() {
    let log = Log::default();
    let result = in_place(async |group: InPlaceGroup<'_, Failed>| {
        let _noted = LogOnDrop::new("body", &log);
        group.spawn(async {
            let _bomb = PanicOnDrop;
            pending().await
        });
        yield_now().await;
        group.cancel();
        pending::<Result<(), _>>().await
    });
    assert_eq!(panic_of(tokio::time::timeout(LONG, result)).await, "bomb");
    assert_eq!(log.take(), ["body"]);
}

/// Uses the group while it drops a child.
struct SpawnOnDrop<'env>(InPlaceGroup<'env, Failed>, &'env Log);

impl Drop for SpawnOnDrop<'_> {
    fn drop(&mut self) {
        let log = self.1;
        self.0.spawn(async move {
            log.push("spawned");
            Ok(())
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_destructor_of_a_child_starts_a_child_unless_the_children_are_dropped() {
    let log = Log::default();
    let completes = in_place(async |group| {
        let noted = SpawnOnDrop(group.clone(), &log);
        group.spawn(async move {
            let _noted = noted;
            after(1, Ok(())).await
        });
        Ok::<_, Failed>(())
    });
    completes.await.unwrap();
    assert_eq!(log.take(), ["spawned"]);

    let fails = in_place(async |group| {
        let noted = SpawnOnDrop(group.clone(), &log);
        group.spawn(async move {
            let _noted = noted;
            pending().await
        });
        yield_now().await;
        Err::<(), _>(BLOCK)
    });
    assert!(matches!(fails.await, Err(Error::Block(BLOCK))));
    assert!(log.take().is_empty());
}

/// Children that own handles would keep each other alive.
#[test]
fn children_are_dropped_if_the_group_is_never_polled_or_the_body_is_never_created() {
    let log = Log::default();
    let spawn = |group: &InPlaceGroup<'_, Failed>| {
        let owned = (group.clone(), LogOnDrop::new("dropped", &log));
        group.spawn(async move {
            let _owned = owned;
            Ok(())
        });
    };
    drop(in_place(|group| {
        spawn(&group);
        async { Ok(()) }
    }));
    assert_eq!(log.take(), ["dropped"]);

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        drop(in_place(|group| {
            spawn(&group);
            // The child was not dropped yet.
            assert!(!log.take().is_empty(), "the body is not created");
            async { Ok(()) }
        }));
    }));
    assert!(panicked.is_err());
    assert_eq!(log.take(), ["dropped"]);
}

struct NoWake;

impl Wake for NoWake {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_handle_that_outlives_its_group_keeps_no_waker() {
    let waker = Arc::new(NoWake);
    let mut kept = None;
    {
        let mut group = pin!(in_place(|group: InPlaceGroup<'static, Failed>| {
            kept = Some(group);
            pending::<Result<(), _>>()
        }));
        let shared = Waker::from(Arc::clone(&waker));
        assert!(group.as_mut().poll(&mut Context::from_waker(&shared)).is_pending());
        assert!(Arc::strong_count(&waker) > 2, "the handle wakes the group");
    }
    assert_eq!(Arc::strong_count(&waker), 1);
    drop(kept);
}

/// Each child is spawned when the group is idle, or about to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_child_of_another_thread_waits_for_the_next_one() {
    let group = in_place(async |group: InPlaceGroup<'static, Failed>| {
        let (done, end) = tokio::sync::oneshot::channel();
        thread::spawn(move || {
            let (ack, acks) = std_mpsc::channel();
            let polled = (0..2_000).all(|_| {
                let ack = ack.clone();
                group.spawn(async move {
                    ack.send(()).unwrap();
                    Ok(())
                });
                acks.recv_timeout(LONG).is_ok()
            });
            drop(group);
            done.send(polled).ok();
        });
        Ok(end.await)
    });
    assert_eq!(tokio::time::timeout(2 * LONG, group).await.expect("woken").unwrap(), Ok(true));
}

/// The future is dropped at each of its awaits: no exit is lost, and each runs once.
#[tokio::test]
async fn a_group_that_is_dropped_at_any_await_loses_no_exit() {
    for polls in 0.. {
        let log = Log::default();
        let mut group = Box::pin(in_place(async |group: InPlaceGroup<'_, Failed>| {
            for _ in 0..2 {
                group.spawn(async {
                    async_with!(_ = Slow::new("exit", std::time::Duration::ZERO, &log) => {
                        log.push("entered");
                        yield_now().await;
                    });
                    Ok(())
                });
            }
            yield_now().await;
            if polls % 2 == 0 {
                group.cancel();
            }
            yield_now().await;
            Ok(())
        }));
        let mut has_ended = false;
        for _ in 0..polls {
            has_ended = poll_fn(|cx| Poll::Ready(group.as_mut().poll(cx).is_ready())).await;
            if has_ended {
                break;
            }
            yield_now().await;
        }
        drop(group);
        cleanup::drain(LONG).await.unwrap();
        let events = log.take();
        let entered = events.iter().filter(|event| *event == "entered").count();
        let exits = events.iter().filter(|event| event.starts_with("exit ")).count();
        assert_eq!(entered, exits, "after {polls} polls: {events:?}");
        if has_ended && polls > 20 {
            break;
        }
    }
}

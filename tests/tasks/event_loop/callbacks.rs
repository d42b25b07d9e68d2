//! The order and the cancellation of callbacks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::time::sleep;
use withal::tasks::EventLoop;

use super::{SECOND, logs, new, stops, yield_once};
use crate::{Log, LogOnDrop};

#[test]
fn call_soon_in_order() {
    let (event_loop, log) = (new(), Log::default());
    for name in ["a", "b", "c"] {
        event_loop.call_soon(logs(&log, name)).unwrap();
    }
    event_loop.call_soon(stops(&event_loop)).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["a", "b", "c"]);
}

#[test]
fn call_soon_from_a_callback_runs_in_the_next_iteration() {
    let (event_loop, log) = (new(), Log::default());
    let (inner_loop, outer_log) = (event_loop.clone(), log.clone());
    let first = move || {
        outer_log.push("first");
        inner_loop.call_soon(logs(&outer_log, "third")).map(drop)
    };
    event_loop.call_soon(first).unwrap();
    event_loop.call_soon(logs(&log, "second")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["first", "second", "third"]);
}

#[test]
fn call_later_in_the_order_of_times() {
    let (event_loop, log) = (new(), Log::default());
    let start = event_loop.time().unwrap();
    for (seconds, name) in [(3, "c"), (1, "a"), (2, "b")] {
        event_loop.call_later(seconds * SECOND, logs(&log, name)).unwrap();
    }
    event_loop.call_later(4 * SECOND, stops(&event_loop)).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["a", "b", "c"]);
    assert_eq!(event_loop.time().unwrap() - start, 4 * SECOND);
}

/// asyncio's heap does not keep the order of ties: of four callbacks at one time, it calls the third one second.
#[test]
fn call_at_with_ties_in_the_order_of_the_calls() {
    let (event_loop, log) = (new(), Log::default());
    let when = event_loop.time().unwrap() + SECOND;
    for name in ["a", "b", "c", "d", "e"] {
        let handle = event_loop.call_at(when, logs(&log, name)).unwrap();
        assert_eq!(handle.when(), Some(when));
    }
    event_loop.run_until_complete(async { sleep(2 * SECOND).await }).unwrap();
    assert_eq!(log.take(), ["a", "b", "c", "d", "e"]);
}

#[test]
fn due_callbacks_run_after_ready_ones() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_later(Duration::ZERO, logs(&log, "later")).unwrap();
    event_loop.call_soon(logs(&log, "soon")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["soon", "later"]);
}

#[test]
fn a_callback_scheduled_by_a_due_one_runs_in_the_next_iteration() {
    let (event_loop, log) = (new(), Log::default());
    let (inner_loop, outer_log, stop) = (event_loop.clone(), log.clone(), stops(&event_loop));
    let due = move || {
        outer_log.push("due");
        stop();
        inner_loop.call_soon(logs(&outer_log, "next")).map(drop)
    };
    event_loop.call_later(SECOND, due).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["due"]);
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["next"]);
}

/// The counterpart of Python's negative delays: a time in the past.
#[test]
fn call_at_in_the_past_in_the_order_of_times() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.run_until_complete(async { sleep(10 * SECOND).await }).unwrap();
    let now = event_loop.time().unwrap();
    for (seconds, name) in [(1, "a"), (2, "b")] {
        event_loop.call_at(now - seconds * SECOND, logs(&log, name)).unwrap();
    }
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["b", "a"]);
    assert_eq!(event_loop.time().unwrap(), now);
}

#[test]
fn handles_cancel() {
    let (event_loop, log) = (new(), Log::default());
    let soon = event_loop.call_soon(logs(&log, "soon")).unwrap();
    let later = event_loop.call_later(SECOND, logs(&log, "later")).unwrap();
    let fine = event_loop.call_later(2 * SECOND, logs(&log, "fine")).unwrap();
    assert!(soon.when().is_none() && !soon.cancelled());
    soon.cancel();
    later.cancel();
    later.cancel();
    assert!(soon.cancelled() && later.cancelled());
    event_loop.run_until_complete(async { sleep(3 * SECOND).await }).unwrap();
    assert_eq!(log.take(), ["fine"]);
    fine.cancel();
    assert!(fine.cancelled(), "`cancelled` reports the request, even one that comes too late");
}

/// At that point the callback is in the ready queue, and no longer scheduled.
#[test]
fn a_due_callback_can_be_cancelled_in_the_same_iteration() {
    let (event_loop, log) = (new(), Log::default());
    let cancelled = Rc::new(RefCell::new(None::<withal::tasks::CallbackHandle>));
    let cancels = Rc::clone(&cancelled);
    let when = event_loop.time().unwrap() + SECOND;
    let first = move || cancels.borrow().as_ref().unwrap().cancel();
    event_loop.call_at(when, first).unwrap();
    *cancelled.borrow_mut() = Some(event_loop.call_at(when, logs(&log, "second")).unwrap());
    event_loop.run_until_complete(async { sleep(2 * SECOND).await }).unwrap();
    assert!(log.take().is_empty());
}

#[test]
fn a_cancelled_callback_is_dropped_at_once() {
    let (event_loop, log) = (new(), Log::default());
    let noted = LogOnDrop::new("dropped", &log);
    let handle = event_loop.call_later(SECOND, move || drop(noted)).unwrap();
    handle.cancel();
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn call_soon_threadsafe_wakes_the_loop() {
    // A real clock: a paused one would advance instead of waiting for the thread.
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (ready, is_ready) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        is_ready.recv().unwrap();
        handle.call_soon_threadsafe(|| EventLoop::current().map(|event_loop| event_loop.stop()))
    });
    event_loop.call_soon(move || ready.send(())).unwrap();
    event_loop.run_forever().unwrap();
    thread.join().unwrap().unwrap();
}

#[test]
fn call_soon_threadsafe_same_thread() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.handle().call_soon_threadsafe(logs(&log, "a")).unwrap();
    event_loop.call_soon(logs(&log, "b")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["a", "b"]);
}

/// A task spawned by `tokio::spawn` runs on the loop's thread, and may use the loop while it sleeps.
#[test]
fn timers_set_between_two_iterations() {
    let (event_loop, log) = (new(), Log::default());
    let logs = log.clone();
    event_loop
        .run_until_complete(async {
            tokio::spawn(async move {
                let event_loop = EventLoop::current().unwrap();
                let start = event_loop.time().unwrap();
                let handle = event_loop.call_later(SECOND, move || logs.push(start.elapsed().as_secs()));
                drop(handle.unwrap());
            });
            sleep(3 * SECOND).await;
        })
        .unwrap();
    assert_eq!(log.take(), ["1"]);
}

#[test]
fn an_unrepresentable_delay_never_elapses() {
    let event_loop = new();
    let never = event_loop.call_later(Duration::MAX, || -> () { panic!("never") }).unwrap();
    assert!(never.when().unwrap() > event_loop.time().unwrap() + 1000 * 86400 * SECOND);
    event_loop.run_until_complete(yield_once()).unwrap();
}

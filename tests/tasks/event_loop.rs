//! The event loop: what `test_base_events.py` and `test_events.py` pin of it, on a paused clock.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;
use withal::tasks::{Error, EventLoop, Exception, LoopError, Promise, create_task};

use super::{Bomb, Failed, Log, Noted};

const SECOND: Duration = Duration::from_secs(1);

fn new() -> EventLoop {
    EventLoop::with_runtime(Builder::new_current_thread().enable_time().start_paused(true).build().unwrap())
}

/// A callback that logs.
fn logs(log: &Log, what: &'static str) -> impl FnOnce() + use<> {
    let log = log.clone();
    move || log.push(what)
}

/// Stops the loop, as a callback.
fn stops(event_loop: &EventLoop) -> impl FnOnce() + use<> {
    let event_loop = event_loop.clone();
    move || event_loop.stop()
}

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
fn call_soon_and_the_steps_of_tasks_are_one_queue() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_soon(logs(&log, "first")).unwrap();
    let steps = log.clone();
    let task = event_loop.create_task(async move {
        for n in 0..3 {
            steps.push(format!("step {n}"));
            tokio::task::yield_now().await;
        }
        Ok::<_, Failed>(())
    });
    let (again, outer) = (event_loop.clone(), log.clone());
    let callback = move || {
        outer.push("second");
        again.call_soon(logs(&outer, "third")).map(drop)
    };
    event_loop.call_soon(callback).unwrap();
    assert_eq!(event_loop.run_until_complete(task.unwrap()).unwrap(), Ok(()));
    let steps = log.take();
    assert_eq!(steps[..3], ["first", "step 0", "second"], "in the order in which they came");
    assert_eq!(steps.len(), 6);
}

/// Tasks that only wake each other, as asyncio does it, go round in turns.
#[test]
fn tasks_take_turns() {
    let (event_loop, log) = (new(), Log::default());
    let turns = |name: &'static str| {
        let log = log.clone();
        event_loop
            .create_task(async move {
                for n in 0..3 {
                    log.push(format!("{name}{n}"));
                    yield_once().await;
                }
                Ok::<_, Failed>(())
            })
            .unwrap()
    };
    let (a, b) = (turns("a"), turns("b"));
    event_loop.run_until_complete(async { (a.await, b.await) }).unwrap().1.unwrap();
    assert_eq!(log.take(), ["a0", "b0", "a1", "b1", "a2", "b2"]);
}

/// asyncio's `sleep(0)`: woken at once, at the end of the queue.
async fn yield_once() {
    let mut is_woken = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn call_soon_from_a_callback_is_for_the_next_turn() {
    let (event_loop, log) = (new(), Log::default());
    let (again, outer) = (event_loop.clone(), log.clone());
    let first = move || {
        outer.push("first");
        again.call_soon(logs(&outer, "third")).map(drop)
    };
    event_loop.call_soon(first).unwrap();
    event_loop.call_soon(logs(&log, "second")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["first", "second", "third"]);
}

#[test]
fn call_later_in_the_order_of_times() {
    let (event_loop, log) = (new(), Log::default());
    let began = event_loop.time().unwrap();
    for (seconds, name) in [(3, "c"), (1, "a"), (2, "b")] {
        event_loop.call_later(seconds * SECOND, logs(&log, name)).unwrap();
    }
    event_loop.call_later(4 * SECOND, stops(&event_loop)).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["a", "b", "c"]);
    assert_eq!(event_loop.time().unwrap() - began, 4 * SECOND);
}

/// With ties, in the order of the calls. In asyncio they come as its heap has them: of four at one time, the third second.
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
fn what_is_due_comes_after_what_is_ready() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_later(Duration::ZERO, logs(&log, "later")).unwrap();
    event_loop.call_soon(logs(&log, "soon")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["soon", "later"]);
}

#[test]
fn what_a_due_callback_schedules_is_for_the_next_turn() {
    let (event_loop, log) = (new(), Log::default());
    let (again, outer, stop) = (event_loop.clone(), log.clone(), stops(&event_loop));
    let due = move || {
        outer.push("due");
        stop();
        again.call_soon(logs(&outer, "next")).map(drop)
    };
    event_loop.call_later(SECOND, due).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["due"]);
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["next"]);
}

/// Python's delays may be negative. Here a time may have gone by.
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
    assert!(fine.cancelled(), "too late, and as asked");
}

/// Cancelled in the turn that was to call it, when it has left the heap.
#[test]
fn a_handle_cancels_in_the_turn_in_which_it_is_due() {
    let (event_loop, log) = (new(), Log::default());
    let cancelled = Rc::new(RefCell::new(None::<withal::tasks::Handle>));
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
    let noted = Noted::new("dropped", &log);
    let handle = event_loop.call_later(SECOND, move || drop(noted)).unwrap();
    handle.cancel();
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn stop_finishes_the_round() {
    let (event_loop, log) = (new(), Log::default());
    let (again, outer) = (event_loop.clone(), log.clone());
    event_loop.call_soon(logs(&log, "before")).unwrap();
    event_loop.call_soon(stops(&event_loop)).unwrap();
    let after = move || {
        outer.push("after");
        again.call_soon(logs(&outer, "next round")).map(drop)
    };
    event_loop.call_soon(after).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["before", "after"]);
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["next round"]);
}

#[test]
fn run_forever_pre_stopped() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_soon(logs(&log, "once")).unwrap();
    event_loop.call_later(SECOND, logs(&log, "late")).unwrap();
    event_loop.stop();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["once"]);
}

#[test]
fn run_until_complete() {
    let event_loop = new();
    let began = event_loop.time().unwrap();
    let answer = async {
        sleep(10 * SECOND).await;
        42
    };
    assert_eq!(event_loop.run_until_complete(answer), Ok(42));
    assert_eq!(event_loop.time().unwrap() - began, 10 * SECOND);
    assert!(!event_loop.is_running());
}

#[test]
fn run_until_complete_stopped() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_later(SECOND, stops(&event_loop)).unwrap();
    let logs = log.clone();
    let slow = async move {
        sleep(2 * SECOND).await;
        logs.push("it goes on when the loop does");
    };
    let error = event_loop.run_until_complete(slow).unwrap_err();
    assert_eq!(error, LoopError::Stopped);
    assert_eq!(error.to_string(), "event loop stopped before future completed");
    event_loop.run_until_complete(async { sleep(2 * SECOND).await }).unwrap();
    assert_eq!(log.take(), ["it goes on when the loop does"]);
}

#[test]
fn run_until_complete_raises_what_the_future_panics_with() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    let run = || event_loop.run_until_complete(async { panic!("doh!") });
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1), "the loop is none the worse");
    event_loop.close().unwrap();
    assert!(log.take().is_empty(), "it is no exception of a callback");
}

/// Neither where it is ready nor where it panics: nothing is left that would stop the next run.
#[test]
fn run_until_complete_leaves_no_stop_behind() {
    for panics in [false, true] {
        let (event_loop, log) = (new(), Log::default());
        // In the turn in which the future is ready, so that the stop that this asks for is not called any more.
        event_loop.call_soon(stops(&event_loop)).unwrap();
        let run = || event_loop.run_until_complete(async move { assert!(!panics) });
        assert_eq!(catch_unwind(AssertUnwindSafe(run)).is_err(), panics);
        let (again, logs) = (event_loop.clone(), log.clone());
        let last = move || {
            logs.push("stopped by this one");
            EventLoop::current().map(|event_loop| event_loop.stop())
        };
        event_loop.call_soon(move || again.call_soon(last).map(drop)).unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(log.take(), ["stopped by this one"]);
    }
}

/// A run that panics itself, for want of a timer: what was there before it is there again.
#[test]
fn a_run_that_panics_leaves_the_loop_as_it_was() {
    let (event_loop, log) =
        (EventLoop::with_runtime(Builder::new_current_thread().build().unwrap()), Log::default());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let local = log.clone();
    event_loop
        .run_until_complete(async {
            drop(tokio::task::spawn_local(async move { local.push(receiver.await.is_ok()) }));
            yield_once().await;
        })
        .unwrap();
    let timer = event_loop.call_later(SECOND, || ()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| event_loop.run_forever())).is_err());
    timer.cancel();
    assert!(!event_loop.is_running());
    assert_eq!(EventLoop::current().unwrap_err(), LoopError::NoneRunning);
    assert!(log.take().is_empty());
    sender.send(()).unwrap();
    event_loop.run_until_complete(async { yield_once().await }).unwrap();
    event_loop.run_until_complete(async { yield_once().await }).unwrap();
    assert_eq!(log.take(), ["true"], "the tasks of `spawn_local` go on");
}

/// What became ready in the future's last step is still done.
#[test]
fn run_until_complete_finishes_the_round() {
    let (event_loop, log) = (new(), Log::default());
    let (again, outer) = (event_loop.clone(), log.clone());
    event_loop
        .run_until_complete(async move { again.call_soon(logs(&outer, "last")).map(drop) })
        .unwrap()
        .unwrap();
    assert_eq!(log.take(), ["last"]);
}

#[test]
fn run_until_complete_nesting_and_a_loop_run_from_inside_itself() {
    let event_loop = new();
    let inside = event_loop.clone();
    let errors = async move {
        assert!(inside.is_running());
        let again = inside.run_until_complete(async {}).unwrap_err();
        let other = new().run_until_complete(async {}).unwrap_err();
        [again, other, inside.run_forever().unwrap_err(), inside.close().unwrap_err()]
    };
    let errors = event_loop.run_until_complete(errors).unwrap();
    let expected =
        [LoopError::AlreadyRunning, LoopError::AnotherRunning, LoopError::AlreadyRunning, LoopError::Running];
    assert_eq!(errors, expected);
    assert_eq!(
        errors.map(|error| error.to_string()),
        [
            "this event loop is already running",
            "cannot run the event loop while another loop is running",
            "this event loop is already running",
            "cannot close a running event loop",
        ]
    );
}

#[tokio::test]
async fn inside_of_a_runtime_it_does_not_run_and_is_dropped_without_harm() {
    let event_loop = new();
    assert_eq!(event_loop.run_forever(), Err(LoopError::AnotherRunning));
    drop(event_loop);
}

#[test]
fn close() {
    let (event_loop, log) = (new(), Log::default());
    assert!(!event_loop.is_closed());
    let (noted, of_call) = (Noted::new("task", &log), Noted::new("call", &log));
    let task = event_loop.create_task(async move {
        let _noted = noted;
        pending::<Result<(), Infallible>>().await
    });
    event_loop.call_soon(move || drop(of_call)).unwrap();
    event_loop.close().unwrap();
    assert!(event_loop.is_closed());
    let mut dropped = log.take();
    dropped.sort();
    assert_eq!(dropped, ["call", "task"]);
    assert_eq!(task.unwrap().result(), Err(Error::Cancelled));
    event_loop.close().unwrap();

    assert_eq!(event_loop.run_forever(), Err(LoopError::Closed));
    assert_eq!(event_loop.run_until_complete(async {}), Err(LoopError::Closed));
    assert_eq!(event_loop.call_soon(|| ()).unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.call_later(SECOND, || ()).unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.time().unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.create_task(async { Ok::<_, Failed>(()) }).unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.threadsafe().call_soon_threadsafe(|| ()), Err(LoopError::Closed));
    assert_eq!(LoopError::Closed.to_string(), "event loop is closed");
}

#[test]
fn the_last_handle_closes_it() {
    let (event_loop, log) = (new(), Log::default());
    let (clone, noted) = (event_loop.clone(), Noted::new("dropped", &log));
    let handle = event_loop.call_later(SECOND, move || drop(noted)).unwrap();
    drop(event_loop);
    assert!(log.take().is_empty());
    drop(clone);
    assert_eq!(log.take(), ["dropped"], "that of a callback does not count");
    handle.cancel();
    assert!(handle.cancelled());
}

#[test]
fn a_callback_that_raises_goes_to_the_handler_and_the_loop_goes_on() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    event_loop.call_soon(|| -> () { panic!("doh!") }).unwrap();
    event_loop.call_later(SECOND, || Err::<(), _>("late")).unwrap();
    event_loop.threadsafe().call_soon_threadsafe(|| Err::<(), _>("sent")).unwrap();
    event_loop.call_soon(logs(&log, "the next")).unwrap();
    event_loop.run_until_complete(async { sleep(2 * SECOND).await }).unwrap();
    let expected = [
        "exception in callback: failed: test",
        "panic in callback: doh!",
        "exception in callback: sent",
        "the next",
        "exception in callback: late",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn set_exc_handler_broken() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.set_exception_handler(|_| panic!("the handler, too"));
    event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    event_loop.call_soon(logs(&log, "the next")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["the next"]);
}

#[test]
fn the_handler_that_was_set_last_is_called_and_the_one_before_is_dropped() {
    let (event_loop, log) = (new(), Log::default());
    let noted = Noted::new("dropped", &log);
    event_loop.set_exception_handler(move |_| noted.log("never"));
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    assert_eq!(log.take(), ["dropped"]);
    event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["exception in callback: failed: test"]);
}

#[test]
fn a_handler_may_set_another() {
    let (event_loop, log) = (new(), Log::default());
    let (sets, handles, noted) = (event_loop.clone(), log.clone(), Noted::new("dropped", &log));
    event_loop.set_exception_handler(move |_| {
        let handles = handles.clone();
        let second = handles.clone();
        sets.set_exception_handler(move |_| second.push("second"));
        handles.push("first, to its end");
        noted.log("held");
    });
    for _ in 0..2 {
        event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    }
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["first, to its end", "held", "dropped", "second"]);
}

/// In a process of its own, whose standard error stream can be read.
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn default_exc_handler_callback() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["the_default_exc_handler", "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let (said, told) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && said.contains("1 passed"), "{said}{told}");
    for line in ["exception in callback: failed: soon", "exception in callback: failed: later"] {
        assert!(told.lines().any(|told| told == line), "{line}, in {told}");
    }
}

#[test]
#[ignore = "the other half of `default_exc_handler_callback`"]
fn the_default_exc_handler() {
    let event_loop = new();
    event_loop.call_soon(|| Err::<(), _>(Failed("soon"))).unwrap();
    event_loop.call_later(SECOND, || Err::<(), _>(Failed("later"))).unwrap();
    event_loop.run_until_complete(async { sleep(2 * SECOND).await }).unwrap();
}

/// A task that panics is no callback that does: the panic is its result.
#[test]
fn a_task_that_raises_is_asked_for_its_result() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    let panics = event_loop.create_task(async { panic!("doh!") as Result<(), Failed> }).unwrap();
    let fails = event_loop.create_task(async { Err::<(), _>(Failed("test")) }).unwrap();
    event_loop.run_until_complete(async { sleep(SECOND).await }).unwrap();
    assert!(matches!(panics.result(), Err(Error::Panicked(_))));
    assert_eq!(fails.result(), Err(Error::Raised(&Failed("test"))));
    assert!(log.take().is_empty());
}

#[test]
fn call_soon_threadsafe_wakes_the_loop() {
    // A real clock: a paused one would not wait for the thread.
    let event_loop = EventLoop::new().unwrap();
    let threadsafe = event_loop.threadsafe();
    let (go, waits) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        waits.recv().unwrap();
        threadsafe.call_soon_threadsafe(|| EventLoop::current().map(|event_loop| event_loop.stop()))
    });
    event_loop.call_soon(move || go.send(())).unwrap();
    event_loop.run_forever().unwrap();
    thread.join().unwrap().unwrap();
}

#[test]
fn call_soon_threadsafe_same_thread() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.threadsafe().call_soon_threadsafe(logs(&log, "a")).unwrap();
    event_loop.call_soon(logs(&log, "b")).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["a", "b"]);
}

/// Tasks of tokio's that run on the loop's thread may use it, too, while it sleeps.
#[test]
fn timers_that_are_set_between_the_turns() {
    let (event_loop, log) = (new(), Log::default());
    let logs = log.clone();
    event_loop
        .run_until_complete(async {
            tokio::spawn(async move {
                let event_loop = EventLoop::current().unwrap();
                let began = event_loop.time().unwrap();
                let handle = event_loop.call_later(SECOND, move || logs.push(began.elapsed().as_secs()));
                drop(handle.unwrap());
            });
            sleep(3 * SECOND).await;
        })
        .unwrap();
    assert_eq!(log.take(), ["1"]);
}

#[test]
fn current_is_the_loop_that_runs() {
    assert_eq!(EventLoop::current().unwrap_err(), LoopError::NoneRunning);
    let event_loop = new();
    let answer = async { EventLoop::current().unwrap().call_soon(|| ()).map(drop) };
    assert_eq!(event_loop.run_until_complete(answer), Ok(Ok(())));
    assert_eq!(EventLoop::current().unwrap_err(), LoopError::NoneRunning);
}

#[test]
fn a_task_is_cancelled_at_its_next_step() {
    let (event_loop, log) = (new(), Log::default());
    let noted = Noted::new("dropped", &log);
    let task = event_loop
        .create_task(async move {
            let _noted = noted;
            pending::<Result<(), Failed>>().await
        })
        .unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert!(task.cancel());
    assert!(log.take().is_empty());
    assert_eq!(event_loop.run_until_complete(task), Ok(Err(Error::Cancelled)));
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn over_a_runtime_of_several_threads() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (event_loop, here) = (EventLoop::with_runtime(runtime), std::thread::current().id());
    let task = event_loop.create_task(async move {
        tokio::spawn(async {}).await.unwrap();
        Ok::<_, Failed>(std::thread::current().id())
    });
    assert_eq!(event_loop.run_until_complete(task.unwrap()), Ok(Ok(here)));
}

/// `Rc`s, promises, tokio's tasks and timers: all that the thread has.
#[test]
fn tasks_await_what_they_like() {
    let event_loop = new();
    let shared = Rc::new(Cell::new(0));
    let adds = Rc::clone(&shared);
    let (promise, future) = Promise::<u32, Failed>::new();
    event_loop.call_later(SECOND, move || promise.set_result(3).map_err(|_| "cancelled")).unwrap();
    let sum = async move {
        let of_promise = future.await.unwrap();
        let of_tokio = create_task(async { Ok::<_, Failed>(sleep(SECOND).await).map(|()| 4) }).await.unwrap();
        let of_local = tokio::task::spawn_local({
            let adds = Rc::clone(&adds);
            async move { adds.replace(5) }
        });
        of_local.await.unwrap() + of_promise + of_tokio
    };
    assert_eq!(event_loop.run_until_complete(sum), Ok(7));
    assert_eq!(shared.get(), 5);
}

#[test]
fn a_task_that_is_busy_does_not_change_the_order_by_tokios_budget() {
    let (event_loop, log) = (new(), Log::default());
    let tasks: Vec<_> = (0..3)
        .map(|name| {
            let log = log.clone();
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            (0..200).for_each(|n| sender.send(n).unwrap());
            let reads = async move {
                for _ in 0..200 {
                    receiver.recv().await.ok_or(Failed("closed"))?;
                }
                log.push(name);
                Ok::<_, Failed>(())
            };
            event_loop.create_task(reads).unwrap()
        })
        .collect();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["0", "1", "2"]);
    assert!(tasks.iter().all(withal::tasks::Future::done));
}

#[test]
fn stop_before_run_until_complete() {
    let event_loop = new();
    event_loop.stop();
    assert_eq!(event_loop.run_until_complete(pending::<()>()), Err(LoopError::Stopped));
    event_loop.stop();
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1), "ready in that one turn");
}

/// Both the future and the callback that is to stop for it.
#[test]
fn what_is_left_over_does_not_keep_the_loop() {
    let (event_loop, log) = (new(), Log::default());
    let noted = Noted::new("dropped", &log);
    event_loop.call_soon(stops(&event_loop)).unwrap();
    let left = event_loop.run_until_complete(async move {
        let _noted = noted;
        pending::<()>().await;
    });
    assert_eq!(left, Err(LoopError::Stopped));
    drop(event_loop);
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn close_drops_the_exception_handler() {
    let (event_loop, log) = (new(), Log::default());
    let (noted, inside) = (Noted::new("handler", &log), event_loop.clone());
    event_loop.set_exception_handler(move |_| {
        let _held = (&noted, &inside);
    });
    event_loop.close().unwrap();
    assert_eq!(log.take(), ["handler"]);
}

#[test]
fn close_cancels_all_also_where_a_drop_panics() {
    let event_loop = new();
    let task = |_| {
        let bomb = Bomb;
        let work = async move {
            let _bomb = bomb;
            pending::<Result<(), Failed>>().await
        };
        event_loop.create_task(work).unwrap()
    };
    let tasks: Vec<_> = (0..3).map(task).collect();
    let bomb = Bomb;
    event_loop.call_soon(move || drop(bomb)).unwrap();
    event_loop.close().unwrap();
    assert!(tasks.iter().all(withal::tasks::Future::done));
}

#[test]
fn close_drops_callbacks_and_the_handler_also_where_a_drop_panics() {
    let (event_loop, log) = (new(), Log::default());
    for _ in 0..2 {
        let (bomb, noted) = (Bomb, Noted::new("later", &log));
        event_loop.call_later(SECOND, move || drop((bomb, noted))).unwrap();
        let (bomb, noted) = (Bomb, Noted::new("sent", &log));
        event_loop.threadsafe().call_soon_threadsafe(move || drop((bomb, noted))).unwrap();
    }
    let (bomb, noted) = (Bomb, Noted::new("handler", &log));
    event_loop.set_exception_handler(move |_| {
        let _held = (&bomb, &noted);
    });
    event_loop.close().unwrap();
    let mut dropped = log.take();
    dropped.sort();
    assert_eq!(dropped, ["handler", "later", "later", "sent", "sent"]);
}

/// Uses the loop as it is dropped.
struct Uses(EventLoop);

impl Drop for Uses {
    fn drop(&mut self) {
        let refused = self.0.create_task(async { Ok::<_, Failed>(()) });
        assert_eq!(refused.unwrap_err(), LoopError::Closed);
    }
}

#[test]
fn work_that_is_refused_is_dropped_and_may_use_the_loop() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.close().unwrap();
    let (noted, uses) = (Noted::new("dropped", &log), Uses(event_loop.clone()));
    let work = async move {
        let _held = (noted, uses);
        Ok::<_, Failed>(())
    };
    assert_eq!(event_loop.create_task(work).unwrap_err(), LoopError::Closed);
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn a_value_whose_drop_panics_does_not_end_the_run() {
    let (event_loop, log) = (new(), Log::default());
    let told = log.clone();
    event_loop.set_exception_handler(move |exception| told.push(exception));
    drop(event_loop.create_task(async { Ok::<_, Failed>(Bomb) }).unwrap());
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
    assert_eq!(log.take(), ["panic in callback: bomb"]);
}

#[test]
fn an_error_that_cannot_be_converted_does_not_end_the_run() {
    struct Opaque;
    impl From<Opaque> for Box<dyn std::error::Error + Send + Sync> {
        fn from(_: Opaque) -> Self {
            panic!("conversion")
        }
    }
    let (event_loop, log) = (new(), Log::default());
    let told = log.clone();
    event_loop.set_exception_handler(move |exception| told.push(exception));
    event_loop.call_soon(|| Err::<(), _>(Opaque)).unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
    assert_eq!(log.take(), ["panic in callback: conversion"]);
}

#[test]
fn an_error_that_cannot_be_shown_does_not_end_the_run() {
    #[derive(Debug)]
    struct Mute;
    impl std::fmt::Display for Mute {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("display")
        }
    }
    impl std::error::Error for Mute {}
    let event_loop = new();
    event_loop.call_soon(|| Err::<(), _>(Mute)).unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
}

#[test]
fn an_error_whose_drop_panics_does_not_end_the_run() {
    #[derive(thiserror::Error)]
    #[error("held")]
    struct Holds(Bomb);
    impl std::fmt::Debug for Holds {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let Self(Bomb) = self;
            f.write_str("Holds")
        }
    }
    let (event_loop, log) = (new(), Log::default());
    let told = log.clone();
    event_loop.set_exception_handler(move |exception| told.push(exception));
    event_loop.call_soon(|| Err::<(), _>(Holds(Bomb))).unwrap();
    event_loop.call_soon(logs(&log, "the next")).unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
    assert_eq!(log.take(), ["exception in callback: held", "the next"]);
}

/// A handler that uses the loop as it is dropped.
#[test]
fn the_handler_before_may_use_the_loop_as_it_is_dropped() {
    struct Tells(EventLoop);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.call_exception_handler(&Exception::Raised("the last words".into()));
        }
    }
    let (event_loop, log) = (new(), Log::default());
    let (tells, told) = (Tells(event_loop.clone()), log.clone());
    event_loop.set_exception_handler(move |_| {
        let _held = &tells;
    });
    event_loop.set_exception_handler(move |exception| told.push(exception));
    assert_eq!(log.take(), ["exception in callback: the last words"]);
}

#[test]
fn a_future_whose_drop_panics() {
    let bomb = Bomb;
    let holds = poll_fn(move |_| {
        let _held = &bomb;
        Poll::Ready(())
    });
    let event_loop = new();
    let caught = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(holds)));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"bomb"));
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()), "the loop is as before");
}

#[test]
fn of_a_future_that_panics_twice_the_first_is_told() {
    let bomb = Bomb;
    let panics = poll_fn(move |_| -> Poll<()> {
        let _held = &bomb;
        panic!("doh!")
    });
    let event_loop = new();
    let caught = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(panics)));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()), "the loop is as before");
}

#[test]
fn a_time_that_no_clock_can_show_is_never() {
    let event_loop = new();
    let never = event_loop.call_later(Duration::MAX, || -> () { panic!("never") }).unwrap();
    assert!(never.when().unwrap() > event_loop.time().unwrap() + 1000 * 86400 * SECOND);
    event_loop.run_until_complete(yield_once()).unwrap();
}

#[test]
fn a_callback_may_return_any_result() {
    let (event_loop, log) = (new(), Log::default());
    let (inner, logs) = (event_loop.clone(), log.clone());
    event_loop.call_soon(move || inner.call_soon(move || logs.push("inside"))).unwrap();
    let (handles, noted) = (log.clone(), Noted::new("value", &log));
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    event_loop.call_soon(move || Ok::<_, Failed>(noted)).unwrap();
    event_loop.call_soon(|| Err::<u32, _>(Failed("test"))).unwrap();
    event_loop.call_soon(|| Ok::<_, Failed>(Bomb)).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(
        log.take(),
        ["value", "exception in callback: failed: test", "panic in callback: bomb", "inside"]
    );
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] Failed);

#[test]
fn an_exception_is_an_error_with_the_words_and_the_source_of_what_was_raised() {
    let exception = Exception::Raised(Outer(Failed("inner")).into());
    assert_eq!(exception.to_string(), "exception in callback: outer");
    let source = std::error::Error::source(&exception).unwrap();
    assert_eq!(source.downcast_ref::<Failed>(), Some(&Failed("inner")));
}

//! How a run starts and ends.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use tokio::runtime::Builder;
use tokio::time::sleep;
use withal::tasks::{EventLoop, LoopError};

use super::{SECOND, logs, new, stops, yield_once};
use crate::{Failed, Log, LogOnDrop, PanicOnDrop};

#[test]
fn stop_finishes_the_iteration() {
    let (event_loop, log) = (new(), Log::default());
    let (inner_loop, outer_log) = (event_loop.clone(), log.clone());
    event_loop.call_soon(logs(&log, "before")).unwrap();
    event_loop.call_soon(stops(&event_loop)).unwrap();
    let after = move || {
        outer_log.push("after");
        inner_loop.call_soon(logs(&outer_log, "next iteration")).map(drop)
    };
    event_loop.call_soon(after).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["before", "after"]);
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["next iteration"]);
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
    let start = event_loop.time().unwrap();
    let answer = async {
        sleep(10 * SECOND).await;
        42
    };
    assert_eq!(event_loop.run_until_complete(answer), Ok(42));
    assert_eq!(event_loop.time().unwrap() - start, 10 * SECOND);
    assert!(!event_loop.is_running());
}

#[test]
fn run_until_complete_stopped() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_later(SECOND, stops(&event_loop)).unwrap();
    let logs = log.clone();
    let slow = async move {
        sleep(2 * SECOND).await;
        logs.push("it continues with the loop");
    };
    let error = event_loop.run_until_complete(slow).unwrap_err();
    assert_eq!(error, LoopError::Stopped);
    assert!(error.is_stopped() && !error.is_closed());
    assert_eq!(error.to_string(), "event loop stopped before future completed");
    event_loop.run_until_complete(async { sleep(2 * SECOND).await }).unwrap();
    assert_eq!(log.take(), ["it continues with the loop"]);
}

#[test]
fn run_until_complete_resumes_the_panic_of_the_future() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    let run = || event_loop.run_until_complete(async { panic!("doh!") });
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1), "the loop is still usable");
    event_loop.close().unwrap();
    assert!(log.take().is_empty(), "it is not passed to the exception handler");
}

/// Neither when the future completes nor when it panics: no leftover callback stops the next run.
#[test]
fn run_until_complete_does_not_stop_the_next_run() {
    for panics in [false, true] {
        let (event_loop, log) = (new(), Log::default());
        // Stops in the iteration in which the future completes, so that the callback which the completed future schedules
        // is left over.
        event_loop.call_soon(stops(&event_loop)).unwrap();
        let run = || event_loop.run_until_complete(async move { assert!(!panics) });
        assert_eq!(catch_unwind(AssertUnwindSafe(run)).is_err(), panics);
        let (inner_loop, logs) = (event_loop.clone(), log.clone());
        let last = move || {
            logs.push("stopped by the last callback");
            EventLoop::current().map(|event_loop| event_loop.stop())
        };
        event_loop.call_soon(move || inner_loop.call_soon(last).map(drop)).unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(log.take(), ["stopped by the last callback"]);
    }
}

/// The run panics because the timer of the runtime is not enabled. Afterwards the state is as it was before the run.
#[test]
fn a_panicking_run_leaves_the_loop_usable() {
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
    assert_eq!(EventLoop::current().unwrap_err(), LoopError::NoRunningLoop);
    assert!(log.take().is_empty());
    sender.send(()).unwrap();
    event_loop.run_until_complete(async { yield_once().await }).unwrap();
    event_loop.run_until_complete(async { yield_once().await }).unwrap();
    assert_eq!(log.take(), ["true"], "the tasks of `spawn_local` continue");
}

/// Callbacks that became ready in the last poll of the future still run.
#[test]
fn run_until_complete_finishes_the_iteration() {
    let (event_loop, log) = (new(), Log::default());
    let (inner_loop, outer_log) = (event_loop.clone(), log.clone());
    event_loop
        .run_until_complete(async move { inner_loop.call_soon(logs(&outer_log, "last")).map(drop) })
        .unwrap()
        .unwrap();
    assert_eq!(log.take(), ["last"]);
}

#[test]
fn nested_runs_are_refused() {
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
        [LoopError::AlreadyRunning, LoopError::NestedLoop, LoopError::AlreadyRunning, LoopError::Running];
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
async fn a_loop_inside_a_runtime_refuses_to_run_and_can_be_dropped() {
    let event_loop = new();
    assert_eq!(event_loop.run_forever(), Err(LoopError::NestedLoop));
    drop(event_loop);
}

#[test]
fn current_returns_the_running_loop() {
    assert_eq!(EventLoop::current().unwrap_err(), LoopError::NoRunningLoop);
    let event_loop = new();
    let answer = async { EventLoop::current().unwrap().call_soon(|| ()).map(drop) };
    assert_eq!(event_loop.run_until_complete(answer), Ok(Ok(())));
    assert_eq!(EventLoop::current().unwrap_err(), LoopError::NoRunningLoop);
}

#[test]
fn a_loop_on_a_multi_threaded_runtime() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (event_loop, here) = (EventLoop::with_runtime(runtime), std::thread::current().id());
    let task = event_loop.create_task(async move {
        tokio::spawn(async {}).await.unwrap();
        Ok::<_, Failed>(std::thread::current().id())
    });
    assert_eq!(event_loop.run_until_complete(task.unwrap()), Ok(Ok(here)));
}

#[test]
fn stop_before_run_until_complete() {
    let event_loop = new();
    event_loop.stop();
    assert_eq!(event_loop.run_until_complete(pending::<()>()), Err(LoopError::Stopped));
    event_loop.stop();
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1), "it completes in the only iteration");
}

/// Both the future and the callback that stops the loop after it.
#[test]
fn leftover_tasks_and_callbacks_do_not_keep_the_loop_alive() {
    let (event_loop, log) = (new(), Log::default());
    let noted = LogOnDrop::new("dropped", &log);
    event_loop.call_soon(stops(&event_loop)).unwrap();
    let left = event_loop.run_until_complete(async move {
        let _noted = noted;
        pending::<()>().await;
    });
    assert_eq!(left, Err(LoopError::Stopped));
    drop(event_loop);
    assert_eq!(log.take(), ["dropped"]);

    let event_loop = new();
    let noted = LogOnDrop::new("dropped", &log);
    event_loop.call_later(SECOND, move || drop(noted)).unwrap();
    event_loop.call_soon(stops(&event_loop)).unwrap();
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1), "it completes in the last iteration");
    drop(event_loop);
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn run_until_complete_resumes_the_panic_of_a_destructor() {
    let bomb = PanicOnDrop;
    let holds = poll_fn(move |_| {
        let _held = &bomb;
        Poll::Ready(())
    });
    let event_loop = new();
    let caught = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(holds)));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"bomb"));
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()), "the loop is still usable");
}

#[test]
fn of_two_panics_the_first_is_resumed() {
    let bomb = PanicOnDrop;
    let panics = poll_fn(move |_| -> Poll<()> {
        let _held = &bomb;
        panic!("doh!")
    });
    let event_loop = new();
    let caught = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(panics)));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()), "the loop is still usable");
}

//! The errors and panics of callbacks, and the handler that they are passed to.

use tokio::time::sleep;
use withal::tasks::{CallbackError, EventLoop};

use super::{SECOND, logs, new, yield_once};
use crate::{Failed, Log, LogOnDrop, PanicOnDrop};

#[test]
fn callback_errors_are_passed_to_the_handler_and_the_loop_continues() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    event_loop.call_soon(|| -> () { panic!("doh!") }).unwrap();
    event_loop.call_later(SECOND, || Err::<(), _>("late")).unwrap();
    event_loop.handle().call_soon_threadsafe(|| Err::<(), _>("sent")).unwrap();
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
fn a_new_handler_replaces_and_drops_the_previous_one() {
    let (event_loop, log) = (new(), Log::default());
    let noted = LogOnDrop::new("dropped", &log);
    event_loop.set_exception_handler(move |_| noted.log("never"));
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    assert_eq!(log.take(), ["dropped"]);
    event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["exception in callback: failed: test"]);
}

#[test]
fn a_handler_may_replace_itself() {
    let (event_loop, log) = (new(), Log::default());
    let (sets, handles, noted) = (event_loop.clone(), log.clone(), LogOnDrop::new("dropped", &log));
    event_loop.set_exception_handler(move |_| {
        let handles = handles.clone();
        let second = handles.clone();
        sets.set_exception_handler(move |_| second.push("second"));
        handles.push("the first runs to its end");
        noted.log("held");
    });
    for _ in 0..2 {
        event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    }
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["the first runs to its end", "held", "dropped", "second"]);
}

/// Runs in a separate process, whose standard error stream can be read.
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn default_exc_handler_callback() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["the_default_exc_handler", "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    for line in ["exception in callback: failed: soon", "exception in callback: failed: later"] {
        assert!(stderr.lines().any(|printed| printed == line), "{line}, in {stderr}");
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

#[test]
fn a_panicking_destructor_of_a_value_does_not_end_the_run() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    drop(event_loop.create_task(async { Ok::<_, Failed>(PanicOnDrop) }).unwrap());
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
    assert_eq!(log.take(), ["panic in callback: bomb"]);
}

#[test]
fn a_panicking_conversion_of_an_error_does_not_end_the_run() {
    struct Opaque;
    impl From<Opaque> for Box<dyn std::error::Error + Send + Sync> {
        fn from(_: Opaque) -> Self {
            panic!("conversion")
        }
    }
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    event_loop.call_soon(|| Err::<(), _>(Opaque)).unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
    assert_eq!(log.take(), ["panic in callback: conversion"]);
}

#[test]
fn a_panicking_display_of_an_error_does_not_end_the_run() {
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
fn a_panicking_destructor_of_an_error_does_not_end_the_run() {
    #[derive(thiserror::Error)]
    #[error("held")]
    struct Holds(PanicOnDrop);
    impl std::fmt::Debug for Holds {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let Self(PanicOnDrop) = self;
            f.write_str("Holds")
        }
    }
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    event_loop.call_soon(|| Err::<(), _>(Holds(PanicOnDrop))).unwrap();
    event_loop.call_soon(logs(&log, "the next")).unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Ok(()));
    assert_eq!(log.take(), ["exception in callback: held", "the next"]);
}

#[test]
fn the_destructor_of_a_handler_may_use_the_loop() {
    struct CallsHandler(EventLoop);
    impl Drop for CallsHandler {
        fn drop(&mut self) {
            self.0.call_exception_handler(&CallbackError::Raised("dropped".into()));
        }
    }
    let (event_loop, log) = (new(), Log::default());
    let (calls, handles) = (CallsHandler(event_loop.clone()), log.clone());
    event_loop.set_exception_handler(move |_| {
        let _held = &calls;
    });
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    assert_eq!(log.take(), ["exception in callback: dropped"]);
}

#[test]
fn a_callback_may_return_any_result() {
    let (event_loop, log) = (new(), Log::default());
    let (inner, logs) = (event_loop.clone(), log.clone());
    event_loop.call_soon(move || inner.call_soon(move || logs.push("inside"))).unwrap();
    let (handles, noted) = (log.clone(), LogOnDrop::new("value", &log));
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    event_loop.call_soon(move || Ok::<_, Failed>(noted)).unwrap();
    event_loop.call_soon(|| Err::<u32, _>(Failed("test"))).unwrap();
    event_loop.call_soon(|| Ok::<_, Failed>(PanicOnDrop)).unwrap();
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
fn a_callback_error_has_the_message_and_the_source_of_the_original() {
    let exception = CallbackError::Raised(Outer(Failed("inner")).into());
    assert!(!exception.is_panic());
    assert_eq!(exception.to_string(), "exception in callback: outer");
    let source = std::error::Error::source(&exception).unwrap();
    assert_eq!(source.downcast_ref::<Failed>(), Some(&Failed("inner")));
}

#[test]
fn a_callback_error_reports_whether_it_is_a_panic() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |error| handles.push(error.is_panic()));
    event_loop.call_soon(|| -> () { panic!("doh!") }).unwrap();
    event_loop.call_soon(|| Err::<(), _>(Failed("test"))).unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["true", "false"]);
}

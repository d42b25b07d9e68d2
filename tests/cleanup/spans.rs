//! The `tracing` spans of cleanups, and their events.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::yield_now;
use tracing::{Instrument, Level, info_span};
use withal::cleanup::{Cleanup, drain};
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};
use withal::tasks::timeout;

use withal_test_support::child_process::stderr_of;
use withal_test_support::span_recorder::SpanRecorder;

const ENOUGH: Duration = Duration::from_secs(60);

#[test]
fn events_are_reported_on_tracing_in_the_span_of_their_cleanup() {
    let lines = stderr_of("spans::events_are_reported_on_tracing_in_the_span_of_their_cleanup", || {
        let recorder = SpanRecorder::record(Level::DEBUG, |_| async {
            let work = async {
                Cleanup::new(ready(Err::<(), _>("reset"))).name("fails").detach();
                Cleanup::new(pending::<Result<(), ()>>()).name("slow").grace_period(Duration::ZERO).detach();
            };
            work.instrument(info_span!("request")).await;
            drain(ENOUGH).await.unwrap();
        });
        let expected = [
            "request/cleanup: ERROR cleanup fails failed error=reset",
            "request/cleanup: WARN cleanup slow was abandoned: its grace period elapsed",
        ];
        assert_eq!(recorder.events(), expected);
    });
    assert!(lines.is_none_or(|lines| lines.is_empty()), "nothing is reported twice");
}

async fn panics() -> Result<(), ()> {
    yield_now().await;
    panic!("expected in a test")
}

#[test]
fn a_span_has_the_name_and_the_outcome_of_its_cleanup() {
    let recorder = SpanRecorder::record(Level::DEBUG, |_| async {
        Cleanup::new(ready(Ok::<(), ()>(()))).name("completes").detach();
        Cleanup::new(ready(Err::<(), _>("expected in a test"))).name("fails").detach();
        Cleanup::new(panics()).name("panics").detach();
        Cleanup::new(pending::<Result<(), ()>>()).name("slow").grace_period(Duration::ZERO).detach();
        drain(ENOUGH).await.unwrap();
        Cleanup::new(pending::<Result<(), ()>>()).name("late").detach();
    });
    let expected = [
        "cleanup{name=completes outcome=completed}",
        "cleanup{name=fails outcome=failed}",
        "cleanup{name=panics outcome=panicked}",
        "cleanup{name=slow outcome=abandoned reason=timed_out}",
        "cleanup{name=late outcome=abandoned reason=runtime_shutdown}",
    ];
    assert_eq!(recorder.spans(), expected);
    assert_eq!(recorder.open(), [""; 0]);
}

/// Runs a cleanup that records the spans around it: twice when it is polled, and when the runtime drops it.
fn spans_of_a_cleanup(max_level: Level) -> Vec<String> {
    struct RecordOnDrop(SpanRecorder, Arc<Mutex<Vec<String>>>);

    impl RecordOnDrop {
        fn record(&self) {
            self.1.lock().unwrap().push(self.0.current_path());
        }
    }

    impl Drop for RecordOnDrop {
        fn drop(&mut self) {
            self.record();
        }
    }

    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    SpanRecorder::record(max_level, |recorder| async move {
        let request = info_span!("request");
        let entered = request.enter();
        let on_drop = RecordOnDrop(recorder, Arc::clone(&log));
        Cleanup::new(async move {
            let on_drop = on_drop;
            for _ in 0..2 {
                on_drop.record();
                yield_now().await;
            }
            pending::<Result<(), ()>>().await
        })
        .name("in its span")
        .detach();
        drop(entered);
        for _ in 0..5 {
            yield_now().await;
        }
    });
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[test]
fn a_cleanup_is_polled_and_dropped_in_its_span() {
    assert_eq!(spans_of_a_cleanup(Level::DEBUG), ["request/cleanup"; 3]);
    // Where that span is disabled, it is polled and dropped in the span in which it was detached.
    assert_eq!(spans_of_a_cleanup(Level::INFO), ["request"; 3]);
}

/// A session whose exit records the spans around it.
struct Session(SpanRecorder, Arc<Mutex<Vec<String>>>);

impl AsyncContextManager for Session {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for Session {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    fn name(&self) -> &'static str {
        "session"
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.1.lock().unwrap().push(self.0.current_path());
        yield_now().await;
        self.1.lock().unwrap().push(self.0.current_path());
        Ok(())
    }
}

/// Runs a program with a session, and returns the spans around its exit.
fn spans_of_an_exit<F>(max_level: Level, program: impl FnOnce(Session) -> F) -> Vec<String>
where
    F: Future<Output = ()>,
{
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let recorder = SpanRecorder::record(max_level, |recorder| async move {
        program(Session(recorder, log)).await;
        drain(ENOUGH).await.unwrap();
    });
    assert_eq!(recorder.open(), [""; 0]);
    let seen = seen.lock().unwrap();
    seen.clone()
}

async fn cancel_in_the_block(session: Session) {
    let work = async { async_with!(_ = session => { pending::<()>().await }) };
    let task = tokio::spawn(work.instrument(info_span!("request")));
    yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

/// The exit was polled before it was dropped: its rest runs in the span as well.
async fn cancel_in_the_exit(session: Session) {
    let work = async { async_with!(_ = session => { }) };
    let mut work = Box::pin(work.instrument(info_span!("request")));
    assert!(futures::poll!(work.as_mut()).is_pending());
    drop(work);
}

/// The timeout polls the exit in place.
async fn interrupt(session: Session) {
    let work = async {
        async_with!(_ = timeout(Duration::from_millis(1)) => {
            async_with!(_ = session => { pending::<()>().await });
        })
    };
    assert!(work.instrument(info_span!("request")).await.is_err());
}

#[test]
fn the_exit_of_a_cancelled_scope_runs_in_the_span_of_its_scope() {
    let seen = spans_of_an_exit(Level::TRACE, cancel_in_the_block);
    assert_eq!(seen, ["request/scope/cleanup"; 2]);
    let seen = spans_of_an_exit(Level::TRACE, cancel_in_the_exit);
    assert_eq!(seen, ["request/scope", "request/scope/cleanup"]);
    let seen = spans_of_an_exit(Level::TRACE, interrupt);
    assert_eq!(seen, ["request/scope/scope/cleanup"; 2]);
}

/// The span is that of the task if the spans of scopes are disabled.
#[test]
fn the_exit_of_a_cancelled_scope_runs_in_the_span_of_its_task() {
    for program in [false, true] {
        let (max_level, path) =
            if program { (Level::DEBUG, "request/cleanup") } else { (Level::INFO, "request") };
        assert_eq!(spans_of_an_exit(max_level, cancel_in_the_block), [path; 2]);
        assert_eq!(spans_of_an_exit(max_level, cancel_in_the_exit), ["request", path]);
        assert_eq!(spans_of_an_exit(max_level, interrupt), [path; 2]);
    }
}

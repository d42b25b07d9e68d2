//! The `tracing` spans of cleanups, and their events.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::yield_now;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Instrument, Metadata, Span, Subscriber, info_span};
use tracing_core::span::Current;
use withal::cleanup::{Cleanup, drain};
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};

use withal_test_support::child_process::stderr_of;

const ENOUGH: Duration = Duration::from_secs(60);

/// Records the events as lines, each with the name of its span.
#[derive(Clone, Default)]
struct Recorder {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<Mutex<Vec<&'static Metadata<'static>>>>,
}

thread_local! {
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

impl Recorder {
    fn metadata(&self, id: &Id) -> &'static Metadata<'static> {
        self.spans.lock().unwrap()[usize::try_from(id.into_u64()).unwrap() - 1]
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.spans.lock().unwrap();
        spans.push(span.metadata());
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let span = self.current_span();
        let mut line = format!("{} ", span.metadata().map_or("-", |span| span.name()));
        write!(line, "{}", event.metadata().level()).unwrap();
        event.record(&mut Fields(&mut line));
        self.lines.lock().unwrap().push(line);
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.clone()));
    }

    fn exit(&self, _span: &Id) {
        ENTERED.with_borrow_mut(Vec::pop);
    }

    fn current_span(&self) -> Current {
        ENTERED.with_borrow(|entered| {
            entered.last().map_or_else(Current::none, |id| Current::new(id.clone(), self.metadata(id)))
        })
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

/// The span in which the code runs.
fn current() -> &'static str {
    Span::current().metadata().map_or("-", |span| span.name())
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Runs the program with a recorder, and returns it.
fn record(program: impl Future<Output = ()>) -> Recorder {
    let recorder = Recorder::default();
    let dispatch = Dispatch::new(recorder.clone());
    tracing::dispatcher::with_default(&dispatch, || current_thread().block_on(program));
    recorder
}

#[test]
fn events_are_reported_on_tracing_in_the_span_of_the_owner() {
    let lines = stderr_of("spans::events_are_reported_on_tracing_in_the_span_of_the_owner", || {
        let recorder = record(async {
            let work = async {
                Cleanup::new(ready(Err::<(), _>("reset"))).name("fails").detach();
                Cleanup::new(pending::<Result<(), ()>>()).name("slow").grace_period(Duration::ZERO).detach();
            };
            work.instrument(info_span!("request")).await;
            drain(ENOUGH).await.unwrap();
        });
        let expected = [
            "request ERROR message=cleanup fails failed error=\"reset\"",
            "request WARN message=cleanup slow was abandoned: its grace period elapsed",
        ];
        assert_eq!(recorder.lines(), expected);
    });
    assert!(lines.is_none_or(|lines| lines.is_empty()), "nothing is reported twice");
}

#[test]
fn a_cleanup_is_polled_and_dropped_in_the_span_in_which_it_was_detached() {
    /// Records the span of its drop.
    struct RecordOnDrop(Arc<Mutex<Vec<&'static str>>>);

    impl Drop for RecordOnDrop {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(current());
        }
    }

    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    drop(record(async move {
        let request = info_span!("request");
        let entered = request.enter();
        let on_drop = RecordOnDrop(Arc::clone(&log));
        Cleanup::new(async move {
            let on_drop = on_drop;
            for _ in 0..2 {
                on_drop.0.lock().unwrap().push(current());
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
    }));
    // Twice polled, then dropped by the runtime.
    assert_eq!(*seen.lock().unwrap(), ["request"; 3]);
}

/// A session whose exit records its span.
struct Session(Arc<Mutex<Vec<&'static str>>>);

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

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.0.lock().unwrap().push(current());
        yield_now().await;
        self.0.lock().unwrap().push(current());
        Ok(())
    }
}

#[test]
fn the_exit_of_a_cancelled_scope_runs_in_the_span_of_its_task() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    drop(record(async move {
        let session = Session(log);
        let work = async { async_with!(_ = session => { pending::<()>().await }) };
        let task = tokio::spawn(work.instrument(info_span!("request")));
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        drain(ENOUGH).await.unwrap();
    }));
    assert_eq!(*seen.lock().unwrap(), ["request"; 2]);
}

/// The exit was polled before it was dropped: its rest runs in the span as well.
#[test]
fn the_rest_of_a_cancelled_exit_runs_in_the_span_of_its_task() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    drop(record(async move {
        let session = Session(log);
        let work = async { async_with!(_ = session => { }) };
        let mut work = Box::pin(work.instrument(info_span!("request")));
        assert!(futures::poll!(work.as_mut()).is_pending());
        drop(work);
        drain(ENOUGH).await.unwrap();
    }));
    assert_eq!(*seen.lock().unwrap(), ["request"; 2]);
}

//! The `tracing` spans of scopes.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::yield_now;
use tracing::{Instrument, Level, info_span};
use withal::cleanup::drain;
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Error, ExitReason, Restart, async_with,
    async_with_local, on_exit,
};
use withal::tasks::timeout;
use withal_test_support::span_recorder::SpanRecorder;

const ENOUGH: Duration = Duration::from_secs(60);

/// A resource that logs the spans around each of its steps.
#[derive(Clone)]
struct Traced {
    recorder: SpanRecorder,
    log: Arc<Mutex<Vec<String>>>,
    fails: bool,
}

impl Traced {
    fn new(recorder: SpanRecorder) -> Self {
        Self { recorder, log: Arc::default(), fails: false }
    }

    fn log(&self, step: &str) {
        self.log.lock().unwrap().push(format!("{step}: {}", self.recorder.current_path()));
    }
}

impl AsyncContextManager for Traced {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, &'static str> {
        yield_now().await;
        self.log("enter");
        if self.fails { Err("refused") } else { Ok(self) }
    }
}

impl AsyncGuard for Traced {
    type Target = Self;
    type Error = &'static str;
    type Suppression = ();
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    fn name(&self) -> &'static str {
        "traced"
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), &'static str> {
        yield_now().await;
        self.log("exit");
        Ok(())
    }
}

/// Runs a program with a resource in the span `request`. Returns the log of the resource, and the spans.
fn trace<F: Future<Output = ()>>(program: impl FnOnce(Traced) -> F) -> (Vec<String>, Vec<String>) {
    let mut log = None;
    let recorder = SpanRecorder::record(Level::TRACE, |recorder| {
        let traced = Traced::new(recorder);
        log = Some(Arc::clone(&traced.log));
        let program = program(traced).instrument(info_span!("request"));
        async {
            program.await;
            drain(ENOUGH).await.unwrap();
        }
    });
    assert_eq!(recorder.open(), [""; 0]);
    let log = log.unwrap().lock().unwrap().clone();
    (log, recorder.spans())
}

const WHOLE: [&str; 3] = ["enter: request/scope", "block: request/scope", "exit: request/scope"];

#[test]
fn a_span_covers_the_enter_the_block_and_the_exit() {
    let by_macro = trace(|traced| async move {
        async_with!(traced = traced => { yield_now().await; traced.log("block") }).unwrap();
    });
    let by_function = trace(|traced| async move {
        let scope = async_with(traced, async |traced| {
            yield_now().await;
            traced.log("block");
            Ok::<_, Infallible>(())
        });
        scope.await.unwrap();
    });
    for (log, spans) in [by_macro, by_function] {
        assert_eq!(log, WHOLE);
        assert_eq!(spans, ["request{}", "request/scope{name=traced reason=ok}"]);
    }
}

#[test]
fn spans_nest_as_their_scopes_do() {
    let (log, spans) = trace(|traced| async move {
        async_with!(outer = traced.clone(), inner = traced => {
            outer.log("block");
            yield_now().await;
            async_with!(last = inner.clone() => { last.log("last") }).unwrap();
        })
        .unwrap();
    });
    let expected = [
        "enter: request/scope",
        "enter: request/scope/scope",
        "block: request/scope/scope",
        "enter: request/scope/scope/scope",
        "last: request/scope/scope/scope",
        "exit: request/scope/scope/scope",
        "exit: request/scope/scope",
        "exit: request/scope",
    ];
    assert_eq!(log, expected);
    assert_eq!(spans.len(), 4);
}

#[test]
fn a_span_has_the_reason_of_the_exit() {
    let reason = |program: fn(Traced) -> futures::future::BoxFuture<'static, ()>| {
        let (_, spans) = trace(program);
        spans.into_iter().find(|span| span.contains("name=traced")).unwrap()
    };
    let failed = reason(|traced| {
        Box::pin(async move {
            let failed = async_with(traced, async |_| Err::<(), _>("failed")).await;
            assert!(matches!(failed, Err(Error::Block("failed"))));
        })
    });
    assert_eq!(failed, "request/scope{name=traced reason=error}");
    let panicked = reason(|traced| {
        Box::pin(async move {
            let work = async { async_with!(_ = traced => { panic!("expected in a test") }) };
            assert!(tokio::spawn(work.in_current_span()).await.unwrap_err().is_panic());
        })
    });
    assert_eq!(panicked, "request/scope{name=traced reason=panic}");
    let interrupted = reason(|traced| {
        Box::pin(async move {
            let limit = async_with!(_ = timeout(Duration::from_secs(1)) => {
                async_with!(_ = traced => { pending::<()>().await }).unwrap();
            });
            assert!(limit.is_err());
        })
    });
    assert_eq!(interrupted, "request/scope/scope{name=traced reason=cancelled}");
}

#[test]
fn a_failed_enter_has_a_span() {
    let (log, spans) = trace(|traced| async move {
        let traced = Traced { fails: true, ..traced };
        assert_eq!(async_with!(_ = traced => { }), Err("refused"));
    });
    assert_eq!(log, ["enter: request/scope"]);
    // Without a guard, the name is that of its type.
    assert!(spans[1].ends_with("spans::Traced reason=enter_failed}"), "{spans:?}");
}

/// Dropped at each await, the exit runs in the span of its scope, and each span is closed.
#[test]
fn a_cancelled_scope_exits_in_its_span() {
    for polls in 1..=4 {
        let (log, spans) = trace(|traced| async move {
            let work = async { async_with!(traced = traced => { yield_now().await; traced.log("block") }) };
            let mut work = Box::pin(work);
            for _ in 0..polls {
                let _ = futures::poll!(work.as_mut());
            }
        });
        let expected: &[&str] = match polls {
            1 => &[],
            2 => &["enter: request/scope", "exit: request/scope/cleanup"],
            3 => &["enter: request/scope", "block: request/scope", "exit: request/scope/cleanup"],
            _ => &WHOLE,
        };
        assert_eq!(log, expected, "{polls}");
        let span = match polls {
            // Without a guard, the name is that of its type.
            1 => "spans::Traced reason=cancelled}",
            2 => "request/scope{name=traced reason=cancelled}",
            _ => "request/scope{name=traced reason=ok}",
        };
        assert!(spans[1].ends_with(span), "{polls}: {spans:?}");
    }
}

#[test]
fn local_scopes_and_stacks_have_spans() {
    let (log, spans) = trace(|traced| async move {
        let local = on_exit(std::rc::Rc::new(traced.clone()), async |traced, _| traced.log("exit"));
        let scope = async_with_local(local, async |traced| {
            yield_now().await;
            traced.log("block");
            Ok::<_, Infallible>(())
        });
        scope.await.unwrap();
        let stack = async_with!(stack = AsyncExitStack::new() => {
            let mut entered = stack.enter_async_context(traced).await.unwrap();
            entered.target().log("stack");
        });
        stack.unwrap();
    });
    let expected = [
        "block: request/scope",
        "exit: request/scope",
        // The managers of a stack are in the span of the stack.
        "enter: request/scope",
        "stack: request/scope",
        "exit: request/scope",
    ];
    assert_eq!(log, expected);
    assert_eq!(spans.len(), 3);
}

/// The interrupts of a scope and its span are kept in one place.
#[test]
fn a_scope_with_interrupts_keeps_its_span() {
    let (log, spans) = trace(|traced| async move {
        let limit = async_with!(_ = timeout(Duration::from_secs(60)) => {
            for _ in 0..3 {
                traced.log("block");
                yield_now().await;
            }
        });
        limit.unwrap();
        traced.log("after");
    });
    assert_eq!(
        log,
        ["block: request/scope", "block: request/scope", "block: request/scope", "after: request"]
    );
    assert!(spans[1].ends_with("reason=ok}"), "{spans:?}");
}

#[test]
fn a_scope_without_a_wanted_span_has_none() {
    let recorder = SpanRecorder::record(Level::DEBUG, |recorder| async move {
        let traced = Traced::new(recorder);
        async_with!(traced = traced => { traced.log("block") }).unwrap();
    });
    assert_eq!(recorder.spans(), [""; 0]);
}

/// The recorder asserts on each thread that spans are exited in order.
#[test]
fn spans_are_right_on_several_threads() {
    let recorder = SpanRecorder::new(Level::TRACE);
    let on_worker = recorder.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .on_thread_start(move || on_worker.set_on_this_thread())
        .enable_time()
        .build()
        .unwrap();
    recorder.run(|| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..64)
                .map(|n| {
                    let traced = Traced::new(recorder.clone());
                    let work = async move {
                        async_with!(outer = traced.clone(), inner = traced => {
                            for _ in 0..8 {
                                yield_now().await;
                                assert_eq!(inner.recorder.current_path(), "request/scope/scope");
                            }
                            outer.log("block");
                        })
                        .unwrap();
                    };
                    let task = tokio::spawn(work.instrument(info_span!("request")));
                    if n % 2 == 0 { None } else { Some(task) }
                })
                .collect();
            for task in tasks.into_iter().flatten() {
                task.await.unwrap();
            }
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                yield_now().await;
            }
        });
    });
    drop(runtime);
    assert_eq!(recorder.spans().len(), 64 * 3);
    assert_eq!(recorder.open(), [""; 0]);
}

/// A subscriber that panics once spans of scopes are recorded, entered or exited.
struct Panicking;

impl tracing::Subscriber for Panicking {
    fn enabled(&self, _metadata: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _span: &tracing::span::Id, _values: &tracing::span::Record<'_>) {
        panic!("expected in a test")
    }

    fn record_follows_from(&self, _span: &tracing::span::Id, _follows: &tracing::span::Id) {}

    fn event(&self, _event: &tracing::Event<'_>) {}

    fn enter(&self, _span: &tracing::span::Id) {
        panic!("expected in a test")
    }

    fn exit(&self, _span: &tracing::span::Id) {
        panic!("expected in a test")
    }
}

#[test]
fn a_subscriber_that_panics_loses_no_exit() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dispatch = tracing::Dispatch::new(Panicking);
    tracing::dispatcher::with_default(&dispatch, || {
        runtime.block_on(async {
            let session = on_exit(Arc::clone(&log), async |log, exit| {
                log.lock().unwrap().push(format!("{exit:?}"));
            });
            async_with!(_ = session => { yield_now().await });
        });
    });
    assert_eq!(*log.lock().unwrap(), ["Ok"]);
}

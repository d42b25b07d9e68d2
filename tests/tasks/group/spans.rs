//! The `tracing` spans of groups, in which their tasks run.

use std::future::pending;
use std::time::Duration;

use tokio::task::yield_now;
use tracing::{Instrument, Level, info_span};
use withal::cleanup::drain;
use withal::context::async_with;
use withal::tasks::TaskGroup;
use withal_test_support::span_recorder::SpanRecorder;

/// Records a program in the span `request`, and returns the span of its group.
fn group_span<F: Future<Output = ()>>(program: impl FnOnce(SpanRecorder) -> F) -> String {
    let recorder = SpanRecorder::record(Level::TRACE, |recorder| async {
        program(recorder).instrument(info_span!("request")).await;
        drain(Duration::from_secs(60)).await.unwrap();
    });
    assert_eq!(recorder.open(), [""; 0]);
    recorder.spans().into_iter().find(|span| span.contains("/group{")).unwrap()
}

#[test]
fn the_tasks_of_a_group_run_in_its_span() {
    let span = group_span(|recorder| async move {
        let group = async_with!(group = TaskGroup::<&str>::new() => {
            let spawner = group.spawner();
            let inner = recorder.clone();
            group.create_task(async move {
                yield_now().await;
                assert_eq!(inner.current_path(), "request/scope/group");
                let last = inner.clone();
                let nested = async move { Ok(assert_eq!(last.current_path(), "request/scope/group")) };
                drop(spawner.create_task(nested));
                Ok(())
            });
            yield_now().await;
            assert_eq!(recorder.current_path(), "request/scope");
        });
        group.unwrap();
    });
    assert_eq!(span, "request/scope/group{tasks=2 failed=0 reason=ok}");
}

#[test]
fn the_span_of_a_group_has_its_outcome() {
    let failed = group_span(|_| async {
        let group = async_with!(group = TaskGroup::new() => {
            group.create_task(async { Err::<(), _>("failed") });
            group.create_task(pending::<Result<(), _>>());
        });
        assert!(group.is_err());
    });
    assert_eq!(failed, "request/scope/group{tasks=2 failed=1 reason=error}");
    let cancelled = group_span(|_| async {
        let group = async_with!(group = TaskGroup::<&str>::new() => {
            group.create_task(pending::<Result<(), _>>());
            group.cancel();
        });
        group.unwrap();
    });
    assert_eq!(cancelled, "request/scope/group{tasks=1 failed=0 reason=cancelled}");
    // The exit, which runs as a cleanup, waits for the task.
    let dropped = group_span(|_| async {
        let work = async {
            async_with!(group = TaskGroup::<&str>::new() => {
                group.create_task(pending::<Result<(), _>>());
                pending::<()>().await;
            })
        };
        assert!(futures::poll!(Box::pin(work).as_mut()).is_pending());
    });
    assert_eq!(dropped, "request/scope/group{tasks=1 failed=0 reason=cancelled}");
}

/// A task that was added before the enter runs in no span: the group has none yet.
#[test]
fn a_task_that_is_added_before_the_enter_has_no_span() {
    let span = group_span(|recorder| async move {
        let group = TaskGroup::<&str>::new();
        let early = recorder.clone();
        group.create_task(async move { Ok(assert_eq!(early.current_path(), "-")) });
        async_with!(_ = group => { yield_now().await }).unwrap();
    });
    assert_eq!(span, "request/scope/group{tasks=1 failed=0 reason=ok}");
}

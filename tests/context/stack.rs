//! Exit stacks: the order of exits, the reason that each receives, and the guards that the block borrows.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use withal::cleanup::{CleanupEvent, drain, observe};
use withal::context::{AsyncExitStack, AsyncGuard, Detach, Error, ExitReason, GuardInUse, async_with};
use withal_test_support::event_log::{BlockAt, Blockable, EventLog, kind};
use withal_test_support::probes;

use crate::managers::enters_as_itself;

probes!(Probe: Detach);

/// Pushes an exit that records its reason, and suppresses the error or not.
fn watch(stack: &AsyncExitStack, log: &EventLog, name: &'static str, suppresses: bool) {
    let log = log.clone();
    stack.push_async_exit(async move |exit: ExitReason<'_>| {
        log.record(format_args!("<{name}:{} {name}>", kind(&exit)));
        Ok::<_, Infallible>(suppresses)
    });
}

#[tokio::test]
async fn exits_of_all_kinds_run_last_in_first_out() {
    let log = EventLog::new();
    let record = |entry: &'static str| {
        let log = log.clone();
        move || log.record(entry)
    };
    let result = async_with(AsyncExitStack::new(), async |stack| {
        stack.callback(record("callback"));
        let mut n = stack.enter_async_context(Probe::new(&log, "a")).await?;
        let last = record("async-callback");
        stack.push_async_callback(async move || last());
        watch(stack, &log, "w", false);
        *n.target() += 1;
        Ok::<_, String>(*n.target())
    });
    assert_eq!(result.await.unwrap(), Some(8));
    assert_eq!(log.entries(), "+a <w:ok w> async-callback <a:ok a> callback");
}

#[tokio::test]
async fn a_suppressed_error_is_hidden_from_later_exits() {
    let log = EventLog::new();
    let result = async_with(AsyncExitStack::new(), async |stack| {
        watch(stack, &log, "a", false);
        watch(stack, &log, "b", true);
        watch(stack, &log, "c", false);
        Err::<(), _>("block".to_owned())
    });
    assert_eq!(result.await.unwrap(), None);
    assert_eq!(log.entries(), "<c:error c> <b:error b> <a:ok a>");
}

#[tokio::test]
async fn after_an_enter_that_fails_the_entered_managers_are_exited() {
    struct Refuses;
    impl withal::context::AsyncContextManager for Refuses {
        type Guard = Probe;
        async fn aenter(self) -> Result<Probe, String> {
            Err("refused".to_owned())
        }
    }
    let log = EventLog::new();
    let result = async_with(AsyncExitStack::new(), async |stack| {
        let _a = stack.enter_async_context(Probe::new(&log, "a")).await?;
        let _b = stack.enter_async_context(Refuses).await?;
        Ok::<_, String>(())
    });
    assert!(matches!(result.await, Err(Error::Block(error)) if error == "refused"));
    assert_eq!(log.entries(), "+a <a:error a>");
}

#[derive(Debug)]
struct OfPanickingStack;

fn explode() {
    panic!("exit panics")
}

/// A panic takes precedence over the errors, which are reported.
#[tokio::test]
async fn after_an_exit_that_panics_the_others_still_run() {
    let reported = Arc::new(Mutex::new(0));
    let hook = Arc::clone(&reported);
    let _observer = observe(move |event| {
        if let CleanupEvent::Failed { error, .. } = event {
            *hook.lock().unwrap() += usize::from(error.is::<OfPanickingStack>());
        }
    });
    let log = EventLog::new();
    let l = log.clone();
    let task = tokio::spawn(async move {
        let stack = AsyncExitStack::new();
        watch(&stack, &l, "a", true);
        stack.callback(explode);
        stack.callback(|| Err(OfPanickingStack));
        stack.aclose().await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(log.entries(), "<a:panic a>");
    assert_eq!(*reported.lock().unwrap(), 1);
}

#[tokio::test]
async fn after_pop_all_the_entered_managers_outlive_the_block() {
    let log = EventLog::new();
    let kept = async_with(AsyncExitStack::new(), async |stack| {
        let mut a = stack.enter_async_context(Probe::new(&log, "a")).await?;
        let kept = stack.pop_all();
        assert_eq!(*a.target(), 7, "the guard is still borrowed");
        Ok::<_, String>(kept)
    });
    let kept = kept.await.unwrap().unwrap();
    assert_eq!(log.entries(), "+a");
    assert_eq!(format!("{kept:?}"), "AsyncExitStack { len: 1, .. }");
    kept.aclose().await.unwrap();
    assert_eq!(log.entries(), "+a <a:ok a>");
}

#[tokio::test]
async fn several_errors_are_returned_together() {
    let stack = AsyncExitStack::new();
    stack.callback(|| Err("first in"));
    stack.push_async_callback(async || Err(7_u8));
    let mut errors = stack.aclose().await.unwrap_err();
    assert_eq!((errors.len(), errors.to_string().as_str()), (2, "2 exits failed: first in; 7"));
    assert_eq!(errors.downcast_mut::<&str>(), Some(&mut "first in"));
    assert_eq!(errors.downcast_mut::<String>(), None);
    let errors = errors.into_vec();
    assert!(errors[0].is::<&str>() && errors[1].is::<u8>(), "the last error is first");
}

#[tokio::test]
async fn an_aclose_that_is_dropped_continues() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    drop(stack.enter_async_context(Probe::new(&log, "a")).await.unwrap());
    drop(stack.enter_async_context(Probe::new(&log, "a.b").block_at(BlockAt::InExit)).await.unwrap());
    let mut closing = Box::pin(stack.aclose());
    for _ in 0..5 {
        assert!(futures::poll!(&mut closing).is_pending());
    }
    drop(closing);
    log.open_gate();
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:ok a.b> <a:ok a>");
}

#[tokio::test]
async fn a_guard_that_was_forgotten_is_in_use() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    std::mem::forget(stack.enter_async_context(Probe::new(&log, "a")).await.unwrap());
    watch(&stack, &log, "w", false);
    let mut errors = stack.aclose().await.unwrap_err();
    assert_eq!(
        errors.downcast_mut::<GuardInUse>().unwrap().to_string(),
        "the guard is still in use: drop its `StackGuard` before the stack is exited"
    );
    assert_eq!(log.entries(), "+a <w:ok w>");
}

#[tokio::test]
async fn guards_can_be_used_together_and_across_awaits() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    let log = EventLog::new();
    let work = async {
        async_with!(stack = AsyncExitStack::new() => {
            let mut a = stack.enter_async_context(Probe::new(&log, "a")).await?;
            let mut b = stack.enter_async_context(Probe::new(&log, "b")).await?;
            std::mem::swap(a.target(), b.target());
            tokio::task::yield_now().await;
            *a.target() + *b.target()
        })
        .map_err(|errors| errors.to_string())
    };
    let sum: Result<Option<u32>, String> = is_send(work).await;
    assert_eq!(sum, Ok(Some(14)));
}

/// Exits that are abandoned are dropped in the order in which they would run.
#[test]
fn an_abandoned_stack_is_dropped_last_in_first_out() {
    withal_test_support::expect_reports("AsyncExitStack was abandoned: no runtime to spawn it on");
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    futures::executor::block_on(async {
        for name in ["a", "b"] {
            let entered = stack.enter_async_context(Probe::new(&log, name));
            drop(entered.await.unwrap());
        }
    });
    drop(stack);
    assert_eq!(log.entries(), "+a +b ~b ~a");
}

/// Its exit never completes if the last field is `true`. A type with a name, for observers to recognize.
struct Hangs(EventLog, &'static str, bool);

enters_as_itself!(Hangs: Infallible);

impl AsyncGuard for Hangs {
    type Target = bool;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut bool {
        &mut self.2
    }
    fn grace_period(&self) -> Duration {
        Duration::from_millis(20)
    }
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.0.record(format_args!("<{}", self.1));
        if self.2 {
            std::future::pending::<()>().await;
        }
        self.0.record(format_args!("{}>", self.1));
        Ok(())
    }
}

async fn hanging(log: &EventLog) -> AsyncExitStack {
    let stack = AsyncExitStack::new();
    for (name, hangs) in [("a", false), ("b", true), ("c", false)] {
        drop(stack.enter_async_context(Hangs(log.clone(), name, hangs)).await.unwrap());
    }
    stack
}

/// The stack is dropped in its block, in its exit, and outside of a block.
#[tokio::test]
async fn after_an_exit_that_hangs_in_a_cleanup_the_others_still_run() {
    let abandoned = Arc::new(Mutex::new(0));
    let hook = Arc::clone(&abandoned);
    let _observer = observe(move |event| {
        if event.name().ends_with("Hangs") {
            *hook.lock().unwrap() += usize::from(matches!(event, CleanupEvent::Abandoned { .. }));
        }
    });
    let logs = [(); 3].map(|()| EventLog::new());
    let in_block =
        async_with(hanging(&logs[0]).await, async |_| std::future::pending::<Result<(), String>>().await);
    let mut in_block = Box::pin(in_block);
    let mut in_exit = Box::pin(hanging(&logs[1]).await.aclose());
    assert!(futures::poll!(&mut in_block).is_pending());
    assert!(futures::poll!(&mut in_exit).is_pending());
    drop((in_block, in_exit, hanging(&logs[2]).await));
    drain(Duration::from_secs(60)).await.unwrap();
    for log in &logs {
        assert_eq!(log.entries(), "<c c> <b <a a>");
    }
    assert_eq!(*abandoned.lock().unwrap(), 3);
}

/// A grace period applies only to an exit in a cleanup.
#[tokio::test]
async fn an_exit_that_is_awaited_has_no_time_limit() {
    withal_test_support::expect_reports("stack::Hangs was abandoned: its grace period elapsed");
    let log = EventLog::new();
    let mut closing = Box::pin(hanging(&log).await.aclose());
    let waited = tokio::time::timeout(Duration::from_millis(60), &mut closing).await;
    assert!(waited.is_err(), "the exit hangs");
    drop(closing);
    drain(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn a_stack_that_is_moved_out_of_its_block_exits_as_a_cleanup() {
    let log = EventLog::new();
    let done = async_with(AsyncExitStack::new(), async |stack| {
        drop(stack.enter_async_context(Probe::new(&log, "a")).await?);
        drop(std::mem::take(stack));
        drop(stack.enter_async_context(Probe::new(&log, "b")).await?);
        *stack = AsyncExitStack::new();
        watch(stack, &log, "w", false);
        Ok::<_, String>(())
    });
    done.await.unwrap();
    let entries = log.entries();
    assert!(entries.contains("<a:cancelled") && entries.contains(" a>"), "{entries}");
    assert!(entries.ends_with(" <b:cancelled b> <w:ok w>"), "{entries}");
}

#[tokio::test]
async fn a_guard_in_use_when_its_stack_is_closed_is_exited_when_it_is_dropped() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    let guard = stack.enter_async_context(Probe::new(&log, "a")).await.unwrap();
    let mut errors = stack.pop_all().aclose().await.unwrap_err();
    assert!(errors.downcast_mut::<GuardInUse>().is_some());
    assert_eq!(log.entries(), "+a");
    drop(guard);
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(log.entries(), "+a <a:cancelled a>");
}

/// An error and a payload whose destructor panics.
#[derive(Debug)]
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

#[tokio::test]
async fn a_suppressed_error_whose_destructor_panics() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    let l = log.clone();
    stack.callback(move || l.record("first"));
    stack.push_async_exit(async |_: ExitReason<'_>| Ok::<_, Infallible>(true));
    stack.callback(|| Err::<(), _>(PanicsInDrop));
    stack.aclose().await.unwrap();
    assert_eq!(log.entries(), "first");
}

fn second() {
    panic!("second");
}

fn third() {
    std::panic::panic_any(PanicsInDrop);
}

#[tokio::test]
async fn the_first_of_several_panics_continues_and_the_others_are_reported() {
    let reported = Arc::new(Mutex::new(Vec::new()));
    let r = Arc::clone(&reported);
    let _observer = withal::cleanup::observe(move |event| {
        // Observers see the events of other tests as well.
        if matches!(event, CleanupEvent::Panicked { payload, .. } if payload.is::<PanicsInDrop>()) {
            r.lock().unwrap().push(event.to_string());
        }
    });
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    let l = log.clone();
    stack.callback(move || l.record("first"));
    // The destructor of its payload panics, too.
    stack.callback(third);
    stack.callback(second);
    let panic = std::panic::AssertUnwindSafe(stack.aclose()).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"second"));
    assert_eq!(log.entries(), "first");
    assert_eq!(reported.lock().unwrap().len(), 1);
}

/// The text and the source of the errors of a stack.
mod text {
    use std::error::Error;
    use std::io;

    use withal::context::AsyncExitStack;
    use withal::tasks::BoxError;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot log out")]
    struct LogoutError(#[source] io::Error);

    fn failed() -> LogoutError {
        LogoutError(io::Error::other("reset"))
    }

    #[tokio::test]
    async fn the_text_counts_the_exits_and_names_their_errors_and_causes() {
        let stack = AsyncExitStack::new();
        stack.callback(|| Err::<(), _>("a text"));
        let errors = stack.aclose().await.unwrap_err();
        assert_eq!(errors.to_string(), "an exit failed: a text");
        assert_eq!(errors.source().unwrap().to_string(), "a text");

        let stack = AsyncExitStack::new();
        stack.callback(|| Err::<(), _>(7));
        stack.callback(|| Err::<(), _>(io::Error::other("closed")));
        stack.callback(|| Err::<(), _>(BoxError::from(failed())));
        let errors = stack.aclose().await.unwrap_err();
        assert_eq!(errors.to_string(), "3 exits failed: 7; closed; cannot log out: reset");
        assert_eq!(errors.source().unwrap().to_string(), "7");
    }

    #[tokio::test]
    async fn a_stack_in_a_stack_is_written_once() {
        let inner = AsyncExitStack::new();
        inner.callback(|| Err::<(), _>(BoxError::from(failed())));
        let outer = AsyncExitStack::new();
        outer.push_async_callback(|| inner.aclose());
        let errors = outer.aclose().await.unwrap_err();
        let text = "an exit failed: an exit failed: cannot log out: reset";
        assert_eq!(errors.to_string(), text);
        let boxed = BoxError::from(errors);
        let stack = AsyncExitStack::new();
        stack.callback(|| Err::<(), _>(boxed));
        assert_eq!(stack.aclose().await.unwrap_err().to_string(), format!("an exit failed: {text}"));
    }

    #[tokio::test]
    async fn the_text_follows_a_change_of_an_error() {
        let stack = AsyncExitStack::new();
        stack.callback(|| Err::<(), _>(1));
        let mut errors = stack.aclose().await.unwrap_err();
        assert_eq!(errors.to_string(), "an exit failed: 1");
        *errors.downcast_mut().unwrap() = 2;
        assert_eq!(errors.to_string(), "an exit failed: 2");
    }

    #[tokio::test]
    async fn an_anyhow_main_shows_the_errors_and_a_text_is_cut_off() {
        let stack = AsyncExitStack::new();
        stack.callback(|| Err::<(), _>(BoxError::from(failed())));
        let report = format!("{:#}", anyhow::Error::from(stack.aclose().await.unwrap_err()));
        assert_eq!(report, "an exit failed: cannot log out: reset: cannot log out: reset");
        let stack = AsyncExitStack::new();
        for _ in 0..100 {
            stack.callback(|| Err::<(), _>("x".repeat(1_000)));
        }
        let text = stack.aclose().await.unwrap_err().to_string();
        assert!(text.starts_with("100 exits failed: x") && text.ends_with(" ..") && text.len() < 2_100);
    }
}

//! Programs that are dropped at every await: every scope that was entered is exited, tasks end before their scope continues,
//! and no task is left.
//!
//! The names show the nesting: `a.group.one` is in a task of the group in the scope `a.group`, which is in `a`.

mod programs;

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::yield_now;
use withal::cleanup::drain;
use withal::context::async_with;
use withal::tasks::{create_task, gather};

use self::programs::Detached;
use withal::testing::cancel_at_every_await;
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};

const ENOUGH: Duration = Duration::from_secs(60);

type Output = Result<u32, String>;

/// Polls a future in each iteration of the runtime, so that it can be dropped in every state of its tasks. After 40 iterations
/// it stops waking itself, so that a paused clock can advance.
async fn poll_every_iteration<F: Future>(future: F) -> F::Output {
    let (mut future, mut iterations) = (pin!(future), 0..40);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() && iterations.next().is_some() {
            cx.waker().wake_by_ref();
        }
        polled
    })
    .await
}

/// Drops the program at each await. Returns the number of drops.
async fn drop_at_each_poll<P: Future<Output = Output>>(
    program: fn(EventLog) -> P,
    expected: Output,
    is_alone: bool,
) -> usize {
    let current = Arc::new(Mutex::new(EventLog::new()));
    let program = || {
        let log = EventLog::new();
        *current.lock().unwrap() = log.clone();
        poll_every_iteration(program(log))
    };
    let check = async |output: Option<Output>| {
        drain(ENOUGH).await.unwrap();
        current.lock().unwrap().check(&[]);
        if is_alone {
            // The last cleanup is dropped just after it is counted as finished.
            yield_now().await;
            assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "no task is left");
        }
        if let Some(output) = output {
            assert_eq!(output, expected);
        }
    };
    cancel_at_every_await(program).check(check).await
}

/// Runs the program as a task that is cancelled after its first step, its second, and so on. When the task has ended,
/// everything inside it has.
async fn cancel_at_each_step<P>(program: fn(EventLog) -> P, expected: Output)
where
    P: Future<Output = Output> + Send + 'static,
{
    for steps in 0..40 {
        let log = EventLog::new();
        let task = create_task(program(log.clone()));
        for _ in 0..steps {
            yield_now().await;
        }
        task.cancel();
        let result = task.await;
        log.check(&[]);
        match result {
            Err(error) if error.is_cancelled() => {}
            result => assert_eq!(result.map_err(|error| error.into_raised().unwrap()), expected),
        }
    }
}

/// Tests each program in each way. A program awaits the enters and exits of at least two scopes.
macro_rules! tests {
    ($($program:ident: $expected:expr;)+) => {$(
        mod $program {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn dropped_at_every_await() {
                withal_test_support::expect_reports("the error of the block of a dropped scope was lost: failed");
                withal_test_support::expect_reports("TaskGroup failed: 2 of 3 tasks failed: failed; failed");
                let drops = drop_at_each_poll(programs::$program, $expected, true).await;
                assert!(drops > 3, "{drops} drops");
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn dropped_on_several_threads() {
                drop_at_each_poll(programs::$program, $expected, false).await;
            }

            #[tokio::test(start_paused = true)]
            async fn cancelled_as_a_task() {
                withal_test_support::expect_reports("the error of the block of a dropped scope was lost: failed");
                withal_test_support::expect_reports("TaskGroup failed: 2 of 3 tasks failed: failed; failed");
                cancel_at_each_step(programs::$program, $expected).await;
            }
        }
    )+};
}

tests! {
    plain: Ok(14);
    of_one: Ok(7);
    by_the_function: Ok(14);
    nested: Ok(14);
    failing: Err("failed".to_owned());
    made_by_tasks: Ok(7);
    limited: Ok(7);
    limited_group: Ok(7);
    gathered: Ok(14);
    shielded: Ok(14);
    waited_for: Ok(14);
    completed: Ok(14);
    tasks_completed: Ok(14);
    on_threads: Ok(14);
}

/// Polls a future a few times, and drops it.
async fn poll_then_drop(future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..5 {
        assert!(futures::poll!(&mut future).is_pending());
        yield_now().await;
    }
}

#[tokio::test]
async fn a_scope_waits_for_the_tasks_of_a_dropped_gather() {
    let log = EventLog::new();
    async_with!(_a = Detached::new(&log, "a") => {
        let blocked = Detached::new(&log, "a.b").block_at(BlockAt::InExit);
        let task = create_task(async { async_with!(_b = blocked => { pending::<Output>().await? }) });
        poll_then_drop(gather([task])).await;
        log.record("continues");
        log.open_gate();
    })
    .unwrap();
    assert_eq!(log.entries(), "+a +a.b continues <a.b:cancelled a.b> <a:ok a>");
}

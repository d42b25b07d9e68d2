//! Dropped at every await: all that was entered is exited, tasks end before the scope that they are in goes on, and none is
//! left.
//!
//! A name says what is inside of what: `a.group.one` is in a task of the group in the scope `a.group`, which is in `a`.

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
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};
use withal_test_support::poll_then_drop::drop_at_every_await;

const ENOUGH: Duration = Duration::from_secs(60);

type Outcome = Result<u32, String>;

/// Polls a future in each turn of the runtime, so that it is dropped in whichever state its tasks are. After some turns it
/// rests, for a clock that is paused to go on.
async fn restless<F: Future>(future: F) -> F::Output {
    let (mut future, mut turns) = (pin!(future), 0..40);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() && turns.next().is_some() {
            cx.waker().wake_by_ref();
        }
        polled
    })
    .await
}

/// Dropped after its first poll, its second, and so on. Gives how often.
async fn dropped<P: Future<Output = Outcome>>(
    program: fn(EventLog) -> P,
    expected: Outcome,
    is_alone: bool,
) -> usize {
    let current = Arc::new(Mutex::new(EventLog::new()));
    let program = || {
        let log = EventLog::new();
        *current.lock().unwrap() = log.clone();
        restless(program(log))
    };
    let check = async |output: Option<Outcome>| {
        drain(ENOUGH).await.unwrap();
        current.lock().unwrap().check(&[]);
        if is_alone {
            // The last cleanup is over when it says so, and is dropped then.
            yield_now().await;
            assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "no task is left");
        }
        if let Some(output) = output {
            assert_eq!(output, expected);
        }
    };
    drop_at_every_await(program, check).await
}

/// As a task that is cancelled after its first step, its second, and so on: when that is over, so is all inside.
async fn cancelled<P>(program: fn(EventLog) -> P, expected: Outcome)
where
    P: Future<Output = Outcome> + Send + 'static,
{
    for steps in 0..40 {
        let log = EventLog::new();
        let task = create_task(program(log.clone()));
        for _ in 0..steps {
            yield_now().await;
        }
        task.cancel();
        let outcome = task.await;
        log.check(&[]);
        match outcome {
            Err(error) if error.is_cancelled() => {}
            outcome => assert_eq!(outcome.map_err(|error| error.into_raised().unwrap()), expected),
        }
    }
}

/// Each program in each way. It awaits the enters and the exits of two scopes at least.
macro_rules! tests {
    ($($program:ident: $expected:expr;)+) => {$(
        mod $program {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn dropped_at_every_await() {
                let drops = dropped(programs::$program, $expected, true).await;
                assert!(drops > 3, "{drops} drops");
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn dropped_on_several_threads() {
                dropped(programs::$program, $expected, false).await;
            }

            #[tokio::test(start_paused = true)]
            async fn cancelled_as_a_task() {
                cancelled(programs::$program, $expected).await;
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

/// Polls a future until it waits, and drops it.
async fn drop_in_the_middle(future: impl Future) {
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
        let stuck = Detached::new(&log, "a.b").block_at(BlockAt::InExit);
        let task = create_task(async { async_with!(_b = stuck => { pending::<Outcome>().await? }) });
        drop_in_the_middle(gather([task])).await;
        log.record("goes-on");
        log.open_gate();
    })
    .unwrap();
    assert_eq!(log.entries(), "+a +a.b goes-on <a.b:cancelled a.b> <a:ok a>");
}

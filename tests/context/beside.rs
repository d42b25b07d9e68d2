//! The function of an `asynccontextmanager` is polled beside the block, and can interrupt it.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, interval, sleep};
use withal::context::{AsyncExitStack, ExitKind, async_with, asynccontextmanager};
use withal::tasks::{TaskGroup, TimeoutError, timeout};
use withal_test_support::event_log::EventLog;

const LIMIT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_timeout_around_the_yield_interrupts_the_block() {
    let begin = Instant::now();
    let limited = asynccontextmanager(async |y| async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; }));
    let ended = async_with!(_ = limited => { sleep(LONG).await });
    assert_eq!((ended, begin.elapsed()), (Err(TimeoutError::Elapsed), LIMIT));
}

#[tokio::test(start_paused = true)]
async fn a_block_that_ends_in_time_completes() {
    let limited = asynccontextmanager(async |y| async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; }));
    assert_eq!(async_with!(_ = limited => { sleep(LIMIT / 2).await; 7 }), Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_passes_through_two_functions_and_a_stack() {
    let begin = Instant::now();
    let inner = asynccontextmanager(async |y| async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; }));
    let outer = asynccontextmanager(async |y| async_with!(_ = inner => { y.yield_(()).await; }));
    let mut ended = async_with!(stack = AsyncExitStack::new() => {
        let _entered = stack.enter_async_context(outer).await.unwrap();
        sleep(LONG).await;
    });
    let error = ended.as_mut().err().and_then(|error| error.downcast_mut());
    assert_eq!((error, begin.elapsed()), (Some(&mut TimeoutError::Elapsed), LIMIT));
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_around_the_yield_interrupts_the_block() {
    let grouped = asynccontextmanager(async |y| {
        async_with!(group = TaskGroup::new() => {
            drop(group.create_task(async { sleep(LIMIT).await; Err::<(), _>("task") }));
            y.yield_(()).await;
        })
    });
    let begin = Instant::now();
    let ended = async_with!(_ = grouped => { sleep(LONG).await });
    assert_eq!((ended.unwrap_err().errors(), begin.elapsed()), (&["task"][..], LIMIT));
}

#[tokio::test(start_paused = true)]
async fn work_beside_the_yield_continues_while_the_block_runs() {
    let log = EventLog::new();
    let l = log.clone();
    let lease = asynccontextmanager(async move |y| {
        let mut heartbeats = interval(LIMIT);
        let lent = y.yield_(());
        tokio::pin!(lent);
        let ((), exit) = loop {
            tokio::select! {
                reply = &mut lent => break reply,
                _ = heartbeats.tick() => l.record("beat"),
            }
        };
        l.record(if exit == ExitKind::Ok { "ok" } else { "not ok" });
        Ok::<_, TimeoutError>(())
    });
    assert_eq!(async_with!(_ = lease => { sleep(LIMIT * 2 + LIMIT / 2).await; 7 }), Ok(7));
    assert_eq!(log.entries(), "beat beat beat ok");
}

#[tokio::test(start_paused = true)]
async fn the_block_ends_before_the_exits_of_a_function_that_has_left_its_yield() {
    let log = EventLog::new();
    let l = log.clone();
    let limited = asynccontextmanager(async move |y| {
        let result = async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; });
        sleep(LONG).await;
        l.record("exited");
        result
    });
    let ended = async_with!(_ = limited => { sleep(LONG / 2).await; log.record("block") });
    assert_eq!(ended, Err(TimeoutError::Elapsed));
    assert_eq!(log.entries(), "exited");
}

#[tokio::test(start_paused = true)]
async fn a_function_that_leaves_its_yield_may_suppress_the_interrupt() {
    let limited = asynccontextmanager(async |y| {
        let in_time = tokio::time::timeout(LIMIT, y.yield_(())).await.is_ok();
        Ok::<_, TimeoutError>(!in_time)
    });
    assert_eq!(async_with!(_ = limited => { sleep(LONG).await }), Ok(None));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "without an error or suppression")]
async fn a_function_that_leaves_its_yield_and_returns_ok_panics() {
    let limited = asynccontextmanager(async |y| {
        let _ = tokio::time::timeout(LIMIT, y.yield_(())).await;
        Ok::<_, TimeoutError>(())
    });
    let _ = async_with!(_ = limited => { sleep(LONG).await });
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "beside the block")]
async fn a_panic_beside_the_block_continues_after_the_exit() {
    let panics = asynccontextmanager(async |y| {
        tokio::select! {
            _ = y.yield_(()) => {}
            () = sleep(LIMIT) => panic!("beside the block"),
        }
        Ok::<_, TimeoutError>(())
    });
    let _ = async_with!(_ = panics => { sleep(LONG).await });
}

#[tokio::test(start_paused = true)]
async fn the_function_of_a_cancelled_block_continues_as_a_cleanup() {
    let log = EventLog::new();
    let l = log.clone();
    let limited = asynccontextmanager(async move |y| {
        let result = async_with!(_ = timeout(LONG) => { y.yield_(()).await.1 });
        sleep(LIMIT).await;
        l.record(format_args!("{result:?}"));
        Ok::<_, TimeoutError>(())
    });
    let work = async { async_with!(_ = limited => { pending::<()>().await }) };
    assert!(tokio::time::timeout(LIMIT, work).await.is_err());
    withal::cleanup::drain(LONG).await.unwrap();
    assert_eq!(log.entries(), "Ok(Cancelled)");
}

/// An `asynccontextmanager` that limits nothing can be entered where no scope is being entered, also inside another one.
#[tokio::test]
async fn a_nested_function_without_a_limit_is_entered_without_a_scope() {
    let inner = asynccontextmanager(async |y| {
        let (_value, _exit) = y.yield_(7).await;
        Ok::<(), Infallible>(())
    });
    let outer = asynccontextmanager(async move |y| {
        async_with!(n = inner => {
            y.yield_(*n).await;
        });
        Ok::<(), Infallible>(())
    });
    let stack = AsyncExitStack::new();
    let mut guard = stack.enter_async_context(outer).await.unwrap();
    assert_eq!(*guard.target(), 7);
    drop(guard);
    stack.aclose().await.unwrap();
}

/// A function that is always ready beside its block ends neither the polls of the block nor the time limit around it.
#[tokio::test(start_paused = true)]
async fn a_function_that_is_always_ready_does_not_starve_its_block() {
    let mut polls = 0_u32;
    let busy = asynccontextmanager(async move |y| {
        let lent = y.yield_(());
        tokio::pin!(lent);
        loop {
            polls += 1;
            // Guards the test against a hang.
            assert!(polls < 100_000, "the function runs without a break");
            tokio::select! {
                biased;
                _ = &mut lent => break,
                () = tokio::task::consume_budget() => {}
            }
        }
        Ok::<(), Infallible>(())
    });
    let value = async_with!(_ = busy => {
        for _ in 0..3 {
            yield_now().await;
        }
        "done"
    });
    assert_eq!(value, "done");
}

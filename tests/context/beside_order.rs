//! A function that ends its block leaves its own scopes after the block: exits run innermost first, as if the scopes of
//! the function were written around the block.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, EitherManager, Error, ExitKind, async_with,
    asynccontextmanager, decorate, on_exit,
};
use withal::tasks::{TaskGroup, Timeout, TimeoutError, timeout};
use withal_test_support::event_log::EventLog;

use crate::managers::MoveOn;

const LIMIT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(1);

/// A manager whose exit awaits.
fn resource(
    log: &EventLog,
    name: &'static str,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send>
+ Send
+ use<> {
    let log = log.clone();
    on_exit((), async move |(), _exit: ExitKind| {
        log.record(format_args!("<{name}"));
        yield_now().await;
        log.record(format_args!("{name}>"));
    })
}

/// A local variable whose destructor is recorded.
struct Local(EventLog);

impl Drop for Local {
    fn drop(&mut self) {
        self.0.record("local");
    }
}

/// A manager that lends nothing and fails with a timeout.
trait Limited:
    AsyncContextManager<Guard: AsyncGuard<Target = (), Error = TimeoutError, Suppression = ()> + Send>
    + Send
    + 'static
{
}

impl<M> Limited for M where
    M: AsyncContextManager<Guard: AsyncGuard<Target = (), Error = TimeoutError, Suppression = ()> + Send>
        + Send
        + 'static
{
}

/// Wraps the manager in a function with a resource.
fn within<M: Limited>(manager: M, log: &EventLog, name: &'static str) -> impl Limited + use<M> {
    let resource = resource(log, name);
    asynccontextmanager(async move |y| {
        async_with!(_ = resource => {
            async_with!(_ = manager => { y.yield_(()).await; })
        })
    })
}

/// A function with a limit around its yield, in a resource.
fn limited(log: &EventLog) -> impl Limited + use<> {
    let (resource, log) = (resource(log, "a"), log.clone());
    asynccontextmanager(async move |y| {
        async_with!(_ = resource => {
            async_with!(_ = timeout(LIMIT) => {
                let _local = Local(log);
                y.yield_(()).await;
            })?;
        });
        Ok(())
    })
}

/// The same with the function `async_with`.
fn limited_by_the_function(log: &EventLog) -> impl Limited + use<> {
    let (resource, log) = (resource(log, "a"), log.clone());
    asynccontextmanager(async move |y| {
        let in_resource = async_with(resource, async move |()| {
            let in_time = async_with(timeout(LIMIT), async move |_| {
                let _local = Local(log);
                y.yield_(()).await;
                Ok::<(), Infallible>(())
            });
            in_time.await.map_err(|error| match error {
                Error::Exit { error, .. } => error,
                _ => unreachable!("the timeout is entered, and the yield does not fail"),
            })
        });
        in_resource.await.map_err(Error::into_inner)
    })
}

/// The same with a stack.
fn limited_by_a_stack(log: &EventLog) -> impl Limited + use<> {
    let (resource, log) = (resource(log, "a"), log.clone());
    asynccontextmanager(async move |y| {
        let ended = async_with!(stack = AsyncExitStack::new() => {
            let _resource = stack.enter_async_context(resource).await.unwrap();
            let _limit = stack.enter_async_context(timeout(LIMIT)).await.unwrap();
            let _local = Local(log);
            y.yield_(()).await;
        });
        ended.map(drop).map_err(|mut errors| *errors.downcast_mut::<TimeoutError>().unwrap())
    })
}

/// Enters the manager around a block with a resource that never completes.
async fn run(manager: impl Limited, log: &EventLog) -> Result<(), TimeoutError> {
    async_with!(_ = manager => {
        async_with!(_ = resource(log, "block") => { pending::<()>().await });
    })
}

#[tokio::test(start_paused = true)]
async fn the_exits_of_nested_functions_run_innermost_first() {
    for depth in 1..=3 {
        for form in 0..3 {
            let (log, begin) = (EventLog::new(), Instant::now());
            macro_rules! check {
                ($manager:expr) => {
                    match depth {
                        1 => run($manager, &log).await,
                        2 => run(within($manager, &log, "b"), &log).await,
                        _ => run(within(within($manager, &log, "b"), &log, "c"), &log).await,
                    }
                };
            }
            let ended = match form {
                0 => check!(limited(&log)),
                1 => check!(limited_by_the_function(&log)),
                _ => check!(limited_by_a_stack(&log)),
            };
            assert_eq!((ended, begin.elapsed()), (Err(TimeoutError::Elapsed), LIMIT));
            let expected = ["<block block> local <a a>", " <b b>", " <c c>"];
            assert_eq!(log.entries(), expected[..depth].concat(), "depth {depth}, form {form}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_exits_run_innermost_first_in_each_form_of_the_outer_scope() {
    const EXPECTED: &str = "<block block> local <a a>";
    // The function.
    let log = EventLog::new();
    let ended = async_with(within(limited(&log), &log, "b"), async |()| {
        async_with(resource(&log, "block"), async |()| pending::<Result<(), Infallible>>().await).await
    });
    assert!(matches!(ended.await, Err(Error::Exit { error: TimeoutError::Elapsed, .. })));
    assert_eq!(log.entries(), format!("{EXPECTED} <b b>"));
    // Decorated.
    let log = EventLog::new();
    let block = async |()| {
        async_with(resource(&log, "block"), async |()| pending::<Result<(), Infallible>>().await).await
    };
    let ended = decorate(|| limited(&log), block).call(()).await;
    assert!(matches!(ended, Err(Error::Exit { error: TimeoutError::Elapsed, .. })));
    assert_eq!(log.entries(), EXPECTED);
    // A stack, on which the function is the first.
    let log = EventLog::new();
    let mut ended = async_with!(stack = AsyncExitStack::new() => {
        let _limited = stack.enter_async_context(limited(&log)).await.unwrap();
        let _above = stack.enter_async_context(resource(&log, "above")).await.unwrap();
        async_with!(_ = resource(&log, "block") => { pending::<()>().await });
    });
    assert_eq!(ended.as_mut().unwrap_err().downcast_mut::<TimeoutError>(), Some(&mut TimeoutError::Elapsed));
    assert_eq!(log.entries(), "<block block> <above above> local <a a>");
    // One of two, and optional.
    let log = EventLog::new();
    let manager = EitherManager::<_, Timeout>::First(Some(limited(&log)));
    let ended = async_with!(_ = manager => {
        async_with!(_ = resource(&log, "block") => { pending::<()>().await });
    });
    assert!(ended.is_err());
    assert_eq!(log.entries(), EXPECTED);
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_and_an_interrupt_of_the_user_exit_innermost_first() {
    let log = EventLog::new();
    let (a, l) = (resource(&log, "a"), log.clone());
    let grouped = asynccontextmanager(async move |y| {
        async_with!(_ = a => {
            async_with!(group = TaskGroup::new() => {
                drop(group.create_task(async { sleep(LIMIT).await; Err::<(), _>("task") }));
                let _local = Local(l);
                y.yield_(()).await;
            })
        })
    });
    let ended = async_with!(_ = grouped => { async_with!(_ = resource(&log, "block") => { pending::<()>().await }); });
    assert_eq!(ended.unwrap_err().errors(), ["task"]);
    assert_eq!(log.entries(), "<block block> local <a a>");

    let log = EventLog::new();
    let (a, l) = (resource(&log, "a"), log.clone());
    let interrupted = asynccontextmanager(async move |y| {
        async_with!(_ = a => {
            async_with!(_ = MoveOn(LIMIT) => {
                let _local = Local(l);
                y.yield_(()).await;
            })
        })
        .map(|completed| completed.is_none())
    });
    let ended = async_with!(_ = interrupted => {
        async_with!(_ = resource(&log, "block") => { pending::<()>().await });
    });
    assert_eq!(ended, Ok(None));
    assert_eq!(log.entries(), "<block block> local <a a>");
}

/// The first of two limits ends the block, and the exits between them are innermost first.
#[tokio::test(start_paused = true)]
async fn of_two_limits_around_the_yield_either_may_end_the_block() {
    withal_test_support::expect_reports("the error of the block of a dropped scope was lost");
    for (outer, inner, expected) in [
        (LIMIT, LONG, "<block block> <a cancelled a>"),
        (LONG, LIMIT, "<block block> <a error a>"),
        (LIMIT, LIMIT, "<block block> <a error a>"),
    ] {
        let (log, begin) = (EventLog::new(), Instant::now());
        let l = log.clone();
        let limited = asynccontextmanager(async move |y| {
            async_with!(_ = timeout(outer) => {
                let between = on_exit((), async move |(), exit: ExitKind| {
                    let kind = if exit.is_cancelled() { "cancelled" } else { "error" };
                    l.record(format_args!("<a {kind}"));
                    yield_now().await;
                    l.record("a>");
                });
                let ended = async_with!(_ = between => {
                    async_with!(_ = timeout(inner) => { y.yield_(()).await; })
                });
                ended?;
                Ok::<(), TimeoutError>(())
            })?
        });
        assert_eq!(run(limited, &log).await, Err(TimeoutError::Elapsed));
        assert_eq!((log.entries(), begin.elapsed()), (expected.to_owned(), LIMIT));
    }
}

/// A limit that is not around the yield ends only its own block.
#[tokio::test(start_paused = true)]
async fn a_limit_beside_the_yield_does_not_end_the_block() {
    let log = EventLog::new();
    let l = log.clone();
    let heartbeat = asynccontextmanager(async move |y| {
        let beats = async {
            loop {
                let ping =
                    asynccontextmanager(async |y| async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; }));
                let ended = async_with!(_ = timeout(2 * LIMIT) => {
                    async_with!(_ = ping => { pending::<()>().await })
                });
                assert_eq!(ended, Ok(Err(TimeoutError::Elapsed)));
                l.record("beat");
            }
        };
        tokio::select! {
            biased;
            () = beats => unreachable!("endless"),
            _ = y.yield_(()) => {}
        }
        Ok::<(), Infallible>(())
    });
    let value = async_with!(_ = heartbeat => {
        sleep(LIMIT * 2 + LIMIT / 2).await;
        7
    });
    assert_eq!((value, log.entries()), (7, "beat beat".to_owned()));
}

/// A function that ends its block while the whole is cancelled runs its exits as a cleanup, after those of the block.
#[tokio::test(start_paused = true)]
async fn a_cancelled_scope_whose_function_has_ended_its_block() {
    withal_test_support::expect_reports("beside_order::within failed: timed out");
    let log = EventLog::new();
    let work = async {
        let slow = on_exit((), {
            let log = log.clone();
            async move |(), _exit: ExitKind| {
                log.record("<block");
                sleep(LONG).await;
                log.record("block>");
            }
        });
        async_with!(_ = within(limited(&log), &log, "b") => {
            async_with!(_ = slow => { pending::<()>().await });
        })
    };
    assert!(tokio::time::timeout(2 * LIMIT, work).await.is_err());
    withal::cleanup::drain(2 * LONG).await.unwrap();
    assert_eq!(log.entries(), "<block block> local <a a> <b b>");
}

/// A block that is ready when the limit has passed is in time, also if the limit is around a yield.
#[tokio::test(start_paused = true)]
async fn a_block_that_is_ready_at_the_limit_completes() {
    let log = EventLog::new();
    let ended = async_with!(_ = within(limited(&log), &log, "b") => { sleep(LIMIT).await; 7 });
    assert_eq!(ended, Ok(7));
    let expired =
        asynccontextmanager(async |y| async_with!(_ = timeout(Duration::ZERO) => { y.yield_(()).await; }));
    assert_eq!(async_with!(_ = expired => { 7 }), Ok(7));
    let expired =
        asynccontextmanager(async |y| async_with!(_ = timeout(Duration::ZERO) => { y.yield_(()).await; }));
    assert_eq!(async_with!(_ = expired => { yield_now().await; 7 }), Err(TimeoutError::Elapsed));
}

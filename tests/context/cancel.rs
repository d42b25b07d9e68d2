//! Programs that are dropped at every await: everything that was entered is exited, innermost first.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::yield_now;
use withal::cleanup::drain;
use withal::context::{
    AsyncContextManagerExt, AsyncExitStack, Detach, DropAfterChildren, DropNow, Error, Restart, async_with,
};
use withal::testing::cancel_at_every_await;
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};
use withal_test_support::probes;

use crate::managers::{PanicsOnDrop, drop_while_pending, on_exit, records_exit};

probes!(Now: DropNow, Held: DropAfterChildren, Detached: Detach, Restarted: Restart);

const ENOUGH: Duration = Duration::from_secs(60);

/// The managers of the program whose exit is their destructor.
const DROPPED: &[&str] = &["a.b.held", "a.b.right.now", "a.b.right.now.now"];

/// Nested scopes by the macro and by the function; inside, a `select!` whose scope loses, a `join!`, an owned guard
/// that waits for a nested exit, and a stack.
async fn program(log: EventLog) -> Result<u32, String> {
    let sum = async_with!(n = Detached::new(&log, "a"), m = Restarted::new(&log, "a.b") => {
        let raced = tokio::select! {
            biased;
            never = async_with(Detached::new(&log, "a.b.raced"), async |_| pending::<Result<u32, String>>().await) => {
                never.map_err(Error::into_first)?
            }
            () = async { yield_now().await; yield_now().await; yield_now().await } => 1,
        };
        let (left, right) = tokio::join!(
            async_with(Restarted::new(&log, "a.b.left"), async |n| { yield_now().await; Ok::<_, String>(*n) }),
            async_with(Detached::new(&log, "a.b.right"), async |n| {
                async_with(Now::new(&log, "a.b.right.now"), async |_| {
                    yield_now().await;
                    async_with(Now::new(&log, "a.b.right.now.now"), async |_| { yield_now().await; Ok::<_, String>(*n) })
                        .await
                        .map_err(Error::into_first)
                })
                .await
                .map_err(Error::into_first)
            }),
        );
        let joined = left.map_err(Error::into_first)? + right.map_err(Error::into_first)?;
        let held = async_with!(n = Held::new(&log, "a.b.held") => {
            async_with!(_n = Detached::new(&log, "a.b.held.in") => { yield_now().await; })?;
            *n
        })?;
        let stacked = async_with!(stack = AsyncExitStack::new() => {
            let mut first = stack.enter_async_context(Detached::new(&log, "a.b.s")).await?;
            let mut second = stack.enter_async_context(Restarted::new(&log, "a.b.s.t").shield_enter()).await?;
            yield_now().await;
            *first.target() + *second.target()
        })
        .map_err(|errors| errors.to_string())?;
        *n + *m + raced + joined + held + stacked.unwrap()
    })?;
    Ok(sum)
}

async fn dropped_at_every_await() {
    let log = Arc::new(Mutex::new(EventLog::new()));
    let drops = cancel_at_every_await(|| {
        let new = EventLog::new();
        *log.lock().unwrap() = new.clone();
        program(new)
    })
    .check(async |output| {
        drain(ENOUGH).await.unwrap();
        let log = log.lock().unwrap().clone();
        log.check(DROPPED);
        if let Some(output) = output {
            assert_eq!(output, Ok(50));
        }
    });
    assert!(drops.await > 50, "the program has more than 25 awaits");
}

#[tokio::test]
async fn at_every_await_on_one_thread() {
    dropped_at_every_await().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_await_on_several_threads() {
    dropped_at_every_await().await;
}

/// An aborted task is dropped by the runtime, outside the drop of any other future.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_tasks_that_are_aborted() {
    for yields in 0..30 {
        let log = EventLog::new();
        let task = tokio::spawn(program(log.clone()));
        for _ in 0..yields {
            yield_now().await;
        }
        task.abort();
        drop(task.await);
        drain(ENOUGH).await.unwrap();
        log.check(DROPPED);
    }
}

#[tokio::test]
async fn a_scope_that_loses_a_race_is_exited_before_the_enclosing_scope() {
    let log = EventLog::new();
    async_with(Detached::new(&log, "a"), async |_| {
        let inner = async_with(Detached::new(&log, "a.b").block_at(BlockAt::InExit), async |_| {
            pending::<Result<(), String>>().await
        });
        drop_while_pending(inner).await;
        log.record("continues");
        log.open_gate();
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(log.entries(), "+a +a.b continues <a.b:cancelled a.b> <a:ok a>");
}

#[tokio::test]
async fn a_sibling_of_a_panic_is_exited_before_the_enclosing_scope() {
    let log = EventLog::new();
    let l = log.clone();
    let task = tokio::spawn(async move {
        async_with(Detached::new(&l, "a"), async |_| {
            tokio::join!(
                async_with(Detached::new(&l, "a.b"), async |_| pending::<Result<(), String>>().await),
                async {
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    panic!("sibling")
                },
            )
            .0
            .map_err(Error::into_first)
        })
        .await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(log.entries(), "+a +a.b <a.b:cancelled a.b> <a:panic a>");
}

/// The exit has begun when its sibling in a `join!` panics.
#[tokio::test]
async fn an_exit_in_progress_survives_the_panic_of_a_sibling() {
    for is_restarted in [false, true] {
        let log = EventLog::new();
        let l = log.clone();
        let task = tokio::spawn(async move {
            let panics = async {
                for _ in 0..5 {
                    yield_now().await;
                }
                l.open_gate();
                panic!("sibling")
            };
            let body = async |_: &mut u32| Ok::<_, String>(());
            if is_restarted {
                tokio::join!(async_with(Restarted::new(&l, "a").block_at(BlockAt::InExit), body), panics).0
            } else {
                tokio::join!(async_with(Detached::new(&l, "a").block_at(BlockAt::InExit), body), panics).0
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        drain(ENOUGH).await.unwrap();
        assert_eq!(log.entries(), if is_restarted { "+a <a:ok <a:cancelled a>" } else { "+a <a:ok a>" });
    }
}

#[tokio::test]
async fn a_guard_is_dropped_after_nested_exits_or_at_once() {
    for is_held in [true, false] {
        let log = EventLog::new();
        let inside = async |_: &mut u32| {
            let inner = Detached::new(&log, "inner").block_at(BlockAt::InExit);
            async_with(inner, async |_| pending::<Result<(), String>>().await)
                .await
                .map_err(Error::into_first)
        };
        if is_held {
            drop_while_pending(async_with(Held::new(&log, "lock"), inside)).await;
        } else {
            drop_while_pending(async_with(Now::new(&log, "lock"), inside)).await;
        }
        log.open_gate();
        drain(ENOUGH).await.unwrap();
        let words = if is_held {
            "+lock +inner <inner:cancelled inner> ~lock"
        } else {
            "+lock +inner ~lock <inner:cancelled inner>"
        };
        assert_eq!(log.entries(), words);
    }
}

/// A guard that cannot wait for its children leaves them to the enclosing scope.
#[tokio::test]
async fn the_outermost_scope_waits_for_the_children_of_one_that_does_not() {
    let log = EventLog::new();
    let program = async_with(Detached::new(&log, "a"), async |_| {
        let inside = async_with(Now::new(&log, "now"), async |_| {
            let inner = Detached::new(&log, "a.b").block_at(BlockAt::InExit);
            async_with(inner, async |_| pending::<Result<(), String>>().await)
                .await
                .map_err(Error::into_first)
        });
        inside.await.map_err(Error::into_first)
    });
    drop_while_pending(program).await;
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a +now +a.b ~now <a.b:cancelled a.b> <a:cancelled a>");
}

/// Cleanups that the block detaches itself are nested in it.
#[tokio::test]
async fn a_cleanup_of_the_block_ends_before_its_exit_begins() {
    let log = EventLog::new();
    async_with(Restarted::new(&log, "a"), async |_| {
        let l = log.clone();
        withal::cleanup::detach(async move {
            yield_now().await;
            l.record("cleanup");
            Ok::<_, ()>(())
        });
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(log.entries(), "+a cleanup <a:ok a>");
}

#[tokio::test]
async fn a_scope_that_is_dropped_while_it_waits_for_children_is_cancelled() {
    let log = EventLog::new();
    let program = async_with(Restarted::new(&log, "a"), async |_| {
        let inner = Detached::new(&log, "a.b").block_at(BlockAt::InExit);
        drop_while_pending(async_with(inner, async |_| pending::<Result<(), String>>().await)).await;
        Ok::<_, String>(())
    });
    drop_while_pending(program).await;
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:cancelled a.b> <a:cancelled a>");
}

#[tokio::test]
async fn a_shielded_enter_completes_and_is_exited() {
    let log = EventLog::new();
    let program = async_with(Detached::new(&log, "a"), async |_| {
        let inner = Detached::new(&log, "a.b").block_at(BlockAt::InEnter).shield_enter();
        async_with(inner, async |_| Ok::<_, String>(())).await.map_err(Error::into_first)
    });
    drop_while_pending(program).await;
    assert_eq!(log.entries(), "+a");
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:cancelled a.b> <a:cancelled a>");
    let log = EventLog::new();
    drop_while_pending(async_with(
        Held::new(&log, "held").block_at(BlockAt::InEnter).shield_enter(),
        async |_| Ok::<_, String>(()),
    ))
    .await;
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+held ~held", "the destructor is the exit");
}

#[tokio::test]
async fn a_dropped_stack_runs_its_exits_in_order() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    for name in ["a", "a.b", "a.b.c"] {
        drop(stack.enter_async_context(Detached::new(&log, name)).await.unwrap());
    }
    drop(stack);
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a +a.b +a.b.c <a.b.c:cancelled a.b.c> <a.b:cancelled a.b> <a:cancelled a>");
}

/// A long-running block keeps no memory of cleanups that have ended.
#[cfg(target_os = "linux")]
#[test]
fn a_long_running_block_forgets_cleanups_that_have_ended() {
    let test = std::env::current_exe().unwrap();
    let arguments = ["--exact", "--ignored", "cancel::long_running_block"];
    let output = std::process::Command::new(test).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the ignored test has run");
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "the test above runs it in a separate process"]
async fn long_running_block() {
    fn resident_kilobytes() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
    }
    async fn detach_in_sequence(count: u32) {
        for _ in 0..count {
            withal::cleanup::detach(async { Ok::<_, ()>(()) });
            yield_now().await;
        }
    }
    let mut grown = 0;
    async_with(Restarted::new(&EventLog::new(), "a"), async |_| {
        // The first cleanups map code and start threads, whose memory does not depend on the number of cleanups.
        detach_in_sequence(5_000).await;
        let before = resident_kilobytes();
        detach_in_sequence(60_000).await;
        grown = resident_kilobytes().saturating_sub(before);
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert!(grown < 4 << 10, "{grown} kB");
}

/// The children are passed to the enclosing scope before the destructor runs.
#[tokio::test]
async fn a_destructor_that_panics_loses_no_children() {
    let log = EventLog::new();
    let l = log.clone();
    let task = tokio::spawn(async move {
        async_with(Detached::new(&l, "a"), async |_| {
            let explodes = PanicsOnDrop;
            let explodes = on_exit::<DropNow, (), String, _>(move |_| {
                let _owned = &explodes;
                std::future::ready(Ok(()))
            });
            drop_while_pending(async_with(explodes, async |_| {
                async_with(Detached::new(&l, "a.b"), async |_| pending::<Result<(), String>>().await)
                    .await
                    .map_err(Error::into_first)
            }))
            .await;
            Ok::<_, String>(())
        })
        .await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(log.entries(), "+a +a.b <a.b:cancelled a.b> <a:panic a>");
}

#[tokio::test]
async fn a_grace_period_that_panics_is_the_default() {
    let log = EventLog::new();
    let manager = records_exit::<Restart, String>(&log).grace_period(|| panic!("grace"));
    drop_while_pending(async_with(manager, async |_| pending::<Result<(), String>>().await)).await;
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "cancelled");
}

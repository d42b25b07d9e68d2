//! The runtimes on which a scope runs, and those on which it is dropped.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use tokio::task::{LocalSet, yield_now};
use withal::cleanup::{AbandonReason, CleanupEvent, drain, observe};
use withal::context::{
    AsyncContextManager, AsyncContextManagerExt, AsyncGuard, Detach, Error, ExitReason, Restart,
    SendAsyncFnOnce, async_with, async_with_send, asynccontextmanager,
};
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};
use withal_test_support::probes;

use crate::managers::{enters_as_itself, on_exit, records_exit};

probes!(Detached: Detach, Restarted: Restart);

const ENOUGH: Duration = Duration::from_secs(60);

/// Without a cancellation, a scope needs no runtime.
#[test]
fn on_another_executor() {
    let mutex = Mutex::new(1);
    futures::executor::block_on(async {
        let body = async |n: &mut u32| {
            *n += async_with!(n = &mutex => { *n });
            Ok::<_, String>(*n)
        };
        let manager = on_exit::<Detach, (), Infallible, _>(|_| ready(Ok(())));
        assert_eq!(async_with(manager, body).await, Ok(8));
    });
}

#[tokio::test]
async fn in_a_local_set_that_is_dropped() {
    let log = EventLog::new();
    let l = log.clone();
    let local = LocalSet::new();
    local.spawn_local(async move {
        let body = async |_: &mut u32| {
            let not_send = Rc::new(1);
            pending::<()>().await;
            drop(not_send);
            Ok::<_, String>(())
        };
        async_with(Detached::new(&l, "a"), body).await
    });
    local
        .run_until(async {
            for _ in 0..5 {
                yield_now().await;
            }
        })
        .await;
    drop(local);
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a <a:cancelled a>");
}

/// The exit runs on the runtime on which the scope was suspended.
#[test]
fn dropped_outside_its_runtime() {
    for in_exit in [false, true] {
        let log = EventLog::new();
        let runtime = Builder::new_current_thread().build().unwrap();
        let block_at = if in_exit { BlockAt::InExit } else { BlockAt::Nowhere };
        let block = async |_: &mut u32| if in_exit { Ok::<_, String>(()) } else { pending().await };
        let mut detached = Box::pin(async_with(Detached::new(&log, "a").block_at(block_at), block));
        let mut restarted = Box::pin(async_with(Restarted::new(&log, "b").block_at(block_at), block));
        runtime.block_on(async {
            for _ in 0..5 {
                assert!(futures::poll!(&mut detached).is_pending());
                assert!(futures::poll!(&mut restarted).is_pending());
            }
        });
        drop((detached, restarted));
        log.open_gate();
        runtime.block_on(drain(ENOUGH)).unwrap();
        log.check(&[]);
    }
}

#[test]
fn a_grace_period_on_a_runtime_without_a_timer() {
    struct Slow;
    enters_as_itself!(Slow: Infallible);
    impl AsyncGuard for Slow {
        type Target = Self;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = Detach;
        fn target(&mut self) -> &mut Self {
            self
        }
        fn grace_period(&self) -> Duration {
            Duration::from_millis(1)
        }
        async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
            pending().await
        }
    }
    let abandoned = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hook = Arc::clone(&abandoned);
    let _observer = observe(move |event| {
        if let CleanupEvent::Abandoned { name, reason, .. } = event {
            if name.ends_with("Slow") {
                hook.lock().unwrap().push(*reason);
            }
        }
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut in_block = Box::pin(async_with(Slow, async |_| pending::<Result<(), Infallible>>().await));
        let mut in_exit = Box::pin(async_with(Slow, async |_| Ok::<_, Infallible>(())));
        assert!(futures::poll!(&mut in_block).is_pending());
        assert!(futures::poll!(&mut in_exit).is_pending());
        drop((in_block, in_exit));
        drain(ENOUGH).await.unwrap();
    });
    assert_eq!(*abandoned.lock().unwrap(), [AbandonReason::TimedOut; 2]);
}

/// A slow nested exit does not use up the grace period of the enclosing exit.
#[tokio::test]
async fn a_grace_period_begins_when_its_exit_may_begin() {
    let log = EventLog::new();
    let block = async |_: &mut u32| {
        let inner = Detached::new(&log, "inner").block_at(BlockAt::InExit);
        async_with(inner, async |_| pending::<Result<(), String>>().await).await.map_err(Error::into_first)
    };
    let manager = records_exit::<Detach, Infallible>(&log).grace_period(|| Duration::ZERO);
    let mut program = Box::pin(async_with(manager, block));
    for _ in 0..5 {
        assert!(futures::poll!(&mut program).is_pending());
    }
    drop(program);
    // Long enough for a grace period of zero to end, if it had begun.
    for _ in 0..10 {
        yield_now().await;
        std::thread::sleep(Duration::from_millis(1));
    }
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+inner <inner:cancelled inner> cancelled");
}

/// Otherwise a runtime that is no longer driven would block the scope.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_scope_does_not_wait_for_cleanups_on_another_runtime() {
    withal_test_support::expect_reports("runtimes::Detached was abandoned: its runtime shut down");
    let log = EventLog::new();
    let other = Builder::new_current_thread().build().unwrap();
    let l = log.clone();
    let task = tokio::spawn(async move {
        let block = async |_: &mut u32| {
            tokio::task::block_in_place(|| {
                other.block_on(async {
                    let inner = async_with(Detached::new(&l, "inner"), async |_| {
                        pending::<Result<(), String>>().await
                    });
                    let mut inner = Box::pin(inner);
                    for _ in 0..3 {
                        assert!(futures::poll!(&mut inner).is_pending());
                    }
                });
            });
            Ok::<_, String>(())
        };
        async_with(Detached::new(&l, "a"), block).await.unwrap();
        other.shutdown_background();
    });
    tokio::time::timeout(ENOUGH, task).await.unwrap().unwrap();
    assert!(log.entries().starts_with("+a +inner <a:ok a>"), "{}", log.entries());
}

/// The body polls the tasks of a `LocalSet` that it drives, so their cleanups are nested in it.
#[tokio::test]
async fn cleanups_of_a_local_set_are_nested_in_the_body_that_drives_it() {
    let log = EventLog::new();
    let local = LocalSet::new();
    let l = log.clone();
    local.spawn_local(async move {
        withal::cleanup::detach(async move {
            yield_now().await;
            l.record("cleanup");
            Ok::<_, Infallible>(())
        });
    });
    async_with(Detached::new(&log, "a"), async |_| {
        local.run_until(yield_now()).await;
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(log.entries(), "+a cleanup <a:ok a>");
}

fn spawned<M>(manager: M) -> tokio::task::JoinHandle<()>
where
    M: AsyncContextManager<Guard: AsyncGuard<Target: Send> + Send> + Send + 'static,
{
    tokio::spawn(async move {
        drop(
            async_with(manager, async |_| {
                yield_now().await;
                Ok::<_, Infallible>(())
            })
            .await,
        );
    })
}

fn spawned_by_macro<M>(manager: M) -> tokio::task::JoinHandle<bool>
where
    M: AsyncContextManager<Guard: AsyncGuard<Target: Send> + Send> + Send + 'static,
{
    tokio::spawn(async move { async_with!(_t = manager => { yield_now().await; }).is_ok() })
}

fn spawned_with<F>(mutex: Arc<Mutex<u32>>, body: F) -> tokio::task::JoinHandle<()>
where
    F: for<'a> SendAsyncFnOnce<&'a mut u32, Result<(), Infallible>> + Send + 'static,
{
    tokio::spawn(async move { async_with_send(mutex, body).await.unwrap() })
}

/// Scopes are `Send` if their parts are: with generic managers, generic bodies, borrowed locals, `&mut` captures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_on_other_threads() {
    let mutex = Arc::new(Mutex::new(1));
    spawned(Arc::clone(&mutex)).await.unwrap();
    assert!(spawned_by_macro(Arc::new(tokio::sync::Semaphore::new(1))).await.unwrap());
    let by = String::from("x");
    let body = async move |n: &mut u32| {
        yield_now().await;
        *n += u32::try_from(by.len()).unwrap();
        Ok(())
    };
    spawned_with(Arc::clone(&mutex), body).await.unwrap();
    let m = Arc::clone(&mutex);
    let task = tokio::spawn(async move {
        let (mut local, text) = (0, String::from("xy"));
        async_with!(n = &*m => {
            local += text.len();
            yield_now().await;
            *n += 1;
        });
        let by_function = async |n: &mut u32| {
            local += 1;
            yield_now().await;
            *n += 1;
            Ok::<_, Infallible>(())
        };
        async_with(&*m, by_function).await.unwrap();
        local
    });
    assert_eq!(task.await.unwrap(), 3);
    assert_eq!(*mutex.lock().await, 4);
    assert!(async_with(&*mutex, async |n| Ok::<_, Infallible>(*n)).now_or_never().is_some());
}

/// After a shielded enter, and for an `asynccontextmanager`.
#[tokio::test]
async fn the_grace_period_is_that_of_the_guard() {
    struct Enters;
    struct Hangs;
    impl AsyncContextManager for Enters {
        type Guard = Hangs;
        async fn aenter(self) -> Result<Hangs, Infallible> {
            yield_now().await;
            Ok(Hangs)
        }
    }
    impl AsyncGuard for Hangs {
        type Target = Self;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = Detach;
        fn target(&mut self) -> &mut Self {
            self
        }
        fn grace_period(&self) -> Duration {
            Duration::from_millis(1)
        }
        async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
            pending().await
        }
    }
    let abandoned = Arc::new(std::sync::Mutex::new(0));
    let hook = Arc::clone(&abandoned);
    let _observer = observe(move |event| {
        if event.name().contains("the_grace_period_is_that_of_the_guard") {
            *hook.lock().unwrap() +=
                usize::from(matches!(event, CleanupEvent::Abandoned { reason: AbandonReason::TimedOut, .. }));
        }
    });
    let function = asynccontextmanager(async |y| {
        y.yield_(()).await;
        pending::<Result<(), Infallible>>().await
    });
    let mut shielded = Box::pin(async_with(Enters.shield_enter(), async |_| Ok::<_, Infallible>(())));
    let block = async |(): &mut ()| pending::<Result<(), Infallible>>().await;
    let mut function = Box::pin(async_with(function.grace_period(Duration::from_millis(1)), block));
    assert!(futures::poll!(&mut shielded).is_pending());
    assert!(futures::poll!(&mut function).is_pending());
    drop((shielded, function));
    drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(*abandoned.lock().unwrap(), 2);
}

/// A scope that was moved to another runtime is exited there: the first one may have shut down.
#[test]
fn dropped_outside_any_runtime_it_is_exited_on_the_last_one() {
    let log = EventLog::new();
    let [first, last] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    let block = async |_: &mut u32| pending::<Result<(), String>>().await;
    let mut program = Box::pin(async_with(Detached::new(&log, "a"), block));
    for runtime in [&first, &last] {
        runtime.block_on(async {
            for _ in 0..3 {
                assert!(futures::poll!(&mut program).is_pending());
            }
        });
    }
    drop(first);
    drop(program);
    last.block_on(drain(ENOUGH)).unwrap();
    assert_eq!(log.entries(), "+a <a:cancelled a>");
}

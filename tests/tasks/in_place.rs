//! Exits of a block that a timeout or a task group has interrupted: the scope polls them in its own task, where the
//! task-locals and the `LocalSet` are those of the block.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{self, LocalSet, yield_now};
use tokio::time::{Instant, sleep};
use withal::cleanup::{self, Cleanup, drain};
use withal::context::{AsyncContextManager, AsyncGuard, Error, async_with, asynccontextmanager, nullcontext};
use withal::tasks::{TaskGroup, timeout};
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};
use withal_test_support::probes;

probes!(Now: withal::context::DropNow, Held: withal::context::DropAfterChildren,
    Detached: withal::context::Detach, Restarted: withal::context::Restart);

const SHORT: Duration = Duration::from_millis(5);
const ENOUGH: Duration = Duration::from_secs(60);

tokio::task_local! {
    static REQUEST: u32;
}

/// A transaction whose exit awaits, and records the request and the task in which it runs.
fn transaction(
    log: &EventLog,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send> {
    let log = log.clone();
    asynccontextmanager(async move |y| {
        let ((), exit) = y.yield_(()).await;
        yield_now().await;
        let request = REQUEST.try_with(|request| *request).ok();
        log.record(format_args!("{exit:?} {request:?} {:?}", task::try_id()));
        Ok::<(), Infallible>(())
    })
}

fn recorded(request: Option<u32>) -> String {
    format!("Cancelled {request:?} {:?}", task::try_id())
}

async fn interrupted_by_a_timeout() {
    let log = EventLog::new();
    REQUEST
        .scope(7, async {
            let result = async_with!(_ = timeout(SHORT) => {
                async_with!(_ = transaction(&log) => { pending::<()>().await });
            });
            result.unwrap_err();
        })
        .await;
    assert_eq!(log.entries(), recorded(Some(7)));
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_exit_has_the_task_locals_of_the_task() {
    interrupted_by_a_timeout().await;
    tokio::spawn(interrupted_by_a_timeout()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_has_the_task_locals_of_the_task_on_several_threads() {
    interrupted_by_a_timeout().await;
    tokio::spawn(interrupted_by_a_timeout()).await.unwrap();
}

#[tokio::test]
async fn a_group_whose_task_fails_exits_its_block_in_place() {
    let log = EventLog::new();
    REQUEST
        .scope(7, async {
            let result = async_with!(group = TaskGroup::new() => {
                group.create_task(async { Err::<(), _>("failed") });
                async_with!(_ = transaction(&log) => { pending::<()>().await });
            });
            result.unwrap_err();
        })
        .await;
    assert_eq!(log.entries(), recorded(Some(7)));
}

/// `spawn_local` panics outside of a `LocalSet`.
#[tokio::test(start_paused = true)]
async fn the_exit_is_in_the_local_set() {
    let local = LocalSet::new();
    let exited = local
        .run_until(async {
            let (sender, exited) = oneshot::channel();
            let manager = asynccontextmanager(async move |y| {
                let ((), _) = y.yield_(()).await;
                yield_now().await;
                let joined = task::spawn_local(async { 1 });
                sender.send(joined.await.unwrap()).unwrap();
                Ok::<(), Infallible>(())
            });
            let result = async_with!(_ = timeout(SHORT) => {
                async_with!(_ = manager => { pending::<()>().await });
            });
            result.unwrap_err();
            exited.await
        })
        .await;
    assert_eq!(exited, Ok(1));
}

/// Inner exits first, as if every exit were awaited; siblings concurrently.
#[tokio::test(start_paused = true)]
async fn the_exits_of_all_policies_run_innermost_first() {
    let log = EventLog::new();
    let nest = async |side: &str| {
        async_with(Held::new(&log, &format!("a.{side}")), async |_| {
            async_with(Restarted::new(&log, &format!("a.{side}.r")), async |_| {
                async_with(Detached::new(&log, &format!("a.{side}.r.d")), async |_| {
                    async_with(Now::new(&log, &format!("a.{side}.r.d.n")), async |_| {
                        pending::<Result<(), String>>().await
                    })
                    .await
                    .map_err(Error::into_first)
                })
                .await
                .map_err(Error::into_first)
            })
            .await
            .map_err(Error::into_first)
        })
        .await
    };
    let result = async_with!(_ = timeout(SHORT) => {
        let outer = async_with(Detached::new(&log, "a"), async |_| {
            let (_, _) = tokio::join!(nest("x"), nest("y"));
            Ok::<(), String>(())
        });
        let _never = outer.await;
    });
    result.unwrap_err();
    log.check(&["a.x", "a.y", "a.x.r.d.n", "a.y.r.d.n"]);
    assert_eq!(cleanup::pending(), 0);
}

/// The exits of siblings wake each other's task, and only those that were woken are polled.
#[tokio::test(start_paused = true)]
async fn thousands_of_exits_run_concurrently() {
    let log = EventLog::new();
    let started = Instant::now();
    let result = async_with!(_ = timeout(SHORT) => {
        let scopes = (0..2000).map(async |_| {
            let log = log.clone();
            let manager = asynccontextmanager(async move |y| {
                let ((), _) = y.yield_(()).await;
                sleep(Duration::from_secs(1)).await;
                log.record("exited");
                Ok::<(), Infallible>(())
            });
            async_with!(_ = manager => { pending::<()>().await });
        });
        futures::future::join_all(scopes).await;
    });
    result.unwrap_err();
    assert_eq!(log.entries().split(' ').count(), 2000);
    assert!(started.elapsed() < Duration::from_secs(2), "they took {:?}", started.elapsed());
}

/// The scope is dropped while it polls the exit: the exit continues as a task.
#[tokio::test]
async fn an_exit_whose_scope_is_dropped_meanwhile_continues_as_a_cleanup() {
    let log = EventLog::new();
    let l = log.clone();
    let scope = tokio::spawn(async move {
        let result = async_with!(limit = timeout(ENOUGH) => {
            let scope = async_with!(_ = Detached::new(&l, "a").block_at(BlockAt::InExit) => {
                limit.reschedule(Instant::now()).unwrap();
                pending::<()>().await;
            });
            scope.unwrap();
        });
        result.unwrap_err();
    });
    while !log.entries().contains("<a:cancelled") {
        yield_now().await;
    }
    assert_eq!(cleanup::pending(), 1, "an exit that runs in place counts as pending");
    scope.abort();
    assert!(scope.await.unwrap_err().is_cancelled());
    assert_eq!(cleanup::pending(), 1);
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a <a:cancelled a>");
}

/// A `select!` in a block that continues: nothing awaits the scope any more, so its exits are tasks, and the exit of the
/// enclosing scope waits for them.
#[tokio::test]
async fn an_exit_whose_scope_loses_a_select_is_spawned_at_once() {
    let log = EventLog::new();
    let outer = async_with(Detached::new(&log, "o"), async |_| {
        let scope = async {
            async_with!(limit = timeout(ENOUGH) => {
                let inner = Detached::new(&log, "o.a").block_at(BlockAt::InExit);
                let scope = async_with!(_ = inner => {
                    limit.reschedule(Instant::now()).unwrap();
                    pending::<()>().await;
                });
                scope.unwrap();
            })
        };
        let exit_has_begun = async {
            while !log.entries().contains("<o.a") {
                yield_now().await;
            }
        };
        tokio::select! {
            _ = scope => unreachable!("the gate is closed"),
            () = exit_has_begun => {}
        }
        log.open_gate();
        while !log.entries().contains("o.a>") {
            yield_now().await;
        }
        log.record("end");
        Ok::<(), String>(())
    });
    outer.await.unwrap();
    assert_eq!(log.entries(), "+o +o.a <o.a:cancelled o.a> end <o:ok o>");
}

/// A destructor that detaches a cleanup, and blocks its thread until the cleanup has finished.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destructor_can_wait_for_the_cleanup_that_it_detaches() {
    struct Owner(EventLog);
    impl Drop for Owner {
        fn drop(&mut self) {
            let log = self.0.clone();
            cleanup::detach(async move {
                log.record("released");
                Ok::<(), Infallible>(())
            });
            let drained = task::block_in_place(|| Handle::current().block_on(drain(ENOUGH)));
            self.0.record(format_args!("{drained:?}"));
        }
    }
    let log = EventLog::new();
    let result = async_with!(_ = timeout(SHORT) => {
        let _owner = Owner(log.clone());
        pending::<()>().await;
    });
    result.unwrap_err();
    assert_eq!(log.entries(), "released Ok(())");
}

/// The scope that interrupts the block waits for it all the same.
#[tokio::test(start_paused = true)]
async fn a_cleanup_of_the_block_itself_is_a_task() {
    struct Owner(Option<oneshot::Sender<Option<task::Id>>>, bool);
    impl Drop for Owner {
        fn drop(&mut self) {
            let sender = self.0.take().unwrap();
            let work = Cleanup::new(async move {
                yield_now().await;
                sender.send(task::try_id())
            });
            if self.1 { work.on_runtime(Handle::current()).detach() } else { work.detach() }
        }
    }
    for is_runtime_chosen in [false, true] {
        let (sender, mut ran_in) = oneshot::channel();
        let scope = tokio::spawn(async move {
            let result = async_with!(_ = timeout(SHORT) => {
                let _owner = Owner(Some(sender), is_runtime_chosen);
                pending::<()>().await;
            });
            result.unwrap_err();
            assert_ne!(ran_in.try_recv().unwrap(), task::try_id());
        });
        scope.await.unwrap();
    }
}

/// Destructors that run their own executor: what is polled there is not part of the block that is dropped.
#[tokio::test(start_paused = true)]
async fn a_scope_that_is_polled_in_a_destructor_spawns_its_cleanups() {
    struct RunsScope(EventLog);
    impl Drop for RunsScope {
        fn drop(&mut self) {
            let log = self.0.clone();
            // A worker thread of another runtime runs the cleanup, while this thread waits for it.
            let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
            let entered = runtime.enter();
            futures::executor::block_on(async {
                let (sender, ran) = oneshot::channel();
                async_with!(_ = nullcontext(()) => {
                    cleanup::detach(async { sender.send(()) });
                    ran.await.unwrap();
                });
            });
            log.record("end");
            drop(entered);
            runtime.shutdown_background();
        }
    }
    let log = EventLog::new();
    let result = async_with!(_ = timeout(SHORT) => {
        let _runs_scope = RunsScope(log.clone());
        pending::<()>().await;
    });
    result.unwrap_err();
    assert_eq!(log.entries(), "end");
}

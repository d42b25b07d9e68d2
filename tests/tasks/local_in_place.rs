//! Exits of managers that are not `Send`, in a block that an outer scope interrupts, and in one that is dropped.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use futures::poll;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local, yield_now};
use withal::cleanup::{self, drain};
use withal::context::{
    AsyncExitStack, Detach, DropNow, ExitReason, LocalAsyncContextManager, LocalAsyncGuard, async_with,
    async_with_local, asynccontextmanager, local, nullcontext, on_exit,
};
use withal::tasks::{TaskGroup, timeout};
use withal_test_support::reports::reports_of;

const SHORT: Duration = Duration::from_millis(5);
const ENOUGH: Duration = Duration::from_secs(60);

/// A log that is not `Send`.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn push(&self, entry: impl Into<String>) {
        self.0.borrow_mut().push(entry.into());
    }

    fn take(&self) -> String {
        self.0.take().join(" ")
    }
}

/// A manager whose exit awaits twice.
macro_rules! resource {
    ($log:expr, $name:expr) => {
        local(
            on_exit($log.clone(), async |log, exit| {
                log.push(format!("<{}:{exit:?}", $name));
                yield_now().await;
                yield_now().await;
                log.push(format!("{}>", $name));
            })
            .name($name),
        )
    };
}

async fn work(log: &Log) {
    async_with!(_ = resource!(log, "outer"), _ = resource!(log, "inner") => { pending::<()>().await });
}

const BOTH: &str = "<inner:Cancelled inner> <outer:Cancelled outer> after";

async fn in_a_timeout(log: &Log) {
    let result = async_with!(_ = timeout(SHORT) => { work(log).await });
    assert!(result.is_err());
}

async fn in_a_group(log: &Log) {
    let result = async_with!(group = TaskGroup::new() => {
        group.create_task(async { yield_now().await; Err::<(), _>("failed") });
        work(log).await;
    });
    assert!(result.is_err());
}

async fn in_a_function_with_a_limit(log: &Log) {
    let limited = asynccontextmanager(async |y| {
        async_with!(_ = timeout(SHORT) => { y.yield_(()).await })?;
        Ok::<_, withal::tasks::TimeoutError>(())
    });
    assert!(async_with!(_ = limited => { work(log).await }).is_err());
}

async fn in_a_stack(log: &Log) {
    let result = async_with!(stack = AsyncExitStack::new() => {
        drop(stack.enter_async_context(timeout(SHORT)).await.unwrap());
        work(log).await;
    });
    assert!(result.is_err());
}

async fn in_two_limits(log: &Log) {
    let result =
        async_with!(_ = timeout(SHORT), _ = nullcontext(()), _ = timeout(ENOUGH) => { work(log).await });
    assert!(result.is_err());
}

async fn in_a_function_of_a_scope(log: &Log) {
    let result = async_with!(_ = timeout(SHORT) => {
        async_with_local(
            on_exit(log.clone(), async |log, _| { yield_now().await; log.push("<outer:Cancelled outer>") }),
            async |log| {
                async_with!(_ = resource!(log, "inner") => { pending::<()>().await });
                Ok::<_, Infallible>(())
            },
        )
        .await
        .unwrap();
    });
    assert!(result.is_err());
}

/// Runs the program on a current-thread runtime, in a `LocalSet` on it, and in one on a multi-thread runtime.
fn on_each_runtime(program: impl AsyncFn(&Log) + Copy + 'static) {
    let single = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    single().block_on(program(&Log::default()));
    let on_a_set = |runtime: Runtime| {
        LocalSet::new().block_on(&runtime, async move {
            spawn_local(async move { program(&Log::default()).await }).await.unwrap();
        });
    };
    on_a_set(single());
    on_a_set(Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
}

macro_rules! interrupted {
    ($($program:ident),+) => {
        mod interrupted {
            $(#[test]
            fn $program() {
                super::on_each_runtime(async |log| {
                    super::$program(log).await;
                    log.push("after");
                    assert_eq!(log.take(), super::BOTH);
                    assert_eq!(super::cleanup::pending(), 0);
                });
            })+
        }
    };
}

interrupted!(
    in_a_timeout,
    in_a_group,
    in_a_function_with_a_limit,
    in_a_stack,
    in_two_limits,
    in_a_function_of_a_scope
);

/// An exit that has begun continues. Its error cannot be returned, and is reported.
#[test]
fn an_exit_that_is_interrupted_continues() {
    on_each_runtime(async |log| {
        let result = async_with!(_ = timeout(SHORT) => {
            async_with!(_ = resource!(log, "outer") => {
                let inner = on_exit(log.clone(), async |log, _| {
                    log.push("begins");
                    tokio::time::sleep(2 * SHORT).await;
                    log.push("continues");
                });
                async_with!(_ = local(inner) => {});
            });
        });
        assert!(result.is_err());
        assert_eq!(log.take(), "begins continues <outer:Cancelled outer>");
    });
}

/// The whole future is dropped: on a current-thread runtime, the exit is a cleanup.
#[tokio::test]
async fn a_dropped_future_exits_on_a_current_thread_runtime() {
    async fn program() {
        let log = Log::default();
        let mut dropped = Box::pin(work(&log));
        assert!(poll!(&mut dropped).is_pending());
        drop(dropped);
        assert_eq!(cleanup::pending(), 2);
        drain(ENOUGH).await.unwrap();
        log.push("after");
        assert_eq!(log.take(), BOTH);
        // Aborted tasks.
        let task = spawn_local({
            let log = log.clone();
            async move { work(&log).await }
        });
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        drain(ENOUGH).await.unwrap();
        log.push("after");
        assert_eq!(log.take(), BOTH);
    }
    LocalSet::new().run_until(program()).await;
}

/// On a multi-thread runtime, the scope around it runs the exit; without one, the exit is reported.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dropped_future_exits_in_the_scope_around_it_on_a_multi_thread_runtime() {
    const NAME: &str = "dropped on a LocalSet";
    LocalSet::new()
        .run_until(async {
            let log = Log::default();
            async_with!(_ = resource!(log, "around") => {
                let mut dropped = Box::pin(work(&log));
                assert!(poll!(&mut dropped).is_pending());
                drop(dropped);
                log.push("block");
            });
            log.push("after");
            let expected = "block <inner:Cancelled inner> <outer:Cancelled outer> <around:Ok around> after";
            assert_eq!(log.take(), expected);

            for hangs in [true, false] {
                let reports = reports_of(NAME, async {
                    let mut dropped = Box::pin(async {
                        async_with!(_ = resource!(log, NAME) => { if hangs { pending::<()>().await } });
                    });
                    assert!(poll!(&mut dropped).is_pending());
                    drop(dropped);
                    assert_eq!(Rc::strong_count(&log.0), 1, "the value was dropped");
                });
                let reason = "its manager is not `Send`, and no scope or current-thread runtime can run it";
                assert_eq!(reports.await, [format!("cleanup {NAME} was abandoned: {reason}: ")]);
            }
        })
        .await;
}

/// The runtime that was to run the exit moves to another thread.
#[test]
fn an_exit_on_a_runtime_that_moves_is_reported() {
    const NAME: &str = "moves to another thread";
    let runtime = Builder::new_current_thread().build().unwrap();
    let (moved, receiver) = std::sync::mpsc::channel();
    let reports = futures::executor::block_on(reports_of(NAME, async {
        runtime.block_on(async {
            let log = Log::default();
            let mut dropped = Box::pin(async {
                async_with!(_ = resource!(log, NAME) => { pending::<()>().await });
            });
            assert!(poll!(&mut dropped).is_pending());
        });
        moved.send(runtime).unwrap();
        thread::spawn(move || {
            let runtime: Runtime = receiver.recv().unwrap();
            runtime.block_on(drain(ENOUGH)).unwrap();
        })
        .join()
        .unwrap();
    }));
    let expected = "the runtime has moved to another thread, and the manager is not `Send`";
    assert_eq!(reports, [format!("cleanup {NAME} failed: {expected}")]);
}

/// The guard of such an exit is dropped at the end of its thread. A panic of its destructor does not abort the process.
#[test]
fn a_destructor_that_panics_at_the_end_of_the_thread() {
    struct Panics(Rc<()>);

    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(Rc::strong_count(&self.0) == 0, "in the destructor");
        }
    }

    let first = thread::spawn(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let exit = on_exit(Panics(Rc::default()), async |_value, _| pending::<()>().await);
            let mut dropped = Box::pin(async { async_with!(_ = local(exit) => { pending::<()>().await }) });
            assert!(poll!(&mut dropped).is_pending());
            drop(dropped);
            yield_now().await;
        });
        thread::spawn(move || drop(runtime)).join().unwrap();
    });
    first.join().unwrap();
}

/// A scope is dropped together with the local scope in its block. A task of a multi-thread runtime runs the exit of the
/// outer one, and must not own that of the local one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_local_exit_in_the_block_of_a_dropped_scope_is_abandoned_at_once() {
    const NAME: &str = "local, in a dropped scope";
    LocalSet::new()
        .run_until(async {
            for is_exiting in [false, true] {
                let log = Log::default();
                let reports = reports_of(NAME, async {
                    let outer = on_exit((), async |(), _| yield_now().await).name("outer");
                    // If the limit has interrupted the block, it waits in place for both exits.
                    let limit = timeout(if is_exiting { Duration::ZERO } else { ENOUGH });
                    let inner = on_exit(log.clone(), async |_log, _| pending::<()>().await).name(NAME);
                    let mut dropped = Box::pin(async {
                        async_with!(_ = limit, _ = outer, _ = local(inner) => { pending::<()>().await })
                    });
                    for _ in 0..3 {
                        assert!(poll!(&mut dropped).is_pending());
                        yield_now().await;
                    }
                    drop(dropped);
                    assert_eq!(Rc::strong_count(&log.0), 1, "the value was dropped");
                    drain(ENOUGH).await.unwrap();
                });
                let reason = "its manager is not `Send`, and no scope or current-thread runtime can run it";
                assert_eq!(
                    reports.await,
                    [format!("cleanup {NAME} was abandoned: {reason}: ")],
                    "{is_exiting}"
                );
            }
        })
        .await;
}

/// The error or the panic of a detached exit is reported.
#[tokio::test]
async fn the_failures_of_detached_exits_are_reported() {
    for panics in [false, true] {
        let name = if panics { "local, panics" } else { "local, fails" };
        let reports = reports_of(name, async {
            let exit = on_exit(Rc::new(()), async move |_, _| {
                yield_now().await;
                if panics { panic!("in the exit") } else { Err::<(), _>("failed exit") }
            });
            let limit = timeout(Duration::ZERO);
            let result = async_with!(_ = limit => {
                async_with!(_ = local(exit.name(name)) => { pending::<()>().await }).unwrap();
            });
            assert!(result.is_err());
        });
        let expected = if panics { "panicked: in the exit" } else { "failed: failed exit" };
        assert_eq!(reports.await, [format!("cleanup {name} {expected}")]);
    }
}

/// The error of a detached exit is reported also if the destructor of its guard panics.
#[tokio::test]
async fn the_error_of_a_detached_exit_precedes_a_panic_of_its_guard() {
    struct Fails(Rc<()>);

    impl LocalAsyncContextManager for Fails {
        type Guard = Self;

        async fn aenter(self) -> Result<Self, &'static str> {
            Ok(self)
        }
    }

    impl LocalAsyncGuard for Fails {
        type Target = ();
        type Error = &'static str;
        type Suppression = ();
        type OnDrop = Detach;

        fn target(&mut self) -> &mut () {
            Box::leak(Box::new(()))
        }

        async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), &'static str> {
            yield_now().await;
            Err("exit before a panic")
        }
    }

    impl Drop for Fails {
        fn drop(&mut self) {
            assert!(Rc::strong_count(&self.0) == 0, "in the destructor");
        }
    }

    // In the block, and in the exit.
    for hangs in [true, false] {
        let reports = reports_of("exit before a panic", async {
            let mut dropped = Box::pin(async {
                async_with!(_ = local(Fails(Rc::default())) => { if hangs { pending::<()>().await } })
            });
            assert!(poll!(&mut dropped).is_pending());
            drop(dropped);
        });
        let reports = reports.await;
        assert!(
            matches!(&*reports, [report] if report.ends_with("failed: exit before a panic")),
            "{reports:?}"
        );
    }
}

/// A guard that borrows has the policy `DropNow`: it is dropped, and its exit does not run.
#[tokio::test]
async fn a_guard_that_borrows_is_dropped() {
    struct Borrows<'a>(&'a mut Log);

    impl LocalAsyncContextManager for Borrows<'_> {
        type Guard = Self;

        async fn aenter(self) -> Result<Self, Infallible> {
            Ok(self)
        }
    }

    impl LocalAsyncGuard for Borrows<'_> {
        type Target = Log;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = DropNow;

        fn target(&mut self) -> &mut Log {
            self.0
        }

        async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
            self.0.push("exit");
            pending().await
        }
    }

    impl Drop for Borrows<'_> {
        fn drop(&mut self) {
            self.0.push("drop");
        }
    }

    let log = Log::default();
    let scope = async |hangs: bool| {
        let mut log = log.clone();
        async_with!(log = local(Borrows(&mut log)) => {
            log.push("block");
            if hangs { pending::<()>().await }
        });
    };
    // In the block, and in the exit.
    for hangs in [true, false] {
        let limit = timeout(Duration::ZERO);
        assert!(async_with!(_ = limit => { scope(hangs).await }).is_err());
    }
    assert_eq!(log.take(), "block drop block exit drop");
}

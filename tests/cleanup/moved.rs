//! Scopes that move to another runtime while they run the exits of an interrupted block.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Id, Runtime};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, detach, drain, pending as pending_cleanups};
use withal::context::{
    AsyncContextManager, AsyncGuard, DropNow, ExitReason, async_with, asynccontextmanager, interrupt_when,
    on_exit,
};

const ENOUGH: Duration = Duration::from_secs(60);

/// Interrupts its block at the first await.
struct Interrupts;

impl AsyncContextManager for Interrupts {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, &'static str> {
        interrupt_when(ready(())).expect("entered by a scope");
        Ok(self)
    }
}

impl AsyncGuard for Interrupts {
    type Target = Self;
    type Error = &'static str;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), &'static str> {
        if exit.is_cancelled() { Err("interrupted") } else { Ok(()) }
    }
}

type Program = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>>;

/// The runtimes on which the exit has begun and ended.
type Ids = Arc<Mutex<Vec<Option<Id>>>>;

/// A scope that has interrupted its block, whose exit waits for a permit.
fn interrupted(gate: &Arc<Semaphore>) -> (Program, Ids) {
    let (ids, gate) = (Ids::default(), gate.clone());
    let ran_on = ids.clone();
    let manager = asynccontextmanager(async move |y| {
        y.yield_(()).await;
        let id = || Handle::try_current().ok().map(|runtime| runtime.id());
        ran_on.lock().unwrap().push(id());
        drop(gate.acquire().await.unwrap());
        ran_on.lock().unwrap().push(id());
        Ok::<(), Infallible>(())
    });
    let program =
        async { async_with!(_ = Interrupts => { async_with!(_ = manager => { pending::<()>().await }) }) };
    (Box::pin(program), ids)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

async fn begins(program: &mut Program) {
    for _ in 0..5 {
        assert!(futures::poll!(&mut *program).is_pending());
    }
    assert_eq!(pending_cleanups(), 1);
}

/// The first runtime has shut down, or is not driven any more.
#[test]
fn an_exit_that_is_dropped_on_another_runtime_completes_there() {
    for is_shut_down in [true, false] {
        let gate = Arc::new(Semaphore::new(0));
        let (mut program, ids) = interrupted(&gate);
        let mut first = Some(runtime());
        let id = first.as_ref().map(|first| first.handle().id());
        first.as_ref().unwrap().block_on(begins(&mut program));
        if is_shut_down {
            drop(first.take());
        }
        let second = runtime();
        second.block_on(async {
            drop(program);
            assert_eq!(pending_cleanups(), 1);
            gate.add_permits(1);
            drain(ENOUGH).await.unwrap();
        });
        assert_eq!(*ids.lock().unwrap(), [id, Some(second.handle().id())]);
        if let Some(first) = first {
            assert_eq!(first.block_on(async { pending_cleanups() }), 0);
        }
    }
}

#[test]
fn an_exit_that_is_polled_on_another_runtime_completes_there() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut program, ids) = interrupted(&gate);
    let first = runtime();
    let id = first.handle().id();
    first.block_on(begins(&mut program));
    drop(first);
    gate.add_permits(1);
    let second = runtime();
    assert_eq!(second.block_on(program), Err("interrupted"));
    assert_eq!(*ids.lock().unwrap(), [Some(id), Some(second.handle().id())]);
}

/// Outside of a runtime, the exit continues on the one on which the scope was suspended.
#[test]
fn an_exit_that_is_dropped_outside_of_a_runtime_continues_on_its_own() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut program, ids) = interrupted(&gate);
    let first = runtime();
    let id = Some(first.handle().id());
    first.block_on(begins(&mut program));
    drop(program);
    gate.add_permits(1);
    first.block_on(drain(ENOUGH)).unwrap();
    assert_eq!(*ids.lock().unwrap(), [id, id]);
}

/// Interrupted outside of any runtime, and dropped on one.
#[test]
fn an_exit_without_a_runtime_moves_to_the_one_on_which_it_is_dropped() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut program, ids) = interrupted(&gate);
    futures::executor::block_on(async {
        assert!(futures::poll!(&mut program).is_pending());
    });
    let runtime = runtime();
    runtime.block_on(async {
        drop(program);
        assert_eq!(pending_cleanups(), 1);
        gate.add_permits(1);
        drain(ENOUGH).await.unwrap();
    });
    assert_eq!(*ids.lock().unwrap(), [None, Some(runtime.handle().id())]);
}

/// A task on a runtime that is not driven any more would never end.
#[test]
fn a_scope_does_not_wait_for_the_tasks_of_the_runtime_that_it_has_left() {
    withal_test_support::expect_reports("on the first runtime was abandoned");
    let mut program = Box::pin(async {
        let manager = asynccontextmanager(async |y| {
            y.yield_(()).await;
            Ok::<(), Infallible>(())
        });
        async_with!(_ = manager => {
            Cleanup::new(pending::<Result<(), Infallible>>()).name("on the first runtime").detach();
            yield_now().await;
        });
    });
    let [first, second] = [runtime(), runtime()];
    first.block_on(async { assert!(futures::poll!(&mut program).is_pending()) });
    second.block_on(program);
    assert_eq!(first.block_on(async { pending_cleanups() }), 1);
}

/// A nest of scopes and cleanups that moves to a second runtime after each of its polls. The first runtime shuts down,
/// or is not driven any more.
#[test]
fn a_nest_of_scopes_moves_after_each_poll() {
    fn records(
        log: &Log,
        name: &'static str,
    ) -> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = Infallible> + Send> + use<> {
        let log = log.clone();
        log.lock().unwrap().push(format!("+{name}"));
        on_exit((), async move |(), _| {
            yield_now().await;
            yield_now().await;
            log.lock().unwrap().push(format!("-{name}"));
        })
    }
    type Log = Arc<Mutex<Vec<String>>>;
    withal_test_support::expect_reports("a_nest_of_scopes_moves_after_each_poll was abandoned");
    for polls in 0..12 {
        let [first, second] = [runtime(), runtime()];
        let log = Log::default();
        let in_program = log.clone();
        let mut program = Box::pin(async move {
            async_with!(_ = records(&in_program, "outer") => {
                detach(async {
                    yield_now().await;
                    Ok::<(), ()>(())
                });
                async_with!(_ = records(&in_program, "inner") => {
                    yield_now().await;
                    yield_now().await;
                });
            });
        });
        let is_done = first.block_on(async {
            for _ in 0..polls {
                if futures::poll!(&mut program).is_ready() {
                    return true;
                }
                yield_now().await;
            }
            false
        });
        let _first = (polls % 2 == 0).then_some(first);
        if !is_done && polls % 3 == 0 {
            second.block_on(async {
                drop(program);
                drain(ENOUGH).await.unwrap();
            });
        } else if !is_done {
            second.block_on(program);
        }
        let log = log.lock().unwrap();
        assert_eq!(log.len() % 2, 0, "{polls}: {log:?}");
    }
}

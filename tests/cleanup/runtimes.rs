//! The runtimes that cleanups run on, and the places where they can be detached.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future as _, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Id};
use tokio::sync::oneshot;
use tokio::task::{LocalSet, yield_now};
use withal::cleanup::{Cleanup, detach, drain};
use withal::context::{AsyncExitStack, async_with, nullcontext, on_exit};
use withal::tasks::timeout;

use super::RecordedEvents;

const ENOUGH: Duration = Duration::from_secs(60);

/// Detaches a cleanup when it is dropped. The cleanup sends the id of its runtime.
struct Owner(Option<oneshot::Sender<Id>>, Option<Handle>);

impl Owner {
    fn new(fallback: Option<Handle>) -> (Self, oneshot::Receiver<Id>) {
        let (sender, ran_on) = oneshot::channel();
        (Self(Some(sender), fallback), ran_on)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let sender = self.0.take().unwrap();
        Cleanup::new(async { sender.send(Handle::current().id()) }).fallback_runtime(self.1.take()).detach();
    }
}

#[tokio::test]
async fn detach_while_a_panic_unwinds() {
    let (owner, ran_on) = Owner::new(None);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _owner = owner;
        panic!("with an owner in scope");
    }));
    assert!(panicked.is_err());
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.await, Ok(Handle::current().id()));
}

/// Panics when it is dropped.
struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        panic!("in a destructor, while another panic unwinds");
    }
}

/// Detaches a cleanup when it is dropped. The destructor of the cleanup panics.
struct OwnerOfExplodes;

impl Drop for OwnerOfExplodes {
    fn drop(&mut self) {
        let explodes = Explodes;
        let work = async move {
            drop(explodes);
            Ok::<_, ()>(())
        };
        Cleanup::new(work).name("unwinding").detach();
    }
}

#[test]
fn detach_outside_of_a_runtime_while_a_panic_unwinds() {
    let events = RecordedEvents::of("unwinding");
    let panicked = catch_unwind(|| {
        let _owner = OwnerOfExplodes;
        panic!("with an owner in scope");
    });
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"with an owner in scope"));
    assert_eq!(events.entries(), ["abandoned: no runtime to spawn it on"]);
}

#[tokio::test]
async fn detach_when_a_task_is_aborted() {
    let (owner, ran_on) = Owner::new(None);
    let task = tokio::spawn(async move {
        let _owner = owner;
        pending::<()>().await;
    });
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.await, Ok(Handle::current().id()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn detach_on_a_worker_thread() {
    let (owner, ran_on) = Owner::new(None);
    tokio::spawn(async move { drop(owner) }).await.unwrap();
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.await, Ok(Handle::current().id()));
}

#[tokio::test]
async fn detach_when_a_local_set_is_dropped() {
    let (owner, ran_on) = Owner::new(None);
    let local = LocalSet::new();
    local.spawn_local(async move {
        let not_send = Rc::new(owner);
        pending::<()>().await;
        drop(not_send);
    });
    local.run_until(tokio::task::yield_now()).await;
    drop(local);
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.await, Ok(Handle::current().id()));
}

#[test]
fn the_fallback_runtime_is_used_outside_of_a_runtime() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let (owner, ran_on) = Owner::new(Some(runtime.handle().clone()));
    drop(owner);
    runtime.block_on(async {
        drain(ENOUGH).await.unwrap();
        assert_eq!(ran_on.await, Ok(Handle::current().id()));
    });
}

#[test]
fn the_fallback_runtime_is_used_while_a_thread_ends() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<Owner>> = const { std::cell::RefCell::new(None) };
    }
    let runtime = Builder::new_current_thread().build().unwrap();
    let (owner, ran_on) = Owner::new(Some(runtime.handle().clone()));
    std::thread::spawn(move || KEPT.set(Some(owner))).join().unwrap();
    runtime.block_on(async {
        drain(ENOUGH).await.unwrap();
        assert_eq!(ran_on.await, Ok(Handle::current().id()));
    });
}

#[test]
fn the_current_runtime_takes_precedence_over_the_fallback() {
    let [fallback, current] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    let (owner, ran_on) = Owner::new(Some(fallback.handle().clone()));
    current.block_on(async {
        drop(owner);
        drain(ENOUGH).await.unwrap();
        assert_eq!(ran_on.await, Ok(Handle::current().id()));
    });
}

#[test]
fn timeouts_work_without_a_tokio_timer() {
    let events = RecordedEvents::of("no timer");
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        Cleanup::new(pending::<Result<(), ()>>())
            .name("no timer")
            .grace_period(Duration::from_millis(1))
            .detach();
        drain(ENOUGH).await.unwrap();
        assert_eq!(events.entries(), ["abandoned: its grace period elapsed"]);
        detach(pending::<Result<(), ()>>());
        assert_eq!(drain(Duration::from_millis(1)).await.unwrap_err().pending, 1);
    });
}

#[tokio::test]
async fn a_cleanup_does_not_start_in_detach() {
    let (sender, ran_on) = oneshot::channel();
    detach(async { sender.send(()) });
    let mut ran_on = ran_on;
    assert!(ran_on.try_recv().is_err());
    detach(ready(Ok::<_, ()>(())));
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.try_recv(), Ok(()));
}

#[test]
fn the_chosen_runtime_takes_precedence_over_the_current() {
    let chosen = Builder::new_current_thread().build().unwrap();
    let current = Builder::new_current_thread().build().unwrap();
    let (sender, ran_on) = oneshot::channel();
    current.block_on(async {
        Cleanup::new(async { sender.send(Handle::current().id()) })
            .on_runtime(chosen.handle().clone())
            .detach();
        drain(ENOUGH).await.unwrap();
    });
    chosen.block_on(drain(ENOUGH)).unwrap();
    assert_eq!(ran_on.blocking_recv(), Ok(chosen.handle().id()));
}

/// Detaches a cleanup when it is dropped, and counts the calls that do not panic.
struct Detaches(Handle, Arc<AtomicUsize>);

impl Drop for Detaches {
    fn drop(&mut self) {
        let cleanup = Cleanup::new(ready(Ok::<_, ()>(()))).on_runtime(self.0.clone());
        if catch_unwind(AssertUnwindSafe(|| cleanup.detach())).is_ok() {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The destructor of the work panics with such a payload, which the task of the cleanup keeps. A scope outside of a
/// runtime does not wait for the task, and drops it.
#[test]
fn a_cleanup_that_a_scope_does_not_wait_for_detaches_another_one() {
    struct PanicsWith(Option<Detaches>);
    impl Drop for PanicsWith {
        fn drop(&mut self) {
            std::panic::panic_any(self.0.take().unwrap());
        }
    }
    withal_test_support::expect_reports("detaches_another_one was abandoned");
    let [shut_down, runtime] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    let handle = shut_down.handle().clone();
    drop(shut_down);
    let detached = Arc::new(AtomicUsize::new(0));
    let panics = PanicsWith(Some(Detaches(runtime.handle().clone(), detached.clone())));
    futures::executor::block_on(async {
        async_with!(_ = nullcontext(()) => {
            let work = async move {
                drop(panics);
                Ok::<_, ()>(())
            };
            Cleanup::new(work).on_runtime(handle).detach();
        });
    });
    runtime.block_on(drain(ENOUGH)).unwrap();
    assert_eq!(detached.load(Ordering::Relaxed), 1);
}

/// Each destructor detaches a cleanup that drops two further values, and half of the cleanups panic.
#[tokio::test]
async fn cleanups_that_detach_cleanups() {
    struct Detaching(u32, Arc<AtomicUsize>);
    impl Drop for Detaching {
        fn drop(&mut self) {
            let (depth, dropped) = (self.0, self.1.clone());
            dropped.fetch_add(1, Ordering::Relaxed);
            if depth > 0 {
                let work = async move {
                    let first = Detaching(depth - 1, dropped.clone());
                    yield_now().await;
                    let _second = Detaching(depth - 1, dropped);
                    drop(first);
                    assert!(depth % 2 > 0, "an expected panic of a cleanup");
                    Ok::<(), ()>(())
                };
                Cleanup::new(work).name("detaching").detach();
            }
        }
    }
    let _events = RecordedEvents::of("detaching");
    let dropped = Arc::new(AtomicUsize::new(0));
    drop(Detaching(4, dropped.clone()));
    drain(ENOUGH).await.unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 31);
    // The exit of a scope waits for all of them.
    let dropped = Arc::new(AtomicUsize::new(0));
    let at_exit = dropped.clone();
    let manager = on_exit((), async move |(), _| assert_eq!(at_exit.load(Ordering::Relaxed), 31));
    async_with!(_ = manager => { drop(Detaching(4, dropped)) });
}

/// Scopes in the block, in an exit in place, and on a stack, that a thread drops when it ends.
#[test]
fn scopes_that_are_dropped_while_a_thread_ends() {
    thread_local! {
        static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
    }
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let exits = Arc::new(AtomicUsize::new(0));
    let manager = {
        let exits = exits.clone();
        move || {
            let exits = exits.clone();
            on_exit((), async move |(), _| {
                yield_now().await;
                exits.fetch_add(1, Ordering::Relaxed);
            })
        }
    };
    let handle = runtime.handle().clone();
    std::thread::spawn(move || {
        let _entered = handle.enter();
        let mut cx = Context::from_waker(Waker::noop());
        let stack = AsyncExitStack::new();
        assert!(pin!(stack.enter_async_context(manager())).poll(&mut cx).is_ready());
        let outer = manager();
        let mut in_block = Box::pin(async move { async_with!(_ = outer => { pending::<()>().await }) });
        let mut in_exit = Box::pin(async move {
            async_with!(_ = timeout(Duration::ZERO) => { async_with!(_ = manager() => { pending::<()>().await }) })
        });
        assert!(in_block.as_mut().poll(&mut cx).is_pending());
        assert!(in_exit.as_mut().poll(&mut cx).is_pending());
        let kept: Vec<Box<dyn Any>> = vec![Box::new(stack), Box::new(in_block), Box::new(in_exit)];
        KEPT.set(kept);
    })
    .join()
    .unwrap();
    runtime.block_on(drain(ENOUGH)).unwrap();
    assert_eq!(exits.load(Ordering::Relaxed), 3);
}

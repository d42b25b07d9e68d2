//! Where a cleanup can be detached, and where it runs then.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Id};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use withal::cleanup::{Cleanup, detach, drain};

use super::Heard;

const ENOUGH: Duration = Duration::from_secs(60);

/// Detaches as it is dropped, and sends where the cleanup ran.
struct Owner(Option<oneshot::Sender<Id>>, Option<Handle>);

impl Owner {
    fn new(home: Option<Handle>) -> (Self, oneshot::Receiver<Id>) {
        let (sender, ran_on) = oneshot::channel();
        (Self(Some(sender), home), ran_on)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let sender = self.0.take().unwrap();
        Cleanup::new(async { sender.send(Handle::current().id()) }).fallback_runtime(self.1.take()).detach();
    }
}

#[tokio::test]
async fn while_a_panic_unwinds() {
    let (owner, ran_on) = Owner::new(None);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _owner = owner;
        panic!("with an owner in scope");
    }));
    assert!(panicked.is_err());
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.await, Ok(Handle::current().id()));
}

/// Panics as it is dropped.
struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        panic!("in a destructor, while another panic unwinds");
    }
}

/// Detaches as it is dropped what panics as it is dropped.
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
fn while_a_panic_unwinds_and_no_runtime_is() {
    let heard = Heard::of("unwinding");
    let panicked = catch_unwind(|| {
        let _owner = OwnerOfExplodes;
        panic!("with an owner in scope");
    });
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"with an owner in scope"));
    assert_eq!(heard.words(), ["abandoned: no runtime to spawn it on"]);
}

#[tokio::test]
async fn when_a_task_is_aborted() {
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
async fn on_several_threads() {
    let (owner, ran_on) = Owner::new(None);
    tokio::spawn(async move { drop(owner) }).await.unwrap();
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.await, Ok(Handle::current().id()));
}

#[tokio::test]
async fn when_a_local_set_is_dropped() {
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
fn at_home_when_it_is_dropped_elsewhere() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let (owner, ran_on) = Owner::new(Some(runtime.handle().clone()));
    drop(owner);
    runtime.block_on(async {
        drain(ENOUGH).await.unwrap();
        assert_eq!(ran_on.await, Ok(Handle::current().id()));
    });
}

#[test]
fn at_home_when_its_thread_ends() {
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
fn where_it_is_dropped_rather_than_at_home() {
    let [home, here] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    let (owner, ran_on) = Owner::new(Some(home.handle().clone()));
    here.block_on(async {
        drop(owner);
        drain(ENOUGH).await.unwrap();
        assert_eq!(ran_on.await, Ok(Handle::current().id()));
    });
}

#[test]
fn on_a_runtime_without_a_timer() {
    let heard = Heard::of("timeless");
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        Cleanup::new(pending::<Result<(), ()>>())
            .name("timeless")
            .grace_period(Duration::from_millis(1))
            .detach();
        drain(ENOUGH).await.unwrap();
        assert_eq!(heard.words(), ["abandoned: its grace period elapsed"]);
        detach(pending::<Result<(), ()>>());
        assert_eq!(drain(Duration::from_millis(1)).await.unwrap_err().pending, 1);
    });
}

#[tokio::test]
async fn it_does_not_begin_in_the_destructor() {
    let (sender, ran_on) = oneshot::channel();
    detach(async { sender.send(()) });
    let mut ran_on = ran_on;
    assert!(ran_on.try_recv().is_err());
    detach(ready(Ok::<_, ()>(())));
    drain(ENOUGH).await.unwrap();
    assert_eq!(ran_on.try_recv(), Ok(()));
}

#[test]
fn on_a_runtime_of_ones_choice_whichever_is_current() {
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

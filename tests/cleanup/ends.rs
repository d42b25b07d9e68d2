//! How a cleanup ends, and what is told of it.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, CleanupEvent, detach, drain, observe, pending as under_way};

use super::Heard;

const ENOUGH: Duration = Duration::from_secs(60);

/// What was done, in order.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// Says when it is dropped.
struct Says(Log, &'static str);

impl Drop for Says {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

/// The log of a cleanup, with the word of whoever observes it.
fn log_of(name: &'static str) -> (Log, withal::cleanup::ObserverGuard) {
    let log = Log::default();
    let told = Arc::clone(&log);
    let observer = observe(move |event| {
        if event.name() == name {
            told.lock().unwrap().push("told");
        }
    });
    (log, observer)
}

#[tokio::test]
async fn done_is_told_to_nobody() {
    let heard = Heard::of("done");
    let ran = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&ran);
    let work = async move {
        yield_now().await;
        done.store(true, Ordering::Relaxed);
        Ok::<_, ()>(())
    };
    Cleanup::new(work).name("done").detach();
    assert!(!ran.load(Ordering::Relaxed), "it is a task, and the caller goes on first");
    drain(ENOUGH).await.unwrap();
    assert!(ran.load(Ordering::Relaxed));
    assert!(heard.words().is_empty());
}

#[tokio::test]
async fn an_error_is_told_with_its_value() {
    let heard = Heard::of("fails");
    Cleanup::new(ready(Err("no such lease"))).name("fails").detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(heard.words(), ["failed: no such lease"]);
}

fn typed<F: Future<Output = Result<(), ()>>>(work: F) -> F {
    work
}

#[tokio::test]
async fn a_panic_is_told_with_its_payload() {
    let heard = Heard::of("panics");
    let work = async {
        yield_now().await;
        panic!("in a cleanup");
    };
    Cleanup::new(typed(work)).name("panics").detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(heard.words(), ["panicked: in a cleanup"]);
}

/// Panics as it is dropped.
struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

#[tokio::test]
async fn a_panic_in_its_destructor_is_one_of_its_own() {
    let heard = Heard::of("destructor");
    let local = async {
        let _explodes = Explodes;
        yield_now().await;
        Ok::<_, ()>(())
    };
    Cleanup::new(local).name("destructor").detach();
    let explodes = Explodes;
    let captured = async move {
        let _explodes = &explodes;
        pending::<Result<(), ()>>().await
    };
    Cleanup::new(captured).name("destructor").grace_period(Duration::ZERO).detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(heard.words(), ["panicked: in a destructor", "panicked: in a destructor"]);
}

#[tokio::test]
async fn what_takes_longer_than_its_grace_is_lost() {
    let heard = Heard::of("slow");
    Cleanup::new(pending::<Result<(), ()>>()).name("slow").grace_period(Duration::from_millis(1)).detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(heard.words(), ["abandoned: its grace period elapsed"]);
}

#[tokio::test]
async fn what_is_ready_at_once_needs_no_grace() {
    let heard = Heard::of("graceless");
    Cleanup::new(ready(Ok::<_, ()>(()))).name("graceless").grace_period(Duration::ZERO).detach();
    drain(ENOUGH).await.unwrap();
    assert!(heard.words().is_empty());
}

#[tokio::test(start_paused = true)]
async fn graces_are_not_of_tokios_clock() {
    let heard = Heard::of("paused");
    let work = async {
        tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
        Ok::<_, ()>(())
    };
    Cleanup::new(work).name("paused").detach();
    drain(ENOUGH).await.unwrap();
    assert!(heard.words().is_empty(), "a day of the paused clock is no half minute of the wall's");
}

#[test]
fn where_no_runtime_is_it_is_lost() {
    let heard = Heard::of("nowhere");
    Cleanup::new(ready(Ok::<_, ()>(()))).name("nowhere").detach();
    assert_eq!(heard.words(), ["abandoned: no runtime to spawn it on"]);
}

#[test]
fn on_a_runtime_that_shuts_down_it_is_lost() {
    let heard = Heard::of("shut down");
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        Cleanup::new(pending::<Result<(), ()>>()).name("shut down").detach();
        yield_now().await;
    });
    {
        let _inside = runtime.enter();
        Cleanup::new(ready(Ok::<_, ()>(()))).name("shut down").detach();
        assert_eq!(under_way(), 2, "one in the middle, one that has not begun");
    }
    drop(runtime);
    assert_eq!(heard.words(), ["abandoned: its runtime shut down"; 2]);
}

#[test]
fn on_a_runtime_that_is_gone_it_is_lost() {
    let heard = Heard::of("gone");
    let runtime = Builder::new_current_thread().build().unwrap();
    let home = runtime.handle().clone();
    drop(runtime);
    Cleanup::new(ready(Ok::<_, ()>(()))).name("gone").fallback_runtime(Some(home.clone())).detach();
    assert_eq!(heard.words(), ["abandoned: its runtime shut down"]);
    let _inside = home.enter();
    assert_eq!(under_way(), 0);
}

#[tokio::test]
async fn it_is_dropped_before_anybody_is_told() {
    for grace in [Duration::ZERO, ENOUGH] {
        let (log, _observer) = log_of("dropped first");
        let says = Says(Arc::clone(&log), "dropped");
        let work = async move {
            let _says = says;
            if grace.is_zero() { pending().await } else { Err("at once") }
        };
        Cleanup::new(work).name("dropped first").grace_period(grace).detach();
        drain(ENOUGH).await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["dropped", "told"], "grace {grace:?}");
    }
}

#[test]
fn it_is_dropped_before_anybody_is_told_of_its_loss() {
    let (log, _observer) = log_of("dropped first, lost");
    let works = [(); 3].map(|()| {
        let says = Says(Arc::clone(&log), "dropped");
        let work = async move {
            let _says = &says;
            pending::<Result<(), ()>>().await
        };
        Cleanup::new(work).name("dropped first, lost")
    });
    let [nowhere, begun, unbegun] = works;
    nowhere.detach();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        begun.detach();
        yield_now().await;
        unbegun.detach();
    });
    drop(runtime);
    assert_eq!(*log.lock().unwrap(), ["dropped", "told"].repeat(3));
}

#[tokio::test]
async fn an_unnamed_one_is_named_after_its_type() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&names);
    let _observer = observe(move |event| {
        if let CleanupEvent::Failed { name, error, .. } = event {
            if error.is::<Unnamed>() {
                heard.lock().unwrap().push(*name);
            }
        }
    });
    detach(ready(Err(Unnamed)));
    drain(ENOUGH).await.unwrap();
    assert_eq!(*names.lock().unwrap(), [std::any::type_name::<std::future::Ready<Result<(), Unnamed>>>()]);
}

struct Unnamed;

#[tokio::test]
async fn undetached_it_does_nothing() {
    let heard = Heard::of("undetached");
    let cleanup = Cleanup::new(ready(Err::<(), _>("not run"))).name("undetached");
    assert_eq!(format!("{cleanup:?}"), r#"Cleanup { name: "undetached", grace: 30s, .. }"#);
    drop(cleanup);
    assert_eq!(under_way(), 0);
    drain(ENOUGH).await.unwrap();
    assert!(heard.words().is_empty());
}

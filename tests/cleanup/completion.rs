//! The outcomes of a cleanup, and the events that report them.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, CleanupEvent, detach, drain, observe, pending as pending_count};

use super::RecordedEvents;

const ENOUGH: Duration = Duration::from_secs(60);

/// The entries in the order in which they were recorded.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// Records an entry when it is dropped.
struct RecordOnDrop(Log, &'static str);

impl Drop for RecordOnDrop {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

/// A log in which an observer records the events of one cleanup.
fn log_of(name: &'static str) -> (Log, withal::cleanup::ObserverGuard) {
    let log = Log::default();
    let notified = Arc::clone(&log);
    let observer = observe(move |event| {
        if event.name() == name {
            notified.lock().unwrap().push("notified");
        }
    });
    (log, observer)
}

#[tokio::test]
async fn success_is_not_reported() {
    let events = RecordedEvents::of("done");
    let ran = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&ran);
    let work = async move {
        yield_now().await;
        done.store(true, Ordering::Relaxed);
        Ok::<_, ()>(())
    };
    Cleanup::new(work).name("done").detach();
    assert!(!ran.load(Ordering::Relaxed), "a cleanup is a task, and starts after the caller yields");
    drain(ENOUGH).await.unwrap();
    assert!(ran.load(Ordering::Relaxed));
    assert!(events.entries().is_empty());
}

#[tokio::test]
async fn a_failure_is_reported_with_its_error() {
    let events = RecordedEvents::of("fails");
    Cleanup::new(ready(Err("no such lease"))).name("fails").detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(events.entries(), ["failed: no such lease"]);
}

fn typed<F: Future<Output = Result<(), ()>>>(work: F) -> F {
    work
}

#[tokio::test]
async fn a_panic_is_reported_with_its_payload() {
    let events = RecordedEvents::of("panics");
    let work = async {
        yield_now().await;
        panic!("in a cleanup");
    };
    Cleanup::new(typed(work)).name("panics").detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(events.entries(), ["panicked: in a cleanup"]);
}

/// Panics when it is dropped.
struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

#[tokio::test]
async fn a_panic_of_a_destructor_is_reported_as_a_panic_of_the_cleanup() {
    let events = RecordedEvents::of("destructor");
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
    assert_eq!(events.entries(), ["panicked: in a destructor", "panicked: in a destructor"]);
}

#[tokio::test]
async fn a_cleanup_that_exceeds_its_grace_period_is_abandoned() {
    let events = RecordedEvents::of("slow");
    Cleanup::new(pending::<Result<(), ()>>()).name("slow").grace_period(Duration::from_millis(1)).detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(events.entries(), ["abandoned: its grace period elapsed"]);
}

#[tokio::test]
async fn a_cleanup_that_is_ready_at_once_needs_no_grace_period() {
    let events = RecordedEvents::of("ready at once");
    Cleanup::new(ready(Ok::<_, ()>(()))).name("ready at once").grace_period(Duration::ZERO).detach();
    drain(ENOUGH).await.unwrap();
    assert!(events.entries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn grace_periods_are_wall_clock_time() {
    let events = RecordedEvents::of("paused");
    let work = async {
        tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
        Ok::<_, ()>(())
    };
    Cleanup::new(work).name("paused").detach();
    drain(ENOUGH).await.unwrap();
    assert!(events.entries().is_empty(), "a day on the paused clock passes within the grace period");
}

#[test]
fn a_cleanup_outside_of_a_runtime_is_abandoned() {
    let events = RecordedEvents::of("nowhere");
    Cleanup::new(ready(Ok::<_, ()>(()))).name("nowhere").detach();
    assert_eq!(events.entries(), ["abandoned: no runtime to spawn it on"]);
}

#[test]
fn a_cleanup_is_abandoned_when_its_runtime_shuts_down() {
    let events = RecordedEvents::of("shut down");
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        Cleanup::new(pending::<Result<(), ()>>()).name("shut down").detach();
        yield_now().await;
    });
    {
        let _inside = runtime.enter();
        Cleanup::new(ready(Ok::<_, ()>(()))).name("shut down").detach();
        assert_eq!(pending_count(), 2, "one has started, the other has not");
    }
    drop(runtime);
    assert_eq!(events.entries(), ["abandoned: its runtime shut down"; 2]);
}

#[test]
fn a_cleanup_for_a_runtime_that_has_shut_down_is_abandoned() {
    let events = RecordedEvents::of("gone");
    let runtime = Builder::new_current_thread().build().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    Cleanup::new(ready(Ok::<_, ()>(()))).name("gone").fallback_runtime(handle.clone()).detach();
    assert_eq!(events.entries(), ["abandoned: its runtime shut down"]);
    let _inside = handle.enter();
    assert_eq!(pending_count(), 0);
}

#[tokio::test]
async fn a_cleanup_is_dropped_before_the_observers_are_notified() {
    for grace in [Duration::ZERO, ENOUGH] {
        let (log, _observer) = log_of("dropped first");
        let record = RecordOnDrop(Arc::clone(&log), "dropped");
        let work = async move {
            let _record = record;
            if grace.is_zero() { pending().await } else { Err("at once") }
        };
        Cleanup::new(work).name("dropped first").grace_period(grace).detach();
        drain(ENOUGH).await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["dropped", "notified"], "grace period {grace:?}");
    }
}

#[test]
fn an_abandoned_cleanup_is_dropped_before_the_observers_are_notified() {
    let (log, _observer) = log_of("dropped first, abandoned");
    let works = [(); 3].map(|()| {
        let record = RecordOnDrop(Arc::clone(&log), "dropped");
        let work = async move {
            let _record = &record;
            pending::<Result<(), ()>>().await
        };
        Cleanup::new(work).name("dropped first, abandoned")
    });
    let [nowhere, started, unstarted] = works;
    nowhere.detach();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        started.detach();
        yield_now().await;
        unstarted.detach();
    });
    drop(runtime);
    assert_eq!(*log.lock().unwrap(), ["dropped", "notified"].repeat(3));
}

#[tokio::test]
async fn the_default_name_is_the_type_of_the_work() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&names);
    let _observer = observe(move |event| {
        if let CleanupEvent::Failed { name, error, .. } = event {
            if error.is::<Unnamed>() {
                recorded.lock().unwrap().push(*name);
            }
        }
    });
    detach(ready(Err(Unnamed)));
    drain(ENOUGH).await.unwrap();
    assert_eq!(*names.lock().unwrap(), ["core::future::ready::Ready"]);
}

#[derive(Debug)]
struct Unnamed;

#[tokio::test]
async fn a_cleanup_that_is_not_detached_does_nothing() {
    let events = RecordedEvents::of("undetached");
    let cleanup = Cleanup::new(ready(Err::<(), _>("not run"))).name("undetached");
    assert_eq!(format!("{cleanup:?}"), r#"Cleanup { name: "undetached", grace_period: 30s, .. }"#);
    drop(cleanup);
    assert_eq!(pending_count(), 0);
    drain(ENOUGH).await.unwrap();
    assert!(events.entries().is_empty());
}

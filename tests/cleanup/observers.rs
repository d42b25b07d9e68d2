//! Observers: registration, notification and removal.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::yield_now;
use withal::cleanup::{Cleanup, drain, observe, pending};

use super::RecordedEvents;

const ENOUGH: Duration = Duration::from_secs(60);

fn fail(name: &'static str) {
    Cleanup::new(ready(Err("as reported"))).name(name).detach();
}

#[tokio::test]
async fn several_observers_are_notified() {
    let (first, second) = (RecordedEvents::of("several"), RecordedEvents::of("several"));
    fail("several");
    drain(ENOUGH).await.unwrap();
    assert_eq!(first.entries(), ["failed: as reported"]);
    assert_eq!(second.entries(), ["failed: as reported"]);
}

#[tokio::test]
async fn a_dropped_guard_removes_its_hook() {
    let kept = RecordedEvents::of("until dropped");
    let entries = Arc::new(Mutex::new(0));
    let recorded = Arc::clone(&entries);
    let dropped = observe(move |event| {
        if event.name() == "until dropped" {
            *recorded.lock().unwrap() += 1;
        }
    });
    assert_eq!(format!("{dropped:?}"), "ObserverGuard { .. }");
    fail("until dropped");
    drain(ENOUGH).await.unwrap();
    drop(dropped);
    assert_eq!(Arc::strong_count(&entries), 1, "the hook is gone");
    fail("until dropped");
    drain(ENOUGH).await.unwrap();
    assert_eq!((*entries.lock().unwrap(), kept.entries().len()), (1, 2));
}

#[tokio::test]
async fn a_panicking_hook_does_not_affect_the_others() {
    let before = RecordedEvents::of("panicking observer");
    let _panics = observe(|event| assert_ne!(event.name(), "panicking observer", "a hook panics"));
    let after = RecordedEvents::of("panicking observer");
    fail("panicking observer");
    drain(ENOUGH).await.unwrap();
    assert_eq!(before.entries(), after.entries());
    assert_eq!(after.entries(), ["failed: as reported"]);
}

#[tokio::test]
async fn a_hook_may_register_a_hook_and_detach_a_cleanup() {
    let nested = RecordedEvents::of("nested");
    let _observer = observe(|event| {
        if event.name() == "nesting" {
            drop(observe(|_| {}));
            fail("nested");
        }
    });
    fail("nesting");
    drain(ENOUGH).await.unwrap();
    assert_eq!(nested.entries(), ["failed: as reported"], "drain also waits for what a hook detaches");
}

#[tokio::test]
async fn a_cleanup_is_pending_while_its_observers_are_notified() {
    let counted = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&counted);
    let _observer = observe(move |event| {
        if event.name() == "counted" {
            seen.lock().unwrap().push(pending());
        }
    });
    fail("counted");
    Cleanup::new(async {
        yield_now().await;
        Err("later")
    })
    .name("counted")
    .detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(*counted.lock().unwrap(), [2, 1], "so drain returns after them");
}

#[test]
fn display_of_events() {
    let entries = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&entries);
    let _observer = observe(move |event| {
        if event.name() == "displayed" {
            recorded.lock().unwrap().push(event.to_string());
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        fail("displayed");
        Cleanup::new(async { if true { panic!("displayed") } else { Ok::<_, ()>(()) } })
            .name("displayed")
            .detach();
        drain(ENOUGH).await.unwrap();
    });
    Cleanup::new(ready(Ok::<_, ()>(()))).name("displayed").detach();
    assert_eq!(
        *entries.lock().unwrap(),
        [
            "cleanup displayed failed",
            "cleanup displayed panicked",
            "cleanup displayed was abandoned: no runtime to spawn it on"
        ]
    );
}

//! Who is told, and until when.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::yield_now;
use withal::cleanup::{Cleanup, drain, observe, pending};

use super::Heard;

const ENOUGH: Duration = Duration::from_secs(60);

fn fail(name: &'static str) {
    Cleanup::new(ready(Err("as told"))).name(name).detach();
}

#[tokio::test]
async fn there_may_be_several() {
    let (first, second) = (Heard::of("several"), Heard::of("several"));
    fail("several");
    drain(ENOUGH).await.unwrap();
    assert_eq!(first.words(), ["failed: as told"]);
    assert_eq!(second.words(), ["failed: as told"]);
}

#[tokio::test]
async fn one_that_is_dropped_is_told_no_more() {
    let stays = Heard::of("until dropped");
    let words = Arc::new(Mutex::new(0));
    let heard = Arc::clone(&words);
    let goes = observe(move |event| {
        if event.name() == "until dropped" {
            *heard.lock().unwrap() += 1;
        }
    });
    assert_eq!(format!("{goes:?}"), "ObserverGuard { .. }");
    fail("until dropped");
    drain(ENOUGH).await.unwrap();
    drop(goes);
    assert_eq!(Arc::strong_count(&words), 1, "the hook is gone");
    fail("until dropped");
    drain(ENOUGH).await.unwrap();
    assert_eq!((*words.lock().unwrap(), stays.words().len()), (1, 2));
}

#[tokio::test]
async fn one_that_panics_keeps_it_from_nobody() {
    let before = Heard::of("panicking observer");
    let _panics = observe(|event| assert_ne!(event.name(), "panicking observer", "an observer panics"));
    let after = Heard::of("panicking observer");
    fail("panicking observer");
    drain(ENOUGH).await.unwrap();
    assert_eq!(before.words(), after.words());
    assert_eq!(after.words(), ["failed: as told"]);
}

#[tokio::test]
async fn one_may_observe_and_detach_in_its_turn() {
    let nested = Heard::of("nested");
    let _observer = observe(|event| {
        if event.name() == "nesting" {
            drop(observe(|_| {}));
            fail("nested");
        }
    });
    fail("nesting");
    drain(ENOUGH).await.unwrap();
    assert_eq!(nested.words(), ["failed: as told"], "what is detached meanwhile is waited for");
}

#[tokio::test]
async fn they_are_told_while_it_is_still_counted() {
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
    assert_eq!(*counted.lock().unwrap(), [2, 1], "whoever drains comes after them");
}

#[test]
fn events_in_words() {
    let words = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&words);
    let _observer = observe(move |event| {
        if event.name() == "in words" {
            heard.lock().unwrap().push(event.to_string());
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        fail("in words");
        Cleanup::new(async { if true { panic!("in words") } else { Ok::<_, ()>(()) } })
            .name("in words")
            .detach();
        drain(ENOUGH).await.unwrap();
    });
    Cleanup::new(ready(Ok::<_, ()>(()))).name("in words").detach();
    assert_eq!(
        *words.lock().unwrap(),
        [
            "cleanup in words failed",
            "cleanup in words panicked",
            "cleanup in words was abandoned: no runtime to spawn it on"
        ]
    );
}

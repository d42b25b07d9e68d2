//! `observe` and `progress`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::pages::{Event, Page, Progress, by_cursor};

use crate::support::{Api, Fault, trace};

#[tokio::test(start_paused = true)]
async fn every_event_is_told_as_it_happens() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let policy = backon::ConstantBuilder::default().with_delay(Duration::from_secs(2)).with_max_times(1);
    let docs = Api::new([2, 1]).fail(1, 3).by_cursor().retry(policy);
    let mut docs = docs.observe(move |event| {
        lines.lock().unwrap().push(match event {
            Event::Asked { page, cursor, attempt } => format!("asked {page} {cursor:?} {attempt}"),
            Event::Arrived { page, cursor, items } => format!("arrived {page} {cursor:?} {items}"),
            Event::Retrying { page, attempt, delay, error, .. } => {
                format!("retrying {page} {attempt} {delay:?} {error}")
            }
            Event::Failed { page, attempts, error, .. } => format!("failed {page} {attempts} {error}"),
            other => unreachable!("{other:?}"),
        });
    });
    trace(&mut docs).await;
    docs.retry_failed();
    trace(&mut docs).await;
    let expected = [
        "asked 1 None 1",
        "arrived 1 None 2",
        "asked 2 Some(1) 1",
        "retrying 2 1 2s fault on page 1",
        "asked 2 Some(1) 2",
        "failed 2 2 fault on page 1",
        "asked 2 Some(1) 1",
        "retrying 2 1 2s fault on page 1",
        "asked 2 Some(1) 2",
        "arrived 2 Some(1) 1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn progress_counts_items_yielded_and_pages_arrived() {
    let mut docs = by_cursor(|at: Option<u64>| async move {
        let page = Page::new(vec![1, 2], at.is_none().then_some(1));
        Ok::<_, Fault>(page.total(at.is_none().then_some(4)))
    });
    let counts = |p: Progress| (p.items, p.pages, p.retries, p.total, p.fraction());
    assert_eq!(counts(docs.progress()), (0, 0, 0, None, None));
    assert_eq!(docs.buffered(), 0);
    docs.try_next().await.unwrap();
    assert_eq!(docs.buffered(), 1);
    assert_eq!(counts(docs.progress()), (1, 1, 0, Some(4), Some(0.25)));
    docs.try_next().await.unwrap();
    docs.try_next().await.unwrap();
    // The second page tells no total: what was told last stands.
    assert_eq!(counts(docs.progress()), (3, 2, 0, Some(4), Some(0.75)));
    assert_eq!(
        format!("{docs:?}"),
        "AsyncGetDocs { buffered: 1, progress: Progress { items: 3, pages: 2, retries: 0, total: Some(4) }, \
         checkpoint: Checkpoint { cursor: Some(1), skip: 1, items: 3, pages: 1, done: false }, .. }"
    );
}

#[tokio::test]
async fn the_empty_page_at_the_end_is_not_counted() {
    let mut docs = Api::new([2, 2]).by_page_number();
    trace(&mut docs).await;
    assert_eq!(docs.progress().pages, 2);
}

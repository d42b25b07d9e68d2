//! `on_event` and `progress`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::pages::{Event, OnError, Page, Progress, by_cursor, by_page_number};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::trace;

#[tokio::test(start_paused = true)]
async fn every_event_is_observed_as_it_happens() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let policy = backon::ConstantBuilder::default().with_delay(Duration::from_secs(2)).with_max_times(1);
    let docs = Api::numbers([2, 1]).fail(1, 3).by_cursor().retry(policy);
    let mut docs = docs.on_event(move |event| {
        lines.lock().unwrap().push(match event {
            Event::Request { page, cursor, attempt, .. } => format!("request {page} {cursor:?} {attempt}"),
            Event::Response { page, cursor, items, .. } => format!("response {page} {cursor:?} {items}"),
            Event::Retry { page, attempt, delay, error, .. } => {
                format!("retry {page} {attempt} {delay:?} {error}")
            }
            Event::Failure { page, attempts, error, .. } => format!("failure {page} {attempts} {error}"),
            other => unreachable!("{other:?}"),
        });
    });
    trace(&mut docs).await;
    docs.retry_failed();
    trace(&mut docs).await;
    let expected = [
        "request 1 None 1",
        "response 1 None 2",
        "request 2 Some(1) 1",
        "retry 2 1 2s fault on page 1",
        "request 2 Some(1) 2",
        "failure 2 2 fault on page 1",
        "request 2 Some(1) 1",
        "retry 2 1 2s fault on page 1",
        "request 2 Some(1) 2",
        "response 2 Some(1) 1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn progress_counts_yielded_items_and_delivered_pages() {
    let mut docs = by_cursor(|at: Option<u64>| async move {
        let page = Page::new(vec![1, 2], at.is_none().then_some(1));
        Ok::<_, Fault>(page.total(at.is_none().then_some(4)))
    });
    let counts = |p: Progress| (p.items, p.pages, p.retries, p.total, p.fraction());
    assert_eq!(counts(docs.progress()), (0, 0, 0, None, None));
    assert_eq!(docs.buffered_len(), 0);
    docs.try_next().await.unwrap();
    assert_eq!(docs.buffered_len(), 1);
    assert_eq!(counts(docs.progress()), (1, 1, 0, Some(4), Some(0.25)));
    docs.try_next().await.unwrap();
    docs.try_next().await.unwrap();
    // The second page has no total: the last one that was reported remains.
    assert_eq!(counts(docs.progress()), (3, 2, 0, Some(4), Some(0.75)));
    assert_eq!(
        format!("{docs:?}"),
        "AsyncGetDocs { buffered_len: 1, progress: Progress { items: 3, pages: 2, retries: 0, total: Some(4) }, \
         checkpoint: Checkpoint { cursor: Some(1), skip: 1, items: 3, pages: 1, done: false, total: Some(4), \
         content: None }, .. }"
    );
}

#[tokio::test]
async fn the_empty_page_at_the_end_does_not_count() {
    let mut docs = Api::numbers([2, 2]).by_page_number();
    trace(&mut docs).await;
    assert_eq!(docs.progress().pages, 2);
}

#[test]
fn the_fraction_is_known_if_the_total_is() {
    assert_eq!(Progress::default().fraction(), None);
    // The items of a page, the total that it reports, the fraction after it.
    for (items, total, share) in
        [(1, 4, 0.25), (3, 4, 0.75), (4, 4, 1.0), (5, 4, 1.0), (0, 4, 0.0), (0, 0, 1.0)]
    {
        let mut docs = by_cursor(move |_: Option<u8>| async move {
            Ok::<_, Fault>(Page::new(vec![0; items], None).total(total))
        });
        futures::executor::block_on(trace(&mut docs));
        assert_eq!(docs.progress().fraction(), Some(share), "{items} of {total}");
    }
}

#[tokio::test]
async fn the_total_of_a_numbered_page_is_reported() {
    for concurrency in [1, 2] {
        let docs = by_page_number(0, |page| async move {
            Ok::<_, Fault>(Page::new(vec![page], None).total(2 + page).has_more(page < 1))
        });
        let mut docs = docs.concurrency(concurrency);
        docs.try_next().await.unwrap();
        assert_eq!(docs.progress().total, Some(2), "the page ahead does not count yet");
        docs.try_next().await.unwrap();
        assert_eq!(docs.progress().total, Some(3), "as the API last reported it");
    }
}

#[tokio::test]
async fn pages_count_when_they_are_delivered() {
    for read_ahead in [0, 2] {
        let api = Api::numbers([1, 0, 1, 1]);
        let mut docs = api.by_cursor().read_ahead(read_ahead);
        for pages in [1, 3, 4] {
            docs.try_next().await.unwrap();
            assert_eq!(
                docs.progress().pages,
                pages,
                "an empty page between others counts, a page ahead does not"
            );
            assert_eq!(docs.checkpoint().pages(), pages);
        }
    }
}

#[tokio::test]
async fn the_response_of_a_page_fetched_ahead_precedes_its_delivery() {
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&arrived);
    let docs = Api::numbers([2, 1, 1]).by_cursor().read_ahead(1).on_event(move |event| {
        if let Event::Response { page, .. } = event {
            log.lock().unwrap().push(*page);
        }
    });
    let mut docs = docs;
    docs.try_next().await.unwrap();
    assert_eq!(*arrived.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn the_request_event_follows_before_request_and_a_restart_has_the_new_cursor() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (hook, lines) = (Arc::clone(&log), Arc::clone(&log));
    let docs = Api::numbers([1, 1, 1]).fail(1, 1).by_cursor();
    let docs = docs.classify(|_| OnError::Restart { cursor: Some(2) }).before_request(move || {
        hook.lock().unwrap().push("before_request".to_owned());
        std::future::ready(())
    });
    let mut docs = docs.on_event(move |event| {
        lines.lock().unwrap().push(match event {
            Event::Request { page, cursor, attempt, .. } => format!("request {page} {cursor:?} {attempt}"),
            Event::Response { page, cursor, .. } => format!("response {page} {cursor:?}"),
            Event::Retry { page, cursor, delay, .. } => format!("retry {page} {cursor:?} {delay:?}"),
            other => unreachable!("{other:?}"),
        });
    });
    assert_eq!(trace(&mut docs).await, "0 2 end");
    let expected = [
        "before_request",
        "request 1 None 1",
        "response 1 None",
        "before_request",
        "request 2 Some(1) 1",
        "retry 2 Some(2) 0ns",
        "before_request",
        "request 2 Some(2) 2",
        "response 2 Some(2)",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn page_positions_count_earlier_runs() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (0, 3)] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let api = Api::numbers([2, 2, 2, 2]);
        let mut docs = api.by_page_number();
        for _ in 0..3 {
            docs.try_next().await.unwrap();
        }
        let docs = api.by_page_number().resume(docs.checkpoint()).max_pages(4);
        let mut docs = docs.read_ahead(read_ahead).concurrency(concurrency).on_event(move |event| {
            if let Event::Request { page, cursor, .. } = event {
                lines.lock().unwrap().push((*page, cursor.map(|cursor| cursor.get())));
            }
        });
        assert_eq!(trace(&mut docs).await, "3 4 5 6 7 end");
        assert_eq!(
            *log.lock().unwrap(),
            [(2, Some(1)), (3, Some(2)), (4, Some(3))],
            "concurrency {concurrency}"
        );
    }
}

//! The end compared with the total that the API reported: `expect_total`, `Event::EndedShort`, `Progress::total`.

use std::sync::{Arc, Mutex};

use withal::pages::{
    AsyncGetDocs, Checkpoint, ErrorKind, Event, OnEmpty, OnError, Page, PageNumber, by_cursor, by_page_number,
};

use withal_test_support::api::Fault;
use withal_test_support::trace::trace;

/// Numbered pages with these items and totals; empty pages without a total after them.
fn totals(pages: &'static [(usize, Option<u64>)]) -> AsyncGetDocs<u64, PageNumber, Fault> {
    by_page_number(0, move |number| async move {
        let (len, total) = pages.get(usize::try_from(number).unwrap()).copied().unwrap_or_default();
        Ok::<_, Fault>(Page::new((0..len as u64).map(|item| number * 10 + item).collect(), None).total(total))
    })
}

type Log = Arc<Mutex<Vec<String>>>;

/// Adds the events about the end to a log.
fn logged<C: withal::pages::Cursor>(docs: AsyncGetDocs<u64, C, Fault>) -> (AsyncGetDocs<u64, C, Fault>, Log) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let docs = docs.on_event(move |event| match event {
        Event::EndedShort { items, total, .. } => {
            lines.lock().unwrap().push(format!("short {items} of {total}"));
        }
        Event::EndedByError { page, cursor, attempts, error, .. } => {
            lines.lock().unwrap().push(format!("{page} {cursor:?} {attempts} {error}"));
        }
        Event::Failure { page, .. } => lines.lock().unwrap().push(format!("failure {page}")),
        _ => {}
    });
    (docs, log)
}

#[tokio::test]
async fn a_stream_that_ends_short_is_reported_by_kind() {
    type Row = (&'static str, &'static [(usize, Option<u64>)], Option<(u64, u64)>);
    let table: &[Row] = &[
        ("no total", &[(2, None), (1, None)], None),
        ("all of them", &[(2, Some(3)), (1, Some(3))], None),
        ("more than the total", &[(2, Some(2)), (1, Some(2))], None),
        ("one is missing", &[(2, Some(4)), (1, Some(4))], Some((3, 4))),
        ("reported once, by the first page", &[(2, Some(5)), (1, None)], Some((3, 5))),
        ("reported by the last page only", &[(2, None), (1, Some(9))], Some((3, 9))),
        ("a total that shrinks to the length of the page", &[(2, Some(4)), (1, Some(1))], Some((3, 4))),
        ("a total that grows", &[(2, Some(3)), (1, Some(4))], Some((3, 4))),
        ("zero at the end", &[(2, Some(2)), (0, Some(0))], None),
        ("nothing of something", &[(0, Some(7))], Some((0, 7))),
    ];
    for (name, pages, short) in table {
        for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
            for expected in [false, true] {
                let (docs, log) = logged(totals(pages).read_ahead(read_ahead).concurrency(concurrency));
                let mut docs = if expected { docs.expect_total() } else { docs };
                let output = trace(&mut docs).await;
                let event = short.map(|(items, total)| format!("short {items} of {total}"));
                assert_eq!(*log.lock().unwrap(), Vec::from_iter(event), "{name}");
                let error = short
                    .map(|(items, total)| format!(": the stream ended after {items} of {total} items; end"));
                if let Some(error) = error.filter(|_| expected) {
                    assert!(output.ends_with(&error), "{name}: {output}");
                    assert!(!docs.checkpoint().is_done(), "{name}");
                    assert!(!docs.retry_failed(), "{name}");
                } else {
                    assert!(!output.contains('!'), "{name}: {output}");
                    assert!(docs.checkpoint().is_done(), "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn limits_end_a_stream_without_a_comparison() {
    for configure in
        [|docs: AsyncGetDocs<_, _, _>| docs.max_items(3), |docs: AsyncGetDocs<_, _, _>| docs.max_pages(1)]
    {
        let (docs, log) = logged(totals(&[(2, Some(9)), (2, Some(9)), (2, Some(9))]));
        let output = trace(&mut configure(docs).expect_total()).await;
        assert!(!output.contains('!'), "{output}");
        assert!(log.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_resumed_stream_knows_the_total_and_the_items_before() {
    for taken in 0..=3 {
        // Only the first page reports the total.
        let mut docs = totals(&[(2, Some(4)), (1, None)]);
        for _ in 0..taken {
            docs.try_next().await.unwrap();
        }
        assert_eq!(docs.progress().total, (taken > 0).then_some(4));
        let json = serde_json::to_string(&docs.checkpoint()).unwrap();
        let checkpoint: Checkpoint<PageNumber> = serde_json::from_str(&json).unwrap();
        assert_eq!(checkpoint.total(), (taken > 0).then_some(4));
        let mut docs = totals(&[(2, Some(4)), (1, None)]).expect_total().resume(checkpoint);
        assert_eq!(docs.progress().total, (taken > 0).then_some(4));
        let output = trace(&mut docs).await;
        assert!(output.ends_with("the stream ended after 3 of 4 items; end"), "after {taken}: {output}");

        // The API is complete again: the checkpoint of the error continues where it ended.
        let mut docs = totals(&[(2, Some(4)), (1, None), (1, None)]).expect_total().resume(docs.checkpoint());
        assert_eq!(trace(&mut docs).await, "20 end");
    }
}

#[tokio::test]
async fn a_cursor_stream_that_ended_short_resumes_inside_its_last_page() {
    let stream = |last: u64| {
        by_cursor(move |at: Option<u64>| async move {
            let at = at.unwrap_or(0);
            let items = if at == 0 { vec![0, 1] } else { (2..last).collect() };
            Ok::<_, Fault>(Page::new(items, (at == 0).then_some(1)).total(4))
        })
        .expect_total()
    };
    let mut docs = stream(3);
    assert_eq!(trace(&mut docs).await, "0 1 2 ! page 2 (cursor 1): the stream ended after 3 of 4 items; end");
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip(), checkpoint.pages()), (Some(&1), 1, 1));
    assert_eq!(trace(&mut stream(4).resume(checkpoint)).await, "3 end");
    // A checkpoint of a stream that ended short without `expect_total`.
    let done = Checkpoint::<u64>::default();
    let json = serde_json::to_string(&done)
        .unwrap()
        .replace("false", "true")
        .replace(r#""total":null"#, r#""total":4"#);
    let done: Checkpoint<u64> = serde_json::from_str(&json).unwrap();
    let (docs, log) = logged(stream(4));
    assert_eq!(trace(&mut docs.resume(done)).await, "! page 0: the stream ended after 0 of 4 items; end");
    assert_eq!(*log.lock().unwrap(), ["short 0 of 4"]);
}

#[tokio::test]
async fn items_that_are_not_unique_do_not_count() {
    let mut docs = by_page_number(0, |number| async move {
        Ok::<_, Fault>(Page::new(if number < 2 { vec![number, 1] } else { vec![] }, None).total(4))
    })
    .unique_by(|item| *item)
    .expect_total();
    assert!(trace(&mut docs).await.ends_with("the stream ended after 2 of 4 items; end"));
}

#[tokio::test]
async fn an_observer_that_panics_leaves_an_ended_stream() {
    let mut docs = totals(&[(1, Some(2))]).expect_total().on_event(|event| {
        assert!(!matches!(event, Event::EndedShort { .. }), "the observer's own");
    });
    docs.try_next().await.unwrap();
    let panicked = tokio::spawn(async move {
        let panicked = std::panic::AssertUnwindSafe(docs.try_next());
        let panicked = futures::FutureExt::catch_unwind(panicked).await;
        (panicked.is_err(), docs.try_next().await.unwrap())
    });
    assert_eq!(panicked.await.unwrap(), (true, None));
}

/// Two pages, and an error for every number beyond them.
fn beyond(first_fails: bool) -> AsyncGetDocs<u64, PageNumber, Fault> {
    by_page_number(1, move |number| async move {
        if number > 2 || first_fails { Err(Fault(404)) } else { Ok(Page::new(vec![number], None).total(2)) }
    })
    .classify(|_| OnError::End)
}

#[tokio::test]
async fn an_error_that_means_the_end_ends_the_stream() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let (docs, log) = logged(beyond(false).read_ahead(read_ahead).concurrency(concurrency));
        let mut docs = docs.expect_total();
        assert_eq!(trace(&mut docs).await, "1 2 end");
        assert_eq!(log.lock().unwrap()[0], "3 Some(page=3) 1 fault on page 404");
        assert!(docs.checkpoint().is_done());
        assert_eq!(docs.progress().pages, 2);
        // A policy of retries does not retry such an error.
        let mut docs = beyond(false).retry(backon::ConstantBuilder::default());
        assert_eq!(trace(&mut docs).await, "1 2 end");
        assert_eq!(docs.progress().retries, 0);
        // With pages that continue after empty ones, it is the end all the same.
        assert_eq!(trace(&mut beyond(false).on_empty(OnEmpty::Continue)).await, "1 2 end");
    }
    // A run that resumes at the end finds the end.
    let mut docs = beyond(false);
    docs.try_next().await.unwrap();
    docs.try_next().await.unwrap();
    assert_eq!(trace(&mut beyond(false).resume(docs.checkpoint())).await, "end");
}

#[tokio::test]
async fn an_error_of_the_first_page_is_no_end() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let (mut docs, log) = logged(beyond(true).read_ahead(read_ahead).concurrency(concurrency));
        let error = docs.try_next().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Fetch { attempts: 1, source: Fault(404), .. }));
        assert!(log.lock().unwrap().contains(&"failure 1".to_owned()));
        assert!(docs.retry_failed());
    }
}

#[tokio::test]
async fn an_end_after_too_few_items_is_still_compared_with_the_total() {
    let mut docs = by_page_number(1, |number| async move {
        if number > 1 { Err(Fault(404)) } else { Ok(Page::new(vec![1, 2], None).total(5)) }
    })
    .classify(|_| OnError::End)
    .expect_total();
    assert!(trace(&mut docs).await.ends_with("the stream ended after 2 of 5 items; end"));
}

//! Cursor cycles: detected in bounded memory whatever their length, and without false alarms.

use std::sync::Arc;

use withal::pages::{OnCycle, Page, PageNumber, by_cursor, by_page_number};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::trace;

#[tokio::test]
async fn a_long_cycle_is_detected_within_the_documented_bound() {
    for (lead, period) in [(1, 9), (4, 20), (2, 64), (31, 100), (25, 9), (57, 9), (249, 9), (1001, 20)] {
        let api = Api::numbers(vec![1; lead + period]).link(lead + period - 1, lead);
        let output = trace(&mut api.by_cursor()).await;
        assert!(output.contains("cursor cycle"), "a cycle of {period} after {lead} pages was not detected");
        let (requested, bound) = (api.requested().len(), 2 * lead.max(period) + period + 16);
        assert!(requested < bound, "{requested} pages for a cycle of {period} after {lead}, not {bound}");
    }
}

#[tokio::test]
async fn a_long_stream_without_a_cycle_has_no_false_alarm() {
    assert!(trace(&mut Api::numbers(vec![1; 3000]).by_cursor()).await.ends_with("2999 end"));
}

#[tokio::test]
async fn after_a_false_alarm_the_stream_continues_with_the_repeated_cursor() {
    let api = Api::numbers([1, 1, 1]).link(1, 1);
    let mut docs = api.by_cursor();
    assert!(trace(&mut docs).await.starts_with("0 1 ! page 2 (cursor 1): cursor cycle, next cursor 1"));
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip()), (Some(&1), 1));

    // Meanwhile the API has been repaired.
    let api = api.link(1, 2);
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "1 2 end");
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint)).await, "2 end");
}

#[tokio::test]
async fn a_cycle_in_a_resumed_stream_is_detected_from_its_first_page() {
    let api = Api::numbers([1, 1]).link(1, 1);
    let checkpoint = withal::pages::Checkpoint::new(Some(1), 0);
    assert!(
        trace(&mut api.by_cursor().resume(checkpoint))
            .await
            .starts_with("1 ! page 1 (cursor 1): cursor cycle")
    );
}

#[tokio::test]
async fn on_cycle_applies_when_reading_ahead() {
    let api = Api::numbers([1, 1]).link(1, 1);
    let mut docs = api.by_cursor().read_ahead(2).on_cycle(OnCycle::Allow).max_items(4);
    assert_eq!(trace(&mut docs).await, "0 1 1 1 end");
    let mut docs = api.by_cursor().read_ahead(2).on_cycle(OnCycle::End);
    assert_eq!(trace(&mut docs).await, "0 1 end");
    let mut docs = api.by_cursor().read_ahead(2);
    assert!(trace(&mut docs).await.starts_with("0 1 ! page 2 (cursor 1): cursor cycle, next cursor 1"));
}

#[tokio::test]
async fn a_short_cycle_is_detected_before_any_page_is_fetched_twice() {
    for (lead, period) in (0..20).flat_map(|lead| (1..=8).map(move |period| (lead, period))) {
        for read_ahead in [0, 3] {
            let api = Api::numbers(vec![1; lead + period + 1]).link(lead + period, lead + 1);
            let output = trace(&mut api.by_cursor().read_ahead(read_ahead)).await;
            assert!(
                output.contains("cursor cycle"),
                "a cycle of {period} after {lead} pages was not detected"
            );
            let once: Vec<_> = (0..=lead + period).collect();
            assert_eq!(
                api.requested(),
                once,
                "a cycle of {period} after {lead} pages, read_ahead {read_ahead}"
            );
        }
    }
}

#[tokio::test]
async fn a_cycle_after_a_false_alarm_is_reported_again() {
    for read_ahead in [0, 1] {
        let mut docs = Api::numbers([1, 1, 1]).link(2, 1).by_cursor().read_ahead(read_ahead);
        assert!(trace(&mut docs).await.starts_with("0 1 2 ! page 3 (cursor 2): cursor cycle, next cursor 1"));
        for page in [5, 7] {
            assert!(docs.retry_failed());
            assert!(
                trace(&mut docs)
                    .await
                    .starts_with(&format!("1 2 ! page {page} (cursor 2): cursor cycle, next cursor 1"))
            );
        }
    }
}

#[tokio::test]
async fn on_cycle_applies_to_page_numbers() {
    for concurrency in [1, 3] {
        let stream = || {
            by_page_number(0, |page| async move {
                Ok::<_, Fault>(
                    Page::new(vec![page], (page == 2).then_some(1).map(PageNumber::new)).has_more(page < 4),
                )
            })
            .concurrency(concurrency)
        };
        let mut docs = stream().on_cycle(OnCycle::End);
        assert_eq!(trace(&mut docs).await, "0 1 2 end", "concurrency {concurrency}");
        assert!(docs.checkpoint().is_done());
        let mut docs = stream().on_cycle(OnCycle::Allow).max_pages(6);
        assert_eq!(trace(&mut docs).await, "0 1 2 1 2 1 end", "concurrency {concurrency}");
        assert!(
            trace(&mut stream())
                .await
                .starts_with("0 1 2 ! page 3 (cursor page=2): cursor cycle, next cursor page=1")
        );
    }
}

#[tokio::test]
async fn few_cursors_are_remembered_however_long_the_stream() {
    // Each clone of a cursor adds to the count of the `Arc`.
    for read_ahead in [0, 1] {
        let alive = Arc::new(());
        let count = Arc::clone(&alive);
        let mut docs = by_cursor(move |at: Option<(u32, Arc<()>)>| {
            let page = at.map_or(0, |(page, _)| page) + 1;
            let next = (page < 2000).then(|| (page, Arc::clone(&count)));
            async move { Ok::<_, Fault>(Page::new(vec![page], next)) }
        })
        .read_ahead(read_ahead);
        let mut most = 0;
        while docs.try_next().await.unwrap().is_some() {
            most = most.max(Arc::strong_count(&alive));
        }
        assert!(most < 30, "{most} cursors, read_ahead {read_ahead}");
    }
}

#[tokio::test]
async fn continuing_after_a_false_alarm_does_not_count_as_a_retry() {
    let mut docs = Api::numbers([1, 1, 1]).link(1, 1).by_cursor();
    trace(&mut docs).await;
    assert!(docs.retry_failed());
    docs.try_next().await.unwrap();
    assert_eq!(docs.progress().retries, 0, "each page was requested once");
}

#[tokio::test]
async fn a_short_cycle_is_detected_after_a_retried_failure() {
    let api = Api::numbers([1, 1, 1, 1]).link(3, 1).fail(3, 1);
    let mut docs = api.by_cursor();
    assert!(trace(&mut docs).await.contains("fetch failed"));
    assert!(docs.retry_failed());
    let output = trace(&mut docs).await;
    assert!(output.contains("cursor cycle"), "{output}");
    assert_eq!(api.requested(), [0, 1, 2, 3, 3], "only the failed page is fetched twice");
}

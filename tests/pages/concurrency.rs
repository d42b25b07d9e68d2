//! `concurrency`: several numbered pages fetched at once, delivered in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use withal::pages::{Offset, Page, PageNumber, by_offset, by_page_number};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::{items, trace};

const STEP: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn n_pages_take_the_time_of_one() {
    for (width, expected) in [(1, 13), (2, 7), (4, 4), (12, 2)] {
        let api = Api::numbers(vec![5; 12]).slow(1, STEP);
        let start = Instant::now();
        assert_eq!(items(api.by_page_number().concurrency(width)).await, api.all());
        // Twelve pages and the empty one, `width` at a time.
        assert_eq!(start.elapsed(), STEP * expected, "width {width}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_delivered_in_order_whichever_arrives_first() {
    let mut docs = by_page_number(0, |page| async move {
        tokio::time::sleep(STEP * u32::try_from(10 - page.min(9)).unwrap()).await;
        Ok::<_, Fault>(if page < 10 { vec![page] } else { vec![] })
    })
    .concurrency(10);
    assert_eq!(trace(&mut docs).await, "0 1 2 3 4 5 6 7 8 9 end");
}

#[tokio::test(start_paused = true)]
async fn never_more_requests_in_flight_than_configured() {
    let api = Api::numbers(vec![1; 20]).slow(1, STEP);
    let mut docs = api.by_page_number().concurrency(3);
    while docs.try_next().await.unwrap().is_some() {
        assert!(api.in_progress() <= 3);
        tokio::time::sleep(STEP / 3).await;
    }
}

#[tokio::test]
async fn an_error_is_reported_when_it_is_the_turn_of_its_page() {
    for steps in [0, 1] {
        let api = Api::numbers([1, 1, 1, 1, 1, 1]).fail(2, 1).slow(steps, Duration::ZERO);
        let mut docs = api.by_page_number().concurrency(4);
        let output = "0 1 ! page 3 (cursor page=2): fetch failed after 1 attempt: fault on page 2; end";
        assert_eq!(trace(&mut docs).await, output);
        assert_eq!(docs.checkpoint().cursor().unwrap().get(), 2);
        assert!(docs.retry_failed());
        assert_eq!(trace(&mut docs).await, "2 3 4 5 end");
        let mut requested = api.requested();
        requested.sort_unstable();
        requested.retain(|page| *page < 6);
        assert_eq!(
            requested,
            [0, 1, 2, 2, 3, 4, 5],
            "pages fetched after the failed one are not fetched again"
        );
    }
}

#[tokio::test]
async fn errors_beyond_the_end_are_discarded() {
    let mut docs = by_page_number(0, |page| async move {
        match page {
            0 => Ok(vec![1]),
            1 => Ok(vec![]),
            _ => Err(Fault(9)),
        }
    })
    .concurrency(4);
    assert_eq!(trace(&mut docs).await, "1 end");
}

#[tokio::test]
async fn panics_beyond_the_end_are_discarded() {
    let mut docs = by_page_number(0, |page| async move {
        assert!(page < 3, "page {page} does not exist");
        Ok::<_, Fault>(Page::new(vec![page], None).has_more(page < 2))
    })
    .concurrency(8);
    assert_eq!(trace(&mut docs).await, "0 1 2 end");
}

#[tokio::test]
async fn short_pages_correct_the_offsets_of_speculative_requests() {
    let api = Api::numbers([23]);
    for (limit, clamp) in [(5, 5), (5, 3), (100, 4), (1, 1), (23, 23)] {
        let docs = api.by_offset(limit, clamp).concurrency(4);
        assert_eq!(items(docs).await, api.all(), "limit {limit}, clamp {clamp}");
    }
}

#[tokio::test]
async fn a_next_cursor_overrides_the_speculative_requests() {
    let mut docs = by_page_number(0, |page| async move {
        Ok::<_, Fault>(
            Page::new(vec![page], (page == 1).then_some(5).map(PageNumber::new)).has_more(page < 7),
        )
    })
    .concurrency(3);
    assert_eq!(trace(&mut docs).await, "0 1 5 6 7 end");
}

#[tokio::test]
async fn no_speculative_request_beyond_the_limits_or_the_total() {
    let api = Api::numbers(vec![10; 10]);
    assert_eq!(items(api.by_page_number().concurrency(8).max_pages(3)).await.len(), 30);
    assert_eq!(api.requested(), [0, 1, 2]);

    // With offsets, the page size is known from the start.
    for (max, expected) in [(20, vec![0, 10]), (21, vec![0, 10, 20]), (10, vec![0])] {
        let api = Api::numbers([100]);
        let docs = api.by_offset(10, 10).concurrency(8).max_items(max);
        assert_eq!(items(docs).await.len() as u64, max);
        assert_eq!(api.requested(), expected, "max {max}");
    }

    // With page numbers, the page size is known once the first page has arrived. Before, all slots are filled.
    let api = Api::numbers(vec![10; 30]);
    assert_eq!(items(api.by_page_number().concurrency(2).max_items(25)).await.len(), 25);
    assert_eq!(api.requested(), [0, 1, 2]);

    let requested = Api::numbers(vec![10; 3]);
    let api = requested.clone();
    let docs = by_page_number(0, move |page| {
        let page = api.clone().get(usize::try_from(page).unwrap());
        async move { page.await.map(|page| Page::new(page.items, None).total(30)) }
    });
    assert_eq!(items(docs.concurrency(2)).await.len(), 30);
    assert_eq!(
        requested.requested(),
        [0, 1, 2, 3],
        "the total is a hint: the page after it is requested last, and alone"
    );
}

#[tokio::test]
async fn a_page_that_points_to_itself_is_a_cycle() {
    let mut docs =
        by_page_number(0, |_| async { Ok::<_, Fault>(Page::new(vec![1], Some(PageNumber::new(3)))) })
            .concurrency(3);
    assert_eq!(
        trace(&mut docs).await,
        "1 1 ! page 2 (cursor page=3): cursor cycle, next cursor page=3 was fetched before; set `on_cycle` if that marks the end or is not an error; end"
    );
}

#[test]
fn without_a_runtime_the_stream_polls_the_requests() {
    let mut docs = by_page_number(0, |page| async move {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        Ok::<_, Fault>(if page < 5 { vec![page] } else { vec![] })
    })
    .concurrency(3);
    assert_eq!(futures::executor::block_on(trace(&mut docs)), "0 1 2 3 4 end");
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_of_zero_or_one_fetches_a_page_when_it_is_wanted() {
    for concurrency in [0, 1] {
        let api = Api::numbers(vec![1; 5]).slow(1, STEP);
        let mut docs = api.by_page_number().concurrency(concurrency);
        for taken in 1..=5 {
            docs.try_next().await.unwrap();
            tokio::time::sleep(STEP * 10).await;
            assert_eq!(api.requested().len(), taken, "concurrency {concurrency}");
        }
        // With `read_ahead`, pages are fetched ahead.
        let api = Api::numbers(vec![1; 5]).slow(1, STEP);
        let mut docs = api.by_page_number().concurrency(concurrency).read_ahead(2);
        docs.try_next().await.unwrap();
        tokio::time::sleep(STEP * 10).await;
        assert_eq!(api.requested(), [0, 1, 2], "concurrency {concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn read_ahead_has_no_effect_with_concurrency() {
    let api = Api::numbers(vec![1; 20]).slow(1, STEP);
    let mut docs = api.by_page_number().concurrency(3).read_ahead(9);
    docs.try_next().await.unwrap();
    tokio::time::sleep(STEP * 10).await;
    assert_eq!(api.requested(), [0, 1, 2, 3], "the page taken, and three in flight");
}

#[tokio::test]
async fn a_cycle_is_reported_and_retried_with_concurrency() {
    // Page 2 points to page 1, but only the first time.
    let mut deliveries = 0;
    let mut docs = by_page_number(0, move |page| {
        deliveries += u32::from(page == 2);
        let back = (page == 2 && deliveries == 1).then_some(1);
        async move {
            Ok::<_, Fault>(Page::new(if page < 4 { vec![page] } else { vec![] }, back.map(PageNumber::new)))
        }
    })
    .concurrency(3);
    assert_eq!(
        trace(&mut docs).await,
        "0 1 2 ! page 3 (cursor page=2): cursor cycle, next cursor page=1 was fetched before; set `on_cycle` if that marks the end or is not an error; end"
    );
    assert_eq!(docs.checkpoint().pages(), 2);
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "1 2 3 end");
}

#[tokio::test]
async fn speculative_requests_after_a_short_page_are_dropped() {
    // The last page is short: the requests after it are dropped, and the page at the right offset is requested.
    let api = Api::numbers([7]);
    let mut docs = api.by_offset(3, 3).concurrency(2);
    assert_eq!(trace(&mut docs).await, "0 1 2 3 4 5 6 end");
    assert_eq!(api.requested(), [0, 3, 6, 9, 7, 8]);
}

#[tokio::test]
async fn an_empty_page_does_not_change_the_page_size_hint() {
    let requested = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requested);
    let mut docs = by_offset(2, move |offset, _| {
        log.lock().unwrap().push(offset);
        async move {
            Ok::<_, Fault>(match offset {
                0 | 10 => Page::new(vec![offset, offset + 1], None),
                2 => Page::new(vec![], Some(Offset::new(10))),
                _ => Page::new(vec![], None),
            })
        }
    })
    .concurrency(3);
    assert_eq!(trace(&mut docs).await, "0 1 10 11 end");
    // The offsets advance by the size of the last page that was not empty: no offset is requested twice.
    assert_eq!(*requested.lock().unwrap(), [0, 2, 4, 6, 10, 12, 14, 16]);
}

#[tokio::test]
async fn the_total_limits_speculative_requests_but_not_the_stream() {
    let requested = Api::numbers(vec![10; 6]);
    let api = requested.clone();
    let docs = by_page_number(0, move |page| {
        let page = api.clone().get(usize::try_from(page).unwrap());
        async move { page.await.map(|page| Page::new(page.items, None).total(60)) }
    });
    let mut pages = docs.concurrency(3).into_pages();
    // Three requests are in flight until the total is reached; then none; finally the page that marks the end.
    for so_far in [4, 5, 6, 6, 6, 7] {
        assert_eq!(pages.try_next().await.unwrap().map(|page| page.len()), Some(10));
        assert_eq!(requested.requested(), (0..so_far).collect::<Vec<_>>());
    }
    assert_eq!(pages.try_next().await.unwrap(), None);
    assert_eq!(requested.requested().len(), 7);
}

#[tokio::test]
async fn concurrent_asks_for_nothing_beyond_max_items() {
    let api = Api::numbers(vec![10; 10]);
    assert_eq!(items(api.by_page_number().concurrency(4).max_items(5)).await.len(), 5);
    assert_eq!(api.requested(), [0]);
}

//! `concurrent`: several numbered pages under way at once, delivered in order.

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
        let api = Api::new(vec![5; 12]).slow(1, STEP);
        let start = Instant::now();
        assert_eq!(items(api.by_page_number().concurrency(width)).await, api.all());
        // Twelve pages and the empty one, `width` at a time.
        assert_eq!(start.elapsed(), STEP * expected, "width {width}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_come_in_order_whichever_is_first() {
    let mut docs = by_page_number(0, |page| async move {
        tokio::time::sleep(STEP * u32::try_from(10 - page.min(9)).unwrap()).await;
        Ok::<_, Fault>(if page < 10 { vec![page] } else { vec![] })
    })
    .concurrency(10);
    assert_eq!(trace(&mut docs).await, "0 1 2 3 4 5 6 7 8 9 end");
}

#[tokio::test(start_paused = true)]
async fn never_more_under_way_than_asked_for() {
    let api = Api::new(vec![1; 20]).slow(1, STEP);
    let mut docs = api.by_page_number().concurrency(3);
    while docs.try_next().await.unwrap().is_some() {
        assert!(api.open() <= 3);
        tokio::time::sleep(STEP / 3).await;
    }
}

#[tokio::test]
async fn an_error_comes_when_it_is_its_pages_turn() {
    for steps in [0, 1] {
        let api = Api::new([1, 1, 1, 1, 1, 1]).fail(2, 1).slow(steps, Duration::ZERO);
        let mut docs = api.by_page_number().concurrency(4);
        let told = "0 1 ! page 3 (cursor page=2): fetch failed after 1 attempt: fault on page 2; end";
        assert_eq!(trace(&mut docs).await, told);
        assert_eq!(docs.checkpoint().cursor().unwrap().get(), 2);
        assert!(docs.retry_failed());
        assert_eq!(trace(&mut docs).await, "2 3 4 5 end");
        let mut asked = api.requested();
        asked.sort_unstable();
        asked.retain(|page| *page < 6);
        assert_eq!(asked, [0, 1, 2, 2, 3, 4, 5], "what was fetched behind the error is not fetched again");
    }
}

#[tokio::test]
async fn errors_beyond_the_end_are_nobodys() {
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
async fn panics_beyond_the_end_are_nobodys() {
    let mut docs = by_page_number(0, |page| async move {
        assert!(page < 3, "nobody asked for page {page}");
        Ok::<_, Fault>(Page::new(vec![page], None).has_more(page < 2))
    })
    .concurrency(8);
    assert_eq!(trace(&mut docs).await, "0 1 2 end");
}

#[tokio::test]
async fn a_clamped_offset_walk_is_followed_and_its_guesses_dropped() {
    let api = Api::new([23]);
    for (limit, clamp) in [(5, 5), (5, 3), (100, 4), (1, 1), (23, 23)] {
        let docs = api.by_offset(limit, clamp).concurrency(4);
        assert_eq!(items(docs).await, api.all(), "limit {limit}, clamp {clamp}");
    }
}

#[tokio::test]
async fn a_successor_that_a_page_names_is_believed_over_the_guess() {
    let mut docs = by_page_number(0, |page| async move {
        Ok::<_, Fault>(
            Page::new(vec![page], (page == 1).then_some(5).map(PageNumber::new)).has_more(page < 7),
        )
    })
    .concurrency(3);
    assert_eq!(trace(&mut docs).await, "0 1 5 6 7 end");
}

#[tokio::test]
async fn nothing_is_guessed_beyond_what_is_wanted_or_there() {
    let api = Api::new(vec![10; 10]);
    assert_eq!(items(api.by_page_number().concurrency(8).max_pages(3)).await.len(), 30);
    assert_eq!(api.requested(), [0, 1, 2]);

    // Over offsets it is known from the start how many items a page holds.
    for (max, expected) in [(20, vec![0, 10]), (21, vec![0, 10, 20]), (10, vec![0])] {
        let api = Api::new([100]);
        let docs = api.by_offset(10, 10).concurrency(8).max_items(max);
        assert_eq!(items(docs).await.len() as u64, max);
        assert_eq!(api.requested(), expected, "max {max}");
    }

    // The length of a page is known only when the first has come: before that, the window is filled.
    let api = Api::new(vec![10; 30]);
    assert_eq!(items(api.by_page_number().concurrency(2).max_items(25)).await.len(), 25);
    assert_eq!(api.requested(), [0, 1, 2]);

    let asked = Api::new(vec![10; 3]);
    let api = asked.clone();
    let docs = by_page_number(0, move |page| {
        let page = api.clone().get(usize::try_from(page).unwrap());
        async move { page.await.map(|page| Page::new(page.items, None).total(30)) }
    });
    assert_eq!(items(docs.concurrency(2)).await.len(), 30);
    assert_eq!(
        asked.requested(),
        [0, 1, 2, 3],
        "the total is a hint: the page at the end is asked for alone"
    );
}

#[tokio::test]
async fn a_server_that_does_not_move_is_told() {
    let mut docs =
        by_page_number(0, |_| async { Ok::<_, Fault>(Page::new(vec![1], Some(PageNumber::new(3)))) })
            .concurrency(3);
    assert_eq!(
        trace(&mut docs).await,
        "1 1 ! page 2 (cursor page=3): cursor cycle, next cursor page=3 was fetched before; end"
    );
}

#[test]
fn without_a_runtime_the_window_is_polled_by_the_stream() {
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
async fn none_and_one_fetch_a_page_when_it_is_wanted() {
    for concurrent in [0, 1] {
        let api = Api::new(vec![1; 5]).slow(1, STEP);
        let mut docs = api.by_page_number().concurrency(concurrent);
        for taken in 1..=5 {
            docs.try_next().await.unwrap();
            tokio::time::sleep(STEP * 10).await;
            assert_eq!(api.requested().len(), taken, "concurrent {concurrent}");
        }
        // `read_ahead` is what adds something to them.
        let api = Api::new(vec![1; 5]).slow(1, STEP);
        let mut docs = api.by_page_number().concurrency(concurrent).read_ahead(2);
        docs.try_next().await.unwrap();
        tokio::time::sleep(STEP * 10).await;
        assert_eq!(api.requested(), [0, 1, 2], "concurrent {concurrent}");
    }
}

#[tokio::test(start_paused = true)]
async fn reading_ahead_adds_nothing_to_it() {
    let api = Api::new(vec![1; 20]).slow(1, STEP);
    let mut docs = api.by_page_number().concurrency(3).read_ahead(9);
    docs.try_next().await.unwrap();
    tokio::time::sleep(STEP * 10).await;
    assert_eq!(api.requested(), [0, 1, 2, 3], "the page taken, and three under way");
}

#[tokio::test]
async fn a_loop_is_told_and_retried_over_as_one_page_at_a_time() {
    // Page 2 names page 1, until somebody insists.
    let mut told = 0;
    let mut docs = by_page_number(0, move |page| {
        told += u32::from(page == 2);
        let back = (page == 2 && told == 1).then_some(1);
        async move {
            Ok::<_, Fault>(Page::new(if page < 4 { vec![page] } else { vec![] }, back.map(PageNumber::new)))
        }
    })
    .concurrency(3);
    assert_eq!(
        trace(&mut docs).await,
        "0 1 2 ! page 3 (cursor page=2): cursor cycle, next cursor page=1 was fetched before; end"
    );
    assert_eq!(docs.checkpoint().pages(), 2);
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "1 2 3 end");
}

#[tokio::test]
async fn a_number_that_is_not_wanted_any_more_is_not_asked_for_after_a_short_page() {
    // The last page is short: what was guessed behind it is dropped, and the end asked for where it is.
    let api = Api::new([7]);
    let mut docs = api.by_offset(3, 3).concurrency(2);
    assert_eq!(trace(&mut docs).await, "0 1 2 3 4 5 6 end");
    assert_eq!(api.requested(), [0, 3, 6, 9, 7, 8]);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_does_not_lead_the_guesses_astray() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
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
    // Guessed on from what a page holds, not from what the empty one held: no offset twice.
    assert_eq!(*asked.lock().unwrap(), [0, 2, 4, 6, 10, 12, 14, 16]);
}

#[tokio::test]
async fn the_total_bounds_the_guesses_and_not_the_walk() {
    let asked = Api::new(vec![10; 6]);
    let api = asked.clone();
    let docs = by_page_number(0, move |page| {
        let page = api.clone().get(usize::try_from(page).unwrap());
        async move { page.await.map(|page| Page::new(page.items, None).total(60)) }
    });
    let mut pages = docs.concurrency(3).into_pages();
    // Three under way, until the rest of the total is; then nothing, and at last the page that marks the end.
    for so_far in [4, 5, 6, 6, 6, 7] {
        assert_eq!(pages.try_next().await.unwrap().map(|page| page.len()), Some(10));
        assert_eq!(asked.requested(), (0..so_far).collect::<Vec<_>>());
    }
    assert_eq!(pages.try_next().await.unwrap(), None);
    assert_eq!(asked.requested().len(), 7);
}

#[tokio::test]
async fn concurrent_asks_for_nothing_beyond_max_items() {
    let api = Api::new(vec![10; 10]);
    assert_eq!(items(api.by_page_number().concurrency(4).max_items(5)).await.len(), 5);
    assert_eq!(api.requested(), [0]);
}

//! `read_ahead`: fetching and processing overlap, on tokio's paused clock.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use withal::pages::Event;

use withal::pages::Page;

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::{items, trace};

const MS: Duration = Duration::from_millis(1);

/// The time that 20 pages take, with this much work on each.
async fn time(api: &Api, read_ahead: usize, work: Duration) -> Duration {
    let start = Instant::now();
    let mut docs = api.by_cursor().read_ahead(read_ahead).into_pages();
    while docs.try_next().await.unwrap().is_some() {
        sleep(work).await;
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn fetching_and_processing_overlap() {
    // Steps per fetch, milliseconds per step, milliseconds of work per page. The slower of the two determines the time.
    for (steps, step, work) in [(1, 20, 20), (4, 5, 20), (1, 20, 5), (4, 5, 5), (1, 5, 20), (4, 1, 20)] {
        let fetch = step * steps;
        let api = Api::numbers(vec![10; 20]).slow(steps, MS * step);
        let bound = MS * 20 * fetch.max(work);
        for read_ahead in [1, 2, 5] {
            let took = time(&api, read_ahead, MS * work).await;
            assert!(
                took <= bound.mul_f64(1.06),
                "{steps} steps of {step} ms, {work} ms of work, read_ahead {read_ahead}: {took:?}"
            );
        }
        assert_eq!(
            time(&api, 0, MS * work).await,
            MS * 20 * (fetch + work),
            "without it, fetching and processing alternate"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn fetching_overlaps_with_processing_single_items() {
    let api = Api::numbers(vec![10; 20]).slow(4, MS * 5);
    let start = Instant::now();
    let mut docs = api.by_cursor().read_ahead(1);
    while docs.try_next().await.unwrap().is_some() {
        sleep(MS * 2).await;
    }
    assert!(start.elapsed() <= (MS * 400).mul_f64(1.06), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn more_pages_ahead_even_out_bursts_of_work() {
    let api = Api::numbers(vec![1; 21]).slow(1, MS * 10);
    let mut times = Vec::new();
    for read_ahead in [1, 5] {
        let start = Instant::now();
        let mut docs = api.by_cursor().read_ahead(read_ahead).into_pages();
        let mut page = 0;
        while docs.try_next().await.unwrap().is_some() {
            if page % 5 == 0 {
                sleep(MS * 50).await;
            }
            page += 1;
        }
        times.push(start.elapsed());
    }
    assert!(times[1] < times[0], "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn the_next_request_is_sent_before_the_first_item_is_yielded() {
    let api = Api::numbers(vec![1; 5]).slow(1, MS);
    let mut docs = api.by_cursor().read_ahead(1);
    docs.try_next().await.unwrap();
    // There was no await since, so no other task has run.
    assert_eq!(api.requested(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn never_more_pages_ahead_than_configured() {
    for read_ahead in 0..4 {
        let api = Api::numbers(vec![1; 20]).slow(1, MS);
        let mut docs = api.by_cursor().read_ahead(read_ahead);
        for taken in 1..=20 {
            docs.try_next().await.unwrap();
            sleep(MS * 100).await;
            assert_eq!(api.requested().len(), (taken + read_ahead).min(20), "read_ahead {read_ahead}");
        }
    }
}

#[tokio::test]
async fn nothing_is_fetched_ahead_beyond_the_limits() {
    for steps in [0, 1] {
        let api = Api::numbers(vec![10; 10]).slow(steps, Duration::ZERO);
        assert_eq!(items(api.by_cursor().read_ahead(4).max_items(20)).await.len(), 20);
        assert_eq!(api.requested(), [0, 1]);
        let api = Api::numbers(vec![10; 10]).slow(steps, Duration::ZERO);
        assert_eq!(items(api.by_cursor().read_ahead(4).max_pages(3)).await.len(), 30);
        assert_eq!(api.requested(), [0, 1, 2]);
    }
}

#[tokio::test]
async fn an_error_ahead_is_reported_after_the_earlier_pages() {
    for (read_ahead, steps) in [(1, 0), (1, 1), (3, 0), (3, 1)] {
        let api = Api::numbers([1, 1, 1, 1]).fail(2, 1).slow(steps, Duration::ZERO);
        let mut docs = api.by_cursor().read_ahead(read_ahead);
        let output = "0 1 ! page 3 (cursor 2): fetch failed after 1 attempt: fault on page 2; end";
        assert_eq!(trace(&mut docs).await, output);
        assert_eq!(docs.checkpoint().cursor(), Some(&2));
        assert!(docs.retry_failed());
        assert_eq!(trace(&mut docs).await, "2 3 end");
        assert_eq!(api.requested(), [0, 1, 2, 2, 3]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_a_multi_thread_runtime() {
    for read_ahead in [1, 2, 7] {
        let api = Api::numbers(vec![3; 300]).slow(2, Duration::ZERO);
        assert_eq!(items(api.by_cursor().read_ahead(read_ahead)).await, api.all());
        assert_eq!(api.requested().len(), 300);
        let docs = api.by_page_number().concurrency(read_ahead);
        assert_eq!(items(docs).await, api.all());
    }
}

/// The whole fetch progresses, not only its first step, although the consumer never yields.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_blocks_its_worker_does_not_delay_the_fetch() {
    for concurrency in [1, 2] {
        let (done, fetched) = std::sync::mpsc::channel();
        let api = Api::numbers(vec![1; 10]).slow(4, Duration::ZERO);
        let docs = api.by_page_number().read_ahead(1).concurrency(concurrency);
        let mut docs = docs.on_event(move |event| {
            if let Event::Response { page, .. } = event {
                let _gone = done.send(*page);
            }
        });
        let consumer = tokio::spawn(async move {
            for page in 1..=10 {
                docs.try_next().await.unwrap();
                // It waits this long only if the test fails.
                while page < 10
                    && fetched.recv_timeout(Duration::from_secs(20)).expect("the fetch continues") <= page
                {
                }
            }
        });
        consumer.await.unwrap();
    }
}

#[test]
fn without_a_runtime_the_stream_polls_the_page_ahead() {
    let api = Api::numbers([2, 1, 3]);
    let mut docs = api.by_cursor().read_ahead(2);
    assert_eq!(futures::executor::block_on(trace(&mut docs)), "0 1 2 3 4 5 end");
}

#[test]
fn after_runtime_shutdown_the_checkpoint_is_valid() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (read_ahead, concurrency, page) in [(1, 1, 2), (0, 2, 2)] {
        let api = Api::numbers([1, 1, 1]);
        let mut requested = 0;
        let source = api.clone();
        let mut docs = withal::pages::by_page_number(0, move |page| {
            requested += 1;
            // The first page arrives at once, the others never.
            let steps = u32::from(requested != 1);
            let page = source.clone().slow(steps, Duration::MAX).get(usize::try_from(page).unwrap());
            async move { page.await.map(|page| page.items) }
        })
        .read_ahead(read_ahead)
        .concurrency(concurrency);
        let gone = runtime();
        assert_eq!(gone.block_on(docs.try_next()).unwrap(), Some(0));
        drop(gone);
        let error = runtime().block_on(docs.try_next()).unwrap_err();
        assert!(error.is_runtime_shutdown());
        let expected = "the runtime that fetched the page has shut down; resume from a checkpoint";
        assert_eq!(error.to_string(), format!("page {page} (cursor page=1): {expected}"));
        assert_eq!(runtime().block_on(docs.try_next()).unwrap(), None);
        assert!(!docs.retry_failed());
        assert_eq!(runtime().block_on(items(api.by_page_number().resume(docs.checkpoint()))), [1, 2]);
    }
}

#[test]
fn without_a_runtime_the_page_ahead_is_requested() {
    let api = Api::numbers([2, 1, 3]).slow(0, Duration::ZERO);
    let begun = api.clone();
    let mut docs = withal::pages::by_cursor(move |at: Option<usize>| {
        let page = begun.clone().get(at.unwrap_or(0));
        let mut waits = at.is_some();
        async move {
            let page = page.await;
            // Pending at first, so that there is a future to spawn.
            std::future::poll_fn(|cx| {
                if std::mem::replace(&mut waits, false) {
                    cx.waker().wake_by_ref();
                    return std::task::Poll::Pending;
                }
                std::task::Poll::Ready(())
            })
            .await;
            page
        }
    })
    .read_ahead(2);
    futures::executor::block_on(async {
        assert_eq!(docs.try_next().await.unwrap(), Some(0));
        assert_eq!(api.requested(), [0, 1], "requested, but not completed");
        assert_eq!(trace(&mut docs).await, "1 2 3 4 5 end");
    });
    assert_eq!(api.requested(), [0, 1, 2]);
}

#[tokio::test]
async fn a_false_alarm_ahead_is_retried() {
    let api = Api::numbers([1, 1, 1]).link(1, 1);
    let mut docs = api.by_cursor().read_ahead(2);
    assert!(trace(&mut docs).await.starts_with("0 1 ! page 2 (cursor 1): cursor cycle, next cursor 1"));
    let api = api.link(1, 2);
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "1 2 end");
    assert_eq!(api.requested(), [0, 1, 1, 2]);
}

#[tokio::test]
async fn a_page_ahead_without_its_cursor_is_refetched_and_its_items_are_skipped() {
    for read_ahead in [1, 2] {
        let mut pages = vec![
            Page::new(vec![1], Some(1)),
            Page::new(vec![2, 3], None).has_more(true),
            Page::new(vec![2, 3, 4], Some(2)),
            Page::new(vec![5], None),
        ]
        .into_iter();
        let mut docs = withal::pages::by_cursor(move |_: Option<u8>| {
            let page = pages.next().ok_or(Fault(9));
            async move { page }
        })
        .read_ahead(read_ahead);
        assert!(trace(&mut docs).await.starts_with("1 2 3 ! page 2 (cursor 1): more pages reported"));
        assert!(docs.retry_failed());
        assert_eq!(trace(&mut docs).await, "4 5 end");
        assert_eq!((docs.progress().items, docs.progress().pages), (5, 3));
    }
}

//! `next` cancelled at every await point: each item once, in order, and no page fetched twice.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::time::timeout;
use withal::pages::{AsyncGetDocs, Cursor};

use withal_test_support::api::{Api, Fault};

/// Pseudo-random page lengths, some of them 0, that add up to `total`.
fn lengths(mut seed: u64, total: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut left = total;
    while left > 0 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = usize::try_from((seed >> 33) % 40).unwrap().min(left);
        lengths.push(length);
        left -= length;
    }
    lengths
}

fn in_order(pages: usize) -> Vec<usize> {
    (0..pages).collect()
}

/// Polls `next` once, drops it, and yields to the runtime in between: it is cancelled at each await that it reaches.
async fn drop_at_every_await<C: Cursor>(mut docs: AsyncGetDocs<u32, C, Fault>) -> Vec<u32> {
    let mut all = Vec::new();
    loop {
        match docs.next().now_or_never() {
            Some(Some(doc)) => all.push(doc.unwrap()),
            Some(None) => return all,
            None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn cancelling_next_at_every_await_loses_and_refetches_nothing() {
    for (seed, steps) in [(1, 0), (2, 1), (3, 2), (4, 5)] {
        let lengths = lengths(seed, 1000);
        let pages = lengths.len();
        for read_ahead in [0, 1, 3] {
            let api = Api::numbers(lengths.clone()).slow(steps, Duration::ZERO);
            assert_eq!(drop_at_every_await(api.by_cursor().read_ahead(read_ahead)).await, api.all());
            assert_eq!(api.requested(), in_order(pages), "read_ahead {read_ahead}");
            assert_eq!(api.in_progress(), 0);
        }
        let lengths: Vec<_> = lengths.into_iter().filter(|length| *length > 0).collect();
        for concurrency in [1, 4] {
            let api = Api::numbers(lengths.clone()).slow(steps, Duration::ZERO);
            assert_eq!(drop_at_every_await(api.by_page_number().concurrency(concurrency)).await, api.all());
            let requested = api.requested();
            assert_eq!(requested, in_order(requested.len()), "concurrency {concurrency}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn repeated_timeouts_lose_nothing() {
    for read_ahead in [0, 1] {
        let api = Api::numbers(lengths(5, 1000)).slow(4, Duration::from_millis(5));
        let mut docs = api.by_cursor().read_ahead(read_ahead);
        let mut all = Vec::new();
        // A timeout shorter than any page takes, and than each step of it.
        loop {
            match timeout(Duration::from_millis(3), docs.try_next()).await.map(Result::unwrap) {
                Ok(Some(doc)) => all.push(doc),
                Ok(None) => break,
                Err(_elapsed) => {}
            }
        }
        assert_eq!(all, api.all());
        assert_eq!(api.requested(), in_order(api.requested().len()));
    }
}

#[tokio::test(start_paused = true)]
async fn repeated_selects_lose_nothing() {
    let api = Api::numbers(lengths(6, 1000)).slow(3, Duration::from_millis(7));
    let mut docs = api.by_cursor();
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let mut all = Vec::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            doc = docs.try_next() => match doc.unwrap() {
                Some(doc) => all.push(doc),
                None => break,
            },
        }
    }
    assert_eq!(all, api.all());
    assert_eq!(api.requested(), in_order(api.requested().len()));
}

#[tokio::test(start_paused = true)]
async fn cancelling_next_during_backoff_neither_restarts_nor_skips_the_delay() {
    let api = Api::numbers([1, 1]).fail(1, 2);
    let policy = backon::ConstantBuilder::default().with_delay(Duration::from_secs(10)).with_max_times(2);
    let mut docs = api.by_cursor().retry(policy);
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    let start = tokio::time::Instant::now();
    while timeout(Duration::from_secs(3), docs.next()).await.is_err() {}
    assert_eq!(
        start.elapsed(),
        Duration::from_secs(20),
        "dropping `next` neither restarts nor skips a delay"
    );
    assert_eq!(api.requested(), [0, 1, 1, 1]);
}

#[tokio::test]
async fn dropping_the_stream_cancels_every_fetch() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (3, 1), (0, 4)] {
        let api = Api::numbers(vec![1; 50]).slow(20, Duration::ZERO);
        let mut docs = api.by_page_number().read_ahead(read_ahead).concurrency(concurrency);
        docs.try_next().await.unwrap();
        if read_ahead > 0 || concurrency > 1 {
            assert!(api.in_progress() > 0, "a page is being fetched ahead");
        }
        drop(docs);
        // The runtime drops aborted tasks when it runs next.
        tokio::task::yield_now().await;
        assert_eq!(api.in_progress(), 0);
        let requested = api.requested().len();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(api.requested().len(), requested, "nothing is requested after the drop");
    }
}

#[tokio::test]
async fn pages_next_is_cancel_safe() {
    let api = Api::numbers(lengths(7, 300)).slow(3, Duration::ZERO);
    let mut pages = api.by_cursor().into_pages();
    let mut all = Vec::new();
    loop {
        match pages.next().now_or_never() {
            Some(Some(page)) => all.extend(page.unwrap()),
            Some(None) => break,
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(all, api.all());
    assert_eq!(api.requested(), in_order(api.requested().len()));
}

#[tokio::test]
async fn stream_combinators_keep_all_items_in_order() {
    let api = Api::numbers([3, 3]);
    let doubled: Vec<_> = api.by_cursor().map(|doc| doc.unwrap() * 2).take(4).collect().await;
    assert_eq!(doubled, [0, 2, 4, 6]);
}

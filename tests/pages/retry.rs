//! `retry`, `classify` and `before_request`, on tokio's paused clock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backon::{ConstantBuilder, ExponentialBuilder};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use withal::pages::{AsyncGetDocs, Checkpoint, OnError, Page, by_cursor, by_page_number};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::trace;

const SECOND: Duration = Duration::from_secs(1);

fn every_second(times: usize) -> ConstantBuilder {
    ConstantBuilder::default().with_delay(SECOND).with_max_times(times)
}

#[tokio::test(start_paused = true)]
async fn the_same_page_is_requested_again_after_each_delay() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (0, 3)] {
        let api = Api::numbers([1, 1, 1]).fail(1, 2);
        let docs = api.by_page_number().read_ahead(read_ahead).concurrency(concurrency);
        let mut docs = docs.retry(every_second(2));
        let start = Instant::now();
        assert_eq!(trace(&mut docs).await, "0 1 2 end");
        assert_eq!(start.elapsed(), 2 * SECOND);
        assert_eq!(docs.progress().retries, 2);
        assert_eq!(api.requested().iter().filter(|page| **page == 1).count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_policy_yields_the_error_and_starts_anew_for_the_next_page() {
    let api = Api::numbers([1, 1, 1]).fail(0, 2).fail(1, 3).fail(2, 2);
    let mut docs =
        api.by_cursor().retry(ExponentialBuilder::default().with_min_delay(SECOND).with_max_times(2));
    let start = Instant::now();
    let output = "0 ! page 2 (cursor 1): fetch failed after 3 attempts: fault on page 1; end";
    assert_eq!(trace(&mut docs).await, output);
    assert_eq!(start.elapsed(), 2 * (SECOND + 2 * SECOND));
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "1 2 end");
    assert_eq!(docs.progress().retries, 7);
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_nothing_is_retried() {
    let api = Api::numbers([1]).fail(0, 1);
    let mut docs = api.by_cursor().classify(|_| OnError::Retry { after: Some(SECOND) });
    assert!(docs.next().await.unwrap().is_err());
    assert_eq!(api.requested(), [0]);
}

#[tokio::test(start_paused = true)]
async fn the_delay_of_classify_overrides_the_policy() {
    let api = Api::numbers([1, 1]).fail(1, 2);
    let answers = AtomicU32::new(0);
    let docs = api.by_cursor().retry(every_second(5)).classify(move |error| {
        assert_eq!(error, &Fault(1));
        match answers.fetch_add(1, Ordering::Relaxed) {
            0 => OnError::Retry { after: Some(30 * SECOND) },
            _ => OnError::Retry { after: None },
        }
    });
    let mut docs = docs;
    let start = Instant::now();
    assert_eq!(trace(&mut docs).await, "0 1 end");
    assert_eq!(start.elapsed(), 31 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_fatal_error_is_yielded_at_once() {
    let api = Api::numbers([1]).fail(0, 1);
    let mut docs = api.by_cursor().retry(every_second(5)).classify(|_| OnError::Fatal);
    let start = Instant::now();
    assert!(docs.next().await.unwrap().is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// A stream whose cursor of the second page expires once.
fn expiring(restart: Option<&'static str>) -> AsyncGetDocs<u32, &'static str, &'static str> {
    let mut expired = false;
    by_cursor(move |at: Option<&'static str>| {
        let is_expired = at == Some("old") && !std::mem::replace(&mut expired, true);
        async move {
            match at {
                _ if is_expired => Err("410"),
                None => Ok((vec![1], Some("old"))),
                Some("old" | "new") => Ok((vec![2], None)),
                _ => unreachable!(),
            }
        }
    })
    .classify(move |_| OnError::Restart { cursor: restart })
}

#[tokio::test]
async fn a_restart_continues_from_another_cursor() {
    assert_eq!(trace(&mut expiring(Some("new"))).await, "1 2 end");
    // From the start, with the same cursors: this is not a cycle, and `unique_by` removes the duplicates.
    assert_eq!(trace(&mut expiring(None)).await, "1 1 2 end");
    let mut docs = expiring(None).unique_by(|doc| *doc);
    assert_eq!(trace(&mut docs).await, "1 2 end");
    assert_eq!(docs.progress().retries, 1);
}

#[tokio::test]
async fn a_restart_does_not_skip_items_of_another_page() {
    let checkpoint = Checkpoint::new(Some("old"), 1);
    assert_eq!(trace(&mut expiring(Some("new")).resume(checkpoint)).await, "2 end");
}

#[tokio::test(start_paused = true)]
async fn restarts_are_bounded() {
    let never = || by_cursor(|_: Option<u8>| async { Err::<Page<u8, u8>, _>(Fault(0)) });
    let restart = |_: &Fault| OnError::Restart { cursor: Some(7) };
    let mut docs = never().classify(restart);
    assert!(trace(&mut docs).await.starts_with("! page 1 (cursor 7): fetch failed after 2 attempts"));
    let start = Instant::now();
    let mut docs = never().classify(restart).retry(every_second(3));
    assert!(trace(&mut docs).await.starts_with("! page 1 (cursor 7): fetch failed after 4 attempts"));
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn before_request_is_awaited_before_every_attempt_and_its_output_held_during_it() {
    let api = Api::numbers([1, 1]).fail(1, 1).slow(1, SECOND);
    let permits = Arc::new(Semaphore::new(1));
    let passed = Arc::new(AtomicU32::new(0));
    let (semaphore, count) = (Arc::clone(&permits), Arc::clone(&passed));
    let docs = api.by_cursor().retry(every_second(1)).before_request(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&semaphore).acquire_owned()
    });
    let mut docs = docs;
    let watch = async {
        loop {
            sleep(SECOND / 10).await;
            assert_eq!(
                permits.available_permits(),
                1 - api.in_progress(),
                "held only while a fetch is in progress"
            );
        }
    };
    tokio::select! {
        output = trace(&mut docs) => assert_eq!(output, "0 1 end"),
        () = watch => unreachable!(),
    }
    assert_eq!(passed.load(Ordering::Relaxed), 3);
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pending_before_request_delays_the_request() {
    let permits = Arc::new(Semaphore::new(0));
    let semaphore = Arc::clone(&permits);
    let api = Api::numbers([1]);
    let mut docs = api.by_cursor().before_request(move || Arc::clone(&semaphore).acquire_owned());
    assert!(tokio::time::timeout(SECOND, docs.next()).await.is_err());
    assert_eq!(api.requested().len(), 0);
    permits.add_permits(1);
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn before_request_limits_concurrent_requests() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&starts);
    let permits = Arc::new(Semaphore::new(2));
    let api = Api::numbers(vec![1; 6]).slow(1, SECOND);
    let begun = Instant::now();
    let docs = api.by_page_number().concurrency(6).max_pages(6);
    let docs = docs.before_request(move || Arc::clone(&permits).acquire_owned());
    let mut docs = docs.on_event(move |event| {
        if matches!(event, withal::pages::Event::Request { .. }) {
            times.lock().unwrap().push(begun.elapsed().as_secs());
        }
    });
    assert_eq!(trace(&mut docs).await, "0 1 2 3 4 5 end");
    assert_eq!(*starts.lock().unwrap(), [0, 0, 1, 1, 2, 2]);
}

#[test]
fn a_delay_of_zero_needs_no_timer() {
    let policy = ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(1);
    let mut docs = Api::numbers([1]).fail(0, 1).by_cursor().retry(policy);
    assert_eq!(futures::executor::block_on(trace(&mut docs)), "0 end");
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_classify_counts_as_a_retry_of_the_policy() {
    let api = Api::numbers([1]).fail(0, 9);
    let answer = |_: &Fault| OnError::Retry { after: Some(5 * SECOND) };
    let mut docs = api.by_cursor().retry(every_second(2)).classify(answer);
    let start = Instant::now();
    assert!(trace(&mut docs).await.starts_with("! page 1: fetch failed after 3 attempts"));
    assert_eq!(start.elapsed(), 10 * SECOND);
    // The policy starts anew for the retried page.
    assert!(docs.retry_failed());
    assert!(trace(&mut docs).await.starts_with("! page 1: fetch failed after 3 attempts"));
    assert_eq!(docs.progress().retries, 5);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_classified_even_if_the_policy_is_exhausted() {
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    let docs = Api::numbers([1]).fail(0, 9).by_cursor().retry(every_second(1));
    let mut docs = docs.classify(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        OnError::Retry { after: None }
    });
    trace(&mut docs).await;
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn without_a_policy_each_page_may_restart_once() {
    // The cursors of both pages expire once; the error contains the new cursor.
    let mut docs = by_cursor(|at: Option<&'static str>| async move {
        match at {
            None => Ok((vec![0], Some("1"))),
            Some("1") => Err("1-new"),
            Some("1-new") => Ok((vec![1], Some("2"))),
            Some("2") => Err("2-new"),
            Some("2-new") => Ok((vec![2], None)),
            _ => unreachable!(),
        }
    })
    .classify(|error| OnError::Restart { cursor: Some(*error) });
    assert_eq!(trace(&mut docs).await, "0 1 2 end");
    assert_eq!(docs.progress().retries, 2);
}

#[tokio::test]
async fn a_restart_without_a_cursor_is_at_the_start() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (0, 2)] {
        let api = Api::numbers([1, 1, 1]).fail(1, 1);
        let docs = api.by_page_number().read_ahead(read_ahead).concurrency(concurrency);
        let mut docs = docs.classify(|_| OnError::Restart { cursor: None });
        assert_eq!(
            trace(&mut docs).await,
            "0 0 1 2 end",
            "read_ahead {read_ahead}, concurrency {concurrency}"
        );
    }
    // Also if the stream was resumed elsewhere, or its first page has a link.
    let mut failed = false;
    let docs = withal::pages::by_link("/1", move |url| {
        let fails = !std::mem::replace(&mut failed, true);
        async move {
            match url.as_str() {
                _ if fails => Err(Fault(2)),
                "/1" => Ok(Page::new(vec![1], Some("/2".to_owned()))),
                _ => Ok(Page::new(vec![2], None)),
            }
        }
    });
    let docs = docs.classify(|_| OnError::Restart { cursor: None });
    let mut docs = docs.resume(Checkpoint::new(Some("/2".to_owned()), 1));
    assert_eq!(trace(&mut docs).await, "1 2 end");
}

#[tokio::test(start_paused = true)]
async fn the_permit_is_released_when_the_attempt_fails_or_the_stream_is_dropped() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (0, 2)] {
        let permits = Arc::new(Semaphore::new(9));
        let semaphore = Arc::clone(&permits);
        let api = Api::numbers([1, 1, 1]).fail(1, 1).slow(1, SECOND);
        let docs = api.by_page_number().read_ahead(read_ahead).concurrency(concurrency).max_pages(2);
        let mut docs = docs.before_request(move || Arc::clone(&semaphore).acquire_owned());
        assert!(trace(&mut docs).await.starts_with("0 ! page 2 (cursor page=1): fetch failed"));
        assert_eq!(permits.available_permits(), 9, "the attempt has failed");
        assert!(docs.retry_failed());
        assert!(tokio::time::timeout(SECOND / 2, docs.next()).await.is_err());
        assert_eq!(permits.available_permits(), 8, "the attempt is in progress");
        drop(docs);
        tokio::task::yield_now().await;
        assert_eq!(permits.available_permits(), 9, "the stream was dropped");
    }
}

#[tokio::test]
async fn the_permit_of_a_panicked_attempt_is_released() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (0, 2)] {
        let permits = Arc::new(Semaphore::new(9));
        let semaphore = Arc::clone(&permits);
        let docs = withal::pages::by_page_number(0, |page| async move {
            assert!(page < 1, "no page {page}");
            Ok::<_, Fault>(vec![page])
        });
        let docs = docs.read_ahead(read_ahead).concurrency(concurrency);
        let mut docs = docs.before_request(move || Arc::clone(&semaphore).acquire_owned());
        assert_eq!(docs.try_next().await.unwrap(), Some(0));
        let next = std::panic::AssertUnwindSafe(docs.next());
        assert!(futures::FutureExt::catch_unwind(next).await.is_err());
        assert!(docs.next().await.is_none());
        tokio::task::yield_now().await;
        // The stream still exists, but not the attempt.
        assert_eq!(permits.available_permits(), 9, "read_ahead {read_ahead}, concurrency {concurrency}");
    }
}

/// A stream inside a page whose cursor expires, and whose restart fails once before it succeeds.
fn restarting() -> AsyncGetDocs<u32, &'static str, &'static str> {
    let mut requested = 0;
    by_cursor(move |at: Option<&'static str>| {
        requested += 1;
        async move {
            match (requested, at) {
                (1, Some("old")) => Err("410"),
                (2, Some("new")) => Err("503"),
                (_, Some("new")) => Ok(Page::new(vec![1, 2, 3], None)),
                _ => unreachable!("{requested} {at:?}"),
            }
        }
    })
    .classify(|error| if *error == "410" { OnError::Restart { cursor: Some("new") } } else { OnError::Fatal })
}

#[tokio::test]
async fn retrying_a_failed_restart_does_not_skip_items_of_another_page() {
    for read_ahead in [0, 1] {
        let mut docs = restarting().resume(Checkpoint::new(Some("old"), 1)).read_ahead(read_ahead);
        assert!(trace(&mut docs).await.starts_with("! page 1 (cursor \"new\"): fetch failed"));
        assert!(docs.retry_failed());
        assert_eq!(trace(&mut docs).await, "1 2 3 end", "read_ahead {read_ahead}");
    }
}

#[tokio::test]
async fn retrying_a_failed_restart_with_concurrency_does_not_skip_items() {
    let mut before = Api::numbers([2, 2]).by_page_number();
    for _ in 0..3 {
        before.try_next().await.unwrap();
    }
    // Page 1, the current one, has expired; page 0, at which the stream restarts, fails once.
    let mut failed = false;
    let docs = by_page_number(0, move |page| {
        let fails = page == 0 && !std::mem::replace(&mut failed, true);
        async move {
            match page {
                0 if fails => Err("503"),
                0 => Ok((vec![7, 8, 9], false)),
                1 => Err("410"),
                _ => Ok((vec![], false)),
            }
        }
    })
    .classify(|error| if *error == "410" { OnError::Restart { cursor: None } } else { OnError::Fatal });
    let mut docs = docs.concurrency(2).resume(before.checkpoint());
    assert!(
        trace(&mut docs).await.starts_with("! page 2 (cursor page=0): fetch failed after 2 attempts: 503")
    );
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "7 8 9 end");
}

#[tokio::test]
async fn a_panic_of_the_attempt_releases_the_permit_during_unwinding() {
    let permits = Arc::new(Semaphore::new(1));
    let semaphore = Arc::clone(&permits);
    let docs = by_cursor(|at: Option<u8>| async move {
        assert!(at.is_some(), "no page");
        Ok::<_, Fault>(Page::new(vec![1], at))
    });
    let mut docs = docs.before_request(move || Arc::clone(&semaphore).acquire_owned());
    let next = std::panic::AssertUnwindSafe(docs.next());
    assert!(futures::FutureExt::catch_unwind(next).await.is_err());
    assert_eq!(permits.available_permits(), 1, "the attempt has ended");
}

#[tokio::test]
async fn a_restart_that_delivers_no_more_pages_than_the_one_before_is_the_last() {
    // The cursor of page 2 is always expired.
    let pages = || {
        by_cursor(|at: Option<u8>| async move {
            match at {
                None => Ok((vec![1], Some(2))),
                Some(_) => Err("410"),
            }
        })
        .classify(|_| OnError::Restart { cursor: None })
    };
    let mut docs = pages();
    let first = trace(&mut docs).await;
    assert!(first.matches('1').count() < 8 && first.contains("fetch failed"), "{first}");
    assert!(docs.retry_failed());
    assert!(trace(&mut docs).await.contains("fetch failed"), "limited again after a retry");

    let policy = ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(9);
    assert!(trace(&mut pages().retry(policy)).await.contains("fetch failed"), "also with a policy");
}

#[tokio::test]
async fn restarts_at_new_cursors_are_not_limited() {
    // The session expires after three pages. The error contains the cursor to restart at, a new one each time.
    let mut left = 3;
    let docs = by_cursor(move |at: Option<u32>| {
        left -= 1;
        let expired = left < 0;
        if expired {
            left = 3;
        }
        async move {
            let at = at.unwrap_or(0);
            if expired { Err(at) } else { Ok((vec![at], (at < 20).then_some(at + 1))) }
        }
    });
    let mut docs = docs.classify(|at| OnError::Restart { cursor: Some(*at) });
    let expected: Vec<_> = (0..=20).map(|n| n.to_string()).collect();
    assert_eq!(trace(&mut docs).await, format!("{} end", expected.join(" ")));
}

fn at_once(times: usize) -> ConstantBuilder {
    ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(times)
}

#[tokio::test]
async fn the_first_restart_at_a_cursor_is_not_compared_with_the_run_from_the_start() {
    // 0 1 2 3 4, expired; restarted at 3: 3 4 5, expired; restarted at 3, to the end.
    let mut requested = 0;
    let docs = by_cursor(move |at: Option<u32>| {
        requested += 1;
        let expired = requested == 6 || requested == 10;
        async move {
            let at = at.unwrap_or(0);
            if expired { Err(at) } else { Ok((vec![at], (at < 7).then_some(at + 1))) }
        }
    });
    let mut docs = docs.classify(|_| OnError::Restart { cursor: Some(3) }).retry(at_once(3));
    assert_eq!(trace(&mut docs).await, "0 1 2 3 4 3 4 5 3 4 5 6 7 end");
}

#[tokio::test(start_paused = true)]
async fn a_speculative_request_that_restarts_first_does_not_end_the_stream() {
    // After pages 0 and 1, the session expires once for both requests in flight. The speculative request fails first.
    let failed = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
    let docs = by_page_number(0, move |page| {
        let failed = Arc::clone(&failed);
        async move {
            if page == 2 && !failed[0].swap(true, Ordering::Relaxed) {
                sleep(Duration::from_secs(5)).await;
                return Err("410");
            }
            if page == 3 && !failed[1].swap(true, Ordering::Relaxed) {
                sleep(Duration::from_secs(1)).await;
                return Err("410");
            }
            sleep(Duration::from_millis(10)).await;
            Ok(if page < 4 { vec![page] } else { vec![] })
        }
    });
    let mut docs = docs.concurrency(2).retry(at_once(5)).classify(|_| OnError::Restart { cursor: None });
    assert_eq!(trace(&mut docs).await, "0 1 0 1 2 3 end");
}

#[tokio::test(start_paused = true)]
async fn a_failed_restart_with_concurrency_is_limited_by_the_policy() {
    // Page 0, requested again after the restart, fails once more. A speculative request completes in between.
    let requested = Arc::new(AtomicU32::new(0));
    let docs = by_page_number(0, move |page| {
        let requested = Arc::clone(&requested);
        async move {
            if page == 2 {
                sleep(Duration::from_millis(10)).await;
            }
            if page == 3 {
                sleep(Duration::from_secs(1)).await;
            }
            match page {
                0 => match requested.fetch_add(1, Ordering::Relaxed) {
                    1 => {
                        sleep(Duration::from_secs(2)).await;
                        Err("410")
                    }
                    _ => Ok(vec![0]),
                },
                2 if requested.load(Ordering::Relaxed) < 2 => Err("410"),
                4.. => Ok(vec![]),
                page => Ok(vec![page]),
            }
        }
    });
    let mut docs = docs.concurrency(2).retry(at_once(9)).classify(|_| OnError::Restart { cursor: None });
    assert_eq!(trace(&mut docs).await, "0 1 0 1 2 3 end");
}

#[tokio::test(start_paused = true)]
async fn requests_are_concurrent_after_a_restart() {
    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (o, m) = (Arc::clone(&open), Arc::clone(&most));
    let failed = Arc::new(AtomicBool::new(false));
    let docs = by_page_number(0, move |page| {
        let (o, m, failed) = (Arc::clone(&o), Arc::clone(&m), Arc::clone(&failed));
        async move {
            m.fetch_max(o.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            sleep(Duration::from_secs(1)).await;
            o.fetch_sub(1, Ordering::Relaxed);
            if page == 15 && !failed.swap(true, Ordering::Relaxed) {
                return Err("410");
            }
            Ok(Page::new(if page < 20 { vec![page] } else { vec![] }, None).total(20))
        }
    });
    let mut docs = docs.concurrency(4).classify(|_| OnError::Restart { cursor: None });
    for _ in 0..15 {
        docs.try_next().await.unwrap();
    }
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    for n in 1..8 {
        assert_eq!(docs.try_next().await.unwrap(), Some(n));
    }
    most.store(0, Ordering::Relaxed);
    for n in 8..14 {
        assert_eq!(docs.try_next().await.unwrap(), Some(n));
    }
    assert!(most.load(Ordering::Relaxed) > 1, "only one request at a time after the restart");
}

#[tokio::test]
async fn a_refetch_that_restarts_does_not_skip_items_of_another_page() {
    // Page 1 lacks its cursor. Fetched again, it fails, restarts at `new`, and fails there once, too.
    let mut requests = 0;
    let docs = by_cursor(move |cursor: Option<&'static str>| {
        requests += 1;
        async move {
            match (requests, cursor) {
                (1, None) => Ok(Page::new(vec![1, 2], None).has_more(true)),
                (2, None) => Err("410"),
                (3, Some("new")) => Err("503"),
                (_, Some("new")) => Ok(Page::new(vec![7, 8, 9], None)),
                _ => unreachable!("{requests} {cursor:?}"),
            }
        }
    });
    let mut docs = docs.classify(|error| {
        if *error == "410" { OnError::Restart { cursor: Some("new") } } else { OnError::Fatal }
    });
    assert!(trace(&mut docs).await.starts_with("1 2 ! page 1: more pages reported"));
    assert!(docs.retry_failed());
    assert!(trace(&mut docs).await.starts_with("! page 1 (cursor \"new\"): fetch failed"));
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "7 8 9 end");
}

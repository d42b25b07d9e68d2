//! Pages that repeat by their content: noticed under whatever cursor, before any of their items is yielded again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use withal::pages::{
    AsyncGetDocs, Checkpoint, Cursor, Offset, OnCycle, OnEmpty, OnError, OnRepeat, Page, PageNumber,
    by_cursor, by_offset, by_page_number,
};

use withal_test_support::api::Fault;
use withal_test_support::trace::trace;

/// A page of numbers, with their text as its fingerprint.
fn page<C>(items: Vec<u64>, next: Option<C>) -> Page<u64, C> {
    let content = format!("{items:?}");
    Page::new(items, next).fingerprint(content)
}

/// A server whose pages after the last are the last one.
fn clamped(last: u64) -> AsyncGetDocs<u64, PageNumber, Fault> {
    by_page_number(1, move |number| async move {
        let number = number.min(last);
        Ok(page(vec![number * 10, number * 10 + 1], None))
    })
}

/// Pages with these items, with ever new cursors.
fn listed(pages: &'static [&'static [u64]]) -> AsyncGetDocs<u64, u64, Fault> {
    by_cursor(move |at: Option<u64>| async move {
        let at = at.unwrap_or(0);
        let items = pages[usize::try_from(at).unwrap() % pages.len()];
        Ok(page(items.to_vec(), Some(at + 1)))
    })
}

const REPEATS: &str = "the page repeats the items of an earlier page; set `on_repeat` if that marks the end or is not an \
                       error, and `unique_by` if each page begins with the same items";

#[tokio::test]
async fn a_page_that_comes_again_is_an_error_before_its_items() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3), (0, 8)] {
        let mut docs = clamped(3).read_ahead(read_ahead).concurrency(concurrency);
        let expected = format!("10 11 20 21 30 31 ! page 4 (cursor page=4): {REPEATS}; end");
        assert_eq!(trace(&mut docs).await, expected, "{read_ahead} {concurrency}");
        assert!(docs.progress().pages == 3 && !docs.checkpoint().is_done());
        let mut docs = clamped(3).unique_by(|item| *item).read_ahead(read_ahead).concurrency(concurrency);
        assert_eq!(trace(&mut docs).await, expected, "{read_ahead} {concurrency}");
    }
}

#[tokio::test]
async fn on_repeat_end_ends_the_stream_before_the_page() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let mut docs = clamped(2).on_repeat(OnRepeat::End).read_ahead(read_ahead).concurrency(concurrency);
        assert_eq!(trace(&mut docs).await, "10 11 20 21 end");
        assert!(docs.checkpoint().is_done());
        assert_eq!((docs.progress().pages, docs.checkpoint().pages()), (2, 2));
        assert_eq!(trace(&mut clamped(2).resume(docs.checkpoint())).await, "end");
    }
}

#[tokio::test]
async fn on_repeat_allow_delivers_the_page() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let docs = clamped(1).on_repeat(OnRepeat::Allow).read_ahead(read_ahead).concurrency(concurrency);
        assert_eq!(trace(&mut docs.max_pages(3)).await, "10 11 10 11 10 11 end");
    }
}

#[tokio::test]
async fn retry_failed_delivers_the_page_as_a_false_alarm() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let mut docs = clamped(1).read_ahead(read_ahead).concurrency(concurrency);
        assert!(trace(&mut docs).await.starts_with("10 11 ! page 2"));
        let checkpoint = docs.checkpoint();
        assert!(docs.retry_failed());
        assert_eq!(trace(&mut docs).await, format!("10 11 ! page 3 (cursor page=3): {REPEATS}; end"));
        // Another run does not know that the user has accepted the page.
        let mut docs = clamped(1).read_ahead(read_ahead).concurrency(concurrency).resume(checkpoint);
        assert_eq!(trace(&mut docs).await, format!("! page 2 (cursor page=2): {REPEATS}; end"));
    }
}

#[tokio::test]
async fn a_resumed_stream_knows_the_page_before_it() {
    for taken in 0..=4 {
        for read_ahead in [0, 1] {
            let mut docs = clamped(2).read_ahead(read_ahead);
            let mut all = Vec::new();
            for _ in 0..taken {
                all.push(docs.try_next().await.unwrap().unwrap().to_string());
            }
            let json = serde_json::to_string(&docs.checkpoint()).unwrap();
            let checkpoint: Checkpoint<PageNumber> = serde_json::from_str(&json).unwrap();
            // Not even a stream that was never polled forgets it.
            let checkpoint = clamped(2).resume(checkpoint).checkpoint();
            let mut docs = clamped(2).on_repeat(OnRepeat::End).read_ahead(read_ahead).resume(checkpoint);
            all.push(trace(&mut docs).await);
            assert_eq!(all.join(" "), "10 11 20 21 end", "after {taken} items");
        }
    }
}

#[tokio::test]
async fn repeated_pages_by_kind() {
    let table: &[(&str, &[&[u64]], &str)] = &[
        // A server that ignores the cursor.
        ("the first page again", &[&[1, 2]], "1 2 ! page 2 (cursor 1)"),
        ("two pages in turn", &[&[1], &[2]], "1 2 ! page 3 (cursor 2)"),
        ("around eight pages", &[&[1], &[2], &[3], &[4], &[5], &[6], &[7], &[8]], "1 2 3 4 5 6 7 8 ! page 9"),
        // An empty page is not a repetition, and does not hide one.
        ("with an empty page in between", &[&[1], &[]], "1 ! page 3 (cursor 2)"),
        ("with many empty pages", &[&[1], &[], &[], &[], &[], &[], &[], &[], &[], &[], &[]], "1 ! page 12"),
        (
            "with equal items in other pages",
            &[&[1, 2], &[1], &[2, 1], &[1, 2, 1]],
            "1 2 1 2 1 1 2 1 ! page 5",
        ),
    ];
    for (name, pages, expected) in table {
        for read_ahead in [0, 3] {
            let output = trace(&mut listed(pages).read_ahead(read_ahead)).await;
            assert!(output.starts_with(expected) && output.contains(REPEATS), "{name}: {output}");
        }
    }
}

#[tokio::test]
async fn a_long_cycle_of_content_is_detected_within_the_documented_bound() {
    for period in [9_u64, 20, 64, 100] {
        let requests = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&requests);
        let mut docs = by_page_number(0, move |number| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Fault>(page(vec![number % period], None)) }
        });
        assert!(trace(&mut docs).await.contains(REPEATS));
        let (requests, bound) = (requests.load(Ordering::Relaxed), 2 * period + period + 16);
        assert!(requests < bound, "{requests} pages for a cycle of {period}, not {bound}");
    }
}

#[tokio::test]
async fn pages_without_a_fingerprint_are_not_compared() {
    let mut docs =
        by_page_number(
            0,
            |number| async move { Ok::<_, Fault>(Page::new(vec![1], None).has_more(number < 3)) },
        );
    assert_eq!(trace(&mut docs).await, "1 1 1 1 end");
}

#[tokio::test]
async fn offsets_that_the_server_clamps_are_noticed() {
    for concurrency in [1, 3] {
        let stream = || {
            by_offset(2, |offset, limit| async move {
                let start = offset.min(4);
                Ok::<_, Fault>(page::<Offset>((start..start + limit).collect(), None))
            })
        };
        let mut docs = stream().concurrency(concurrency);
        assert_eq!(trace(&mut docs).await, format!("0 1 2 3 4 5 ! page 4 (cursor offset=6): {REPEATS}; end"));
        assert_eq!(
            trace(&mut stream().concurrency(concurrency).on_repeat(OnRepeat::End)).await,
            "0 1 2 3 4 5 end"
        );
    }
}

#[tokio::test]
async fn pages_after_a_restart_may_repeat_those_before_it() {
    let expired = Arc::new(Mutex::new(true));
    let mut docs = by_cursor(move |at: Option<u64>| {
        let expired = at == Some(2) && std::mem::take(&mut *expired.lock().unwrap());
        async move {
            let at = at.unwrap_or(0);
            if expired { Err(Fault(2)) } else { Ok(page(vec![at], (at < 3).then_some(at + 1))) }
        }
    })
    .classify(|_| OnError::Restart { cursor: None });
    assert_eq!(trace(&mut docs).await, "0 1 0 1 2 3 end");
}

/// A stream whose last page points to itself, and one that repeats its last page under new cursors.
fn repeating(own_cursor: bool) -> AsyncGetDocs<u64, u64, Fault> {
    by_cursor(move |at: Option<u64>| async move {
        let at = at.unwrap_or(0);
        Ok(page(vec![at.min(2)], Some(if own_cursor { (at + 1).min(2) } else { at + 1 })))
    })
}

#[tokio::test]
async fn one_setting_applies_to_both_kinds_of_repetition_if_the_other_is_not_set() {
    type Configure = fn(AsyncGetDocs<u64, u64, Fault>) -> AsyncGetDocs<u64, u64, Fault>;
    let table: [(&str, Configure, &str, &str); 7] = [
        (
            "none",
            |docs| docs,
            "0 1 2 ! page 3 (cursor 2): cursor cycle",
            "0 1 2 ! page 4 (cursor 3): the page repeats",
        ),
        ("on_cycle End", |docs| docs.on_cycle(OnCycle::End), "0 1 2 end", "0 1 2 end"),
        ("on_repeat End", |docs| docs.on_repeat(OnRepeat::End), "0 1 2 end", "0 1 2 end"),
        ("on_cycle Allow", |docs| docs.on_cycle(OnCycle::Allow), "0 1 2 2 2 end", "0 1 2 2 2 end"),
        (
            "on_repeat Allow",
            |docs| docs.on_repeat(OnRepeat::Allow),
            "0 1 2 ! page 3 (cursor 2): cursor cycle",
            "0 1 2 2 2 end",
        ),
        (
            "on_cycle End, on_repeat Error",
            |docs| docs.on_cycle(OnCycle::End).on_repeat(OnRepeat::Error),
            "0 1 2 end",
            "0 1 2 ! page 4 (cursor 3): the page repeats",
        ),
        (
            "on_cycle Allow, on_repeat End",
            |docs| docs.on_repeat(OnRepeat::End).on_cycle(OnCycle::Allow),
            "0 1 2 end",
            "0 1 2 end",
        ),
    ];
    for (name, configure, cycle, content) in table {
        for (own_cursor, expected) in [(true, cycle), (false, content)] {
            let output = trace(&mut configure(repeating(own_cursor)).max_pages(5)).await;
            assert!(output.starts_with(expected), "{name}, own cursor {own_cursor}: {output}");
        }
    }
}

/// Empty pages for ever, after a first page of one item.
fn empty<C: Cursor>(
    next: impl Fn(u64) -> C + Send + 'static,
    at: impl Fn(C) -> u64 + Send + 'static,
) -> AsyncGetDocs<u64, C, Fault> {
    by_cursor(move |cursor: Option<C>| {
        let at = cursor.map_or(0, &at);
        let next = next(at + 1);
        async move { Ok(Page::new(if at == 0 { vec![7] } else { vec![] }, Some(next))) }
    })
}

#[tokio::test]
async fn endless_empty_pages_are_an_error() {
    for read_ahead in [0, 3] {
        let mut docs = empty(|at| at, |at| at).read_ahead(read_ahead);
        assert_eq!(
            trace(&mut docs).await,
            "7 ! page 252 (cursor 251): no new item in 251 consecutive pages; raise `max_empty_pages` if there may be \
             more, or set `on_empty` if an empty page marks the end; end"
        );
        // It continues with the next page, as another run does that resumes.
        assert_eq!(docs.checkpoint().cursor(), Some(&252));
        assert!(docs.retry_failed());
        assert!(trace(&mut docs).await.starts_with("! page 503 (cursor 502): no new item in 251"));
        assert!(docs.progress().retries == 0);
    }
    let mut docs = empty(|at| format!("t{at}"), |at| at[1..].parse().unwrap()).max_empty_pages(0);
    assert!(
        trace(&mut docs).await.starts_with("7 ! page 2 (cursor \"t1\"): no new item in 1 consecutive page;")
    );
}

#[tokio::test]
async fn pages_that_only_have_known_items_count_as_empty() {
    // Each page has another fingerprint, and an item that is known.
    let mut docs = by_page_number(0, |number| async move {
        Ok::<_, Fault>(Page::new(vec![number % 3], None).fingerprint(number.to_le_bytes()))
    })
    .unique_by(|item| *item)
    .max_empty_pages(4);
    assert!(trace(&mut docs).await.starts_with("0 1 2 ! page 8 (cursor page=7): no new item in 5"));
}

#[tokio::test]
async fn as_many_empty_pages_as_allowed_are_no_error() {
    for (empty, max, fails) in [(3_u64, 3_u64, false), (4, 3, true), (0, 0, false), (300, u64::MAX, false)] {
        // The last of them is the end: then there is no next page that could be empty, too.
        for ends in [false, true] {
            let mut docs = by_page_number(0, move |number| async move {
                let items = if (1..=empty).contains(&number) { vec![] } else { vec![number] };
                let last = if ends { empty } else { empty + 1 };
                Ok::<_, Fault>(Page::new(items, None).has_more(number < last))
            })
            .on_empty(OnEmpty::Continue)
            .max_empty_pages(max);
            let failed = trace(&mut docs).await.contains("consecutive");
            assert_eq!(failed, fails && !ends, "{empty} of {max}, ends {ends}");
        }
    }
}

#[tokio::test]
async fn pages_that_a_restart_repeats_do_not_count_as_empty() {
    // The cursor of page 20 expires once. Every item of the pages before is known by then.
    for (expired_at, max, fails) in [(20, 3, false), (20, 0, false), (2, 3, false), (20, 0, true)] {
        let expired = Arc::new(Mutex::new(true));
        let docs = by_cursor(move |at: Option<u64>| {
            let expired = at == Some(expired_at) && std::mem::take(&mut *expired.lock().unwrap());
            async move {
                let at = at.unwrap_or(0);
                // The last pages have known items only.
                let item = if fails { at.min(25) } else { at };
                if expired { Err(Fault(2)) } else { Ok(Page::new(vec![item], (at < 60).then_some(at + 1))) }
            }
        });
        let mut docs =
            docs.classify(|_| OnError::Restart { cursor: None }).unique_by(|item| *item).max_empty_pages(max);
        let output = trace(&mut docs).await;
        let expected =
            (0..if fails { 26 } else { 61 }).map(|item| item.to_string()).collect::<Vec<_>>().join(" ");
        assert!(output.starts_with(&expected), "{output}");
        assert_eq!(output.contains("no new item in 21 consecutive pages"), fails, "{output}");
    }
}

#[tokio::test]
async fn a_retry_after_a_repeated_page_requests_it_again() {
    // The fourth request is answered with the third page, once.
    let requests = AtomicU64::new(0);
    let mut docs = by_page_number(1, move |number| {
        let number = if requests.fetch_add(1, Ordering::Relaxed) == 3 { number - 1 } else { number };
        async move { Ok::<_, Fault>(page(if number < 6 { vec![number] } else { Vec::new() }, None)) }
    });
    assert_eq!(trace(&mut docs).await, format!("1 2 3 ! page 4 (cursor page=4): {REPEATS}; end"));
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "4 5 end");
}

#[tokio::test]
async fn a_retry_after_too_many_empty_pages_continues() {
    let mut docs = by_cursor(|at: Option<u64>| async move {
        let at = at.unwrap_or(0);
        let items = if at.is_multiple_of(5) { vec![at] } else { Vec::new() };
        Ok::<_, Fault>(Page::new(items, (at < 5).then_some(at + 1)))
    })
    .max_empty_pages(3);
    assert!(trace(&mut docs).await.starts_with("0 ! page 5"));
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "5 end");
}

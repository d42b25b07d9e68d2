//! A stream without settings reads the pages that have items, a next cursor and nothing else in a way of its own. Its items,
//! errors, checkpoints and progress are those of a stream with an observer, which reads every page in the other way.

use futures::FutureExt;
use proptest::prelude::*;
use withal::pages::{AsyncGetDocs, Page, by_cursor};

use withal_test_support::api::Fault;

/// A page, or what happens in its place. The items are numbered by the page.
#[derive(Clone, Debug)]
enum Kind {
    Usual(u32),
    Empty,
    Total(u64),
    HasMore(bool),
    Fingerprint(u8),
    Extra,
    /// Without a cursor, although the API reports more pages.
    MissingCursor,
    /// The next cursor is that of an earlier page.
    Cycle(u32),
    /// Fails this many times, and is a usual page then.
    Fails(u32),
    /// Is pending this many times, and is a usual page then.
    Slow(u32),
    Last,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        12 => (1..4u32).prop_map(Kind::Usual),
        1 => Just(Kind::Usual(1100)),
        1 => Just(Kind::Empty),
        1 => (0..40u64).prop_map(Kind::Total),
        1 => any::<bool>().prop_map(Kind::HasMore),
        1 => (0..3u8).prop_map(Kind::Fingerprint),
        1 => Just(Kind::Extra),
        1 => Just(Kind::MissingCursor),
        1 => (0..12u32).prop_map(Kind::Cycle),
        2 => (1..3u32).prop_map(Kind::Fails),
        2 => (1..4u32).prop_map(Kind::Slow),
        1 => Just(Kind::Last),
    ]
}

fn docs(kinds: &[Kind]) -> AsyncGetDocs<(u32, u32), u32, Fault> {
    let kinds = kinds.to_vec();
    let mut failed = vec![0; kinds.len()];
    by_cursor(move |cursor: Option<u32>| {
        let page = cursor.unwrap_or(0);
        let kind = kinds.get(page as usize).cloned().unwrap_or(Kind::Last);
        let fails = matches!(kind, Kind::Fails(times) if failed[page as usize] < times);
        if fails {
            failed[page as usize] += 1;
        }
        async move {
            if fails {
                return Err(Fault(page as usize));
            }
            let items = |count| (0..count).map(|item| (page, item)).collect();
            let usual = |count| Page::new(items(count), Some(page + 1));
            Ok(match kind {
                Kind::Usual(count) => usual(count),
                Kind::Empty => usual(0),
                Kind::Total(total) => usual(2).total(total),
                Kind::HasMore(has_more) => usual(2).has_more(has_more),
                Kind::Fingerprint(content) => usual(2).fingerprint([content]),
                Kind::Extra => usual(2).extra(page),
                Kind::MissingCursor => Page::new(items(2), None).has_more(true),
                Kind::Cycle(to) => Page::new(items(2), Some(to.min(page))),
                Kind::Fails(_) => usual(2),
                Kind::Slow(times) => {
                    for _ in 0..times {
                        tokio::task::yield_now().await;
                    }
                    usual(2)
                }
                Kind::Last => Page::new(items(1), None),
            })
        }
    })
}

/// Everything that a consumer can observe. `drops`: the polls after which `next` is dropped if it is pending.
async fn trace(mut docs: AsyncGetDocs<(u32, u32), u32, Fault>, drops: u8) -> Vec<String> {
    let mut trace = Vec::new();
    for step in 0..3000_u32 {
        if step % 8 < u32::from(drops) {
            if let Some(item) = docs.next().now_or_never() {
                trace.push(format!("{item:?}"));
                continue;
            }
            trace.push(format!("pending {:?}", docs.checkpoint()));
        }
        let item = docs.next().await;
        let extra = docs.extra::<u32>();
        trace.push(format!("{item:?} {:?} {:?} {extra:?}", docs.progress(), docs.checkpoint()));
        match item {
            Some(Ok(_)) => {}
            Some(Err(_)) if docs.retry_failed() => {}
            Some(Err(_)) | None => break,
        }
    }
    trace
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn usual_pages_are_read_as_all_others(kinds in prop::collection::vec(kind(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let usual = trace(docs(&kinds), 0).await;
            let observed = trace(docs(&kinds).on_event(|_| ()), 0).await;
            assert_eq!(usual, observed);
        });
    }

    #[test]
    fn dropping_next_loses_no_usual_page(kinds in prop::collection::vec(kind(), 0..40), drops in 1..8u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let items = |trace: Vec<String>| {
                let item = |line: String| {
                    let item = line.strip_prefix("Some(Ok(")?.split_once("))")?.0.to_owned();
                    Some(item)
                };
                trace.into_iter().filter_map(item).collect::<Vec<_>>()
            };
            let whole = items(trace(docs(&kinds), 0).await);
            let dropped = items(trace(docs(&kinds), drops).await);
            let shorter = whole.len().min(dropped.len());
            assert_eq!(whole[..shorter], dropped[..shorter]);
        });
    }
}

#[tokio::test]
async fn a_panic_in_the_place_of_a_usual_page_ends_the_stream() {
    let mut docs = by_cursor(|cursor: Option<u32>| {
        let page = cursor.unwrap_or(0);
        assert_ne!(page, 5, "the fetch function panics");
        async move {
            assert_ne!(page, 7);
            Ok::<_, Fault>(Page::new(vec![page], Some(page + 1)))
        }
    });
    for page in 0..5 {
        assert_eq!(docs.try_next().await.unwrap(), Some(page));
    }
    assert!(std::panic::AssertUnwindSafe(docs.next()).catch_unwind().await.is_err());
    assert!(docs.next().await.is_none());
    assert_eq!(docs.progress().items, 5);
    assert!(!docs.retry_failed());
}

#[tokio::test]
async fn a_run_of_usual_pages_lets_other_tasks_run() {
    a_run_lets_other_tasks_run(|docs| docs).await;
}

/// Pages that are not usual ones: with an observer, and with a limit.
#[tokio::test]
async fn a_run_of_other_pages_lets_other_tasks_run() {
    a_run_lets_other_tasks_run(|docs| docs.on_event(|_| ())).await;
    a_run_lets_other_tasks_run(|docs| docs.max_items(u64::MAX - 1)).await;
}

async fn a_run_lets_other_tasks_run(
    settings: impl Fn(AsyncGetDocs<u32, u32, Fault>) -> AsyncGetDocs<u32, u32, Fault>,
) {
    for is_unconstrained in [false, true] {
        let other = tokio::spawn(async {});
        let mut docs = settings(by_cursor(|cursor: Option<u32>| async move {
            let page = cursor.unwrap_or(0);
            Ok::<_, Fault>(Page::new(vec![page], Some(page + 1)))
        }));
        let mut taken = 0;
        let run = async {
            while !other.is_finished() {
                assert!(docs.try_next().await.unwrap().is_some());
                taken += 1;
                assert!(taken <= 130, "no other task had its turn");
            }
        };
        if is_unconstrained {
            tokio::task::unconstrained(run).await;
        } else {
            run.await;
        }
    }
}

#[tokio::test]
async fn a_run_of_usual_pages_stops_when_the_budget_of_the_task_is_consumed() {
    let mut docs = by_cursor(|cursor: Option<u32>| async move {
        let page = cursor.unwrap_or(0);
        Ok::<_, Fault>(Page::new(vec![page], Some(page + 1)))
    });
    // Leave the first pages, which are read in the other way, to a turn of their own.
    docs.try_next().await.unwrap();
    tokio::task::yield_now().await;
    while tokio::task::coop::has_budget_remaining() {
        tokio::task::coop::consume_budget().await;
    }
    let ready = (0..20).take_while(|_| docs.next().now_or_never().is_some()).count();
    assert!(ready <= 8, "{ready}");
}

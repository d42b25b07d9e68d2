//! Edge cases in which paginated APIs lose or duplicate items: one row each.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use withal::pages::{
    AsyncGetDocs, Checkpoint, Error, ErrorKind, Offset, OnCycle, OnEmpty, Page, PageNumber, by_cursor,
    by_link, by_offset, by_page_number,
};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::trace;

type Row = (&'static str, Pin<Box<dyn Future<Output = String>>>, &'static str);

fn row(name: &'static str, run: impl Future<Output = String> + 'static, expected: &'static str) -> Row {
    (name, Box::pin(run), expected)
}

/// A cursor stream over these pages, in this order.
fn script<C: withal::pages::Cursor>(pages: Vec<Page<u32, C>>) -> AsyncGetDocs<u32, C, Fault> {
    let mut pages = pages.into_iter();
    by_cursor(move |_| {
        let page = pages.next().ok_or(Fault(99));
        async move { page }
    })
}

fn text(items: Vec<u32>, next: &str) -> Page<u32, String> {
    Page::new(items, Some(next.to_owned()))
}

/// A page, then a cycle of `period` pages: with a period of 1, a page that points to itself.
fn ring(period: usize) -> AsyncGetDocs<u32, usize, Fault> {
    Api::numbers(vec![1; period + 1]).link(period, 1).by_cursor()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table with a row for each edge case")]
async fn no_edge_case_loses_or_duplicates_an_item() {
    let table = [
        row(
            "an empty page between others",
            async { trace(&mut Api::numbers([2, 0, 0, 1]).by_cursor()).await },
            "0 1 2 end",
        ),
        row(
            "an empty page ends a numbered stream",
            async { trace(&mut Api::numbers([2, 1]).by_page_number()).await },
            "0 1 2 end",
        ),
        row("no items", async { trace(&mut Api::numbers([]).by_page_number()).await }, "end"),
        row(
            "an empty page between numbered pages, with OnEmpty::Continue",
            async {
                let api = Api::numbers([2, 0, 1, 0]);
                trace(&mut api.by_page_number().on_empty(OnEmpty::Continue).max_pages(4)).await
            },
            "0 1 2 end",
        ),
        row(
            "a numbered empty page with has_more",
            async {
                let mut docs = by_page_number(0, |page| async move {
                    let items = if page == 1 { vec![] } else { vec![page] };
                    Ok::<_, Fault>((items, page < 2))
                });
                trace(&mut docs).await
            },
            "0 2 end",
        ),
        row(
            "an empty page of a cursor stream, with OnEmpty::End",
            async { trace(&mut Api::numbers([2, 0, 1]).by_cursor().on_empty(OnEmpty::End)).await },
            "0 1 end",
        ),
        row(
            "an empty string is not a cursor",
            async { trace(&mut script(vec![text(vec![1], "a"), text(vec![2], "")])).await },
            "1 2 end",
        ),
        row(
            "an empty byte vector is not a cursor",
            async { trace(&mut script(vec![Page::new(vec![1], Some(Vec::<u8>::new()))])).await },
            "1 end",
        ),
        row(
            "an empty link is not a link",
            async {
                let mut docs = by_link("/1", |_| async { Ok::<_, Fault>(text(vec![1], "")) });
                trace(&mut docs).await
            },
            "1 end",
        ),
        row(
            "has_more without a cursor",
            async {
                let page = Page::new(vec![2], None::<u8>).has_more(true);
                trace(&mut script(vec![Page::new(vec![1], Some(7)), page])).await
            },
            "1 2 ! page 2 (cursor 7): more pages reported, but no next cursor; end",
        ),
        row(
            "a cursor with has_more(false)",
            async { trace(&mut script(vec![Page::new(vec![1], Some(7)).has_more(false)])).await },
            "1 end",
        ),
        row(
            "a short page does not end the stream",
            async { trace(&mut Api::numbers([3, 1, 3]).by_page_number()).await },
            "0 1 2 3 4 5 6 end",
        ),
        row(
            "a short page of an offset stream does not end it",
            async {
                let mut docs = by_offset(3, |offset, limit| async move {
                    let len = if offset == 0 { 1 } else { limit };
                    Ok::<_, Fault>((offset..8.min(offset + len)).collect::<Vec<_>>())
                });
                trace(&mut docs).await
            },
            "0 1 2 3 4 5 6 7 end",
        ),
        row(
            "a server that limits the page size: the offset advances by the items received",
            async { trace(&mut Api::numbers([7]).by_offset(100, 3)).await },
            "0 1 2 3 4 5 6 end",
        ),
        row(
            "a page size of 0",
            async { trace(&mut Api::numbers([7]).by_offset(0, 3)).await },
            "! page 1 (cursor offset=0): page size must be greater than 0; end",
        ),
        row(
            "a numbered page with a next cursor",
            async {
                let mut docs = by_page_number(1, |page| async move {
                    Ok::<_, Fault>(
                        Page::new(vec![page], (page < 5).then_some(page + 2).map(PageNumber::new))
                            .has_more(page < 5),
                    )
                });
                trace(&mut docs).await
            },
            "1 3 5 end",
        ),
        row(
            "a wrong total has no effect",
            async {
                let mut docs = by_page_number(0, |page| async move {
                    let items = if page < 3 { vec![page] } else { vec![] };
                    Ok::<_, Fault>(Page::new(items, None).total(1))
                });
                trace(&mut docs).await
            },
            "0 1 2 end",
        ),
        row(
            "a page number that would overflow",
            async {
                let mut docs = by_page_number(u64::MAX, |_| async { Ok::<_, Fault>(vec![1]) });
                trace(&mut docs).await
            },
            "1 ! page 1 (cursor page=18446744073709551615): cursor cycle, next cursor page=18446744073709551615 was fetched before; set `on_cycle` if that marks the end or is not an error; end",
        ),
    ];
    for (name, run, expected) in table {
        assert_eq!(run.await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_cycle_of_any_length_is_delivered_once_and_then_reported() {
    for period in 1..=8 {
        let once: Vec<_> = (0..=period).map(|n| n.to_string()).collect();
        let once = once.join(" ");
        let error = format!(
            "! page {} (cursor {period}): cursor cycle, next cursor 1 was fetched before; set `on_cycle` if that marks the end or is not an error;",
            period + 1
        );

        assert_eq!(trace(&mut ring(period)).await, format!("{once} {error} end"), "period {period}");
        let mut docs = ring(period).on_cycle(OnCycle::End);
        assert_eq!(trace(&mut docs).await, format!("{once} end"), "period {period}");

        let mut docs = ring(period).on_cycle(OnCycle::Allow).max_pages(3 * period as u64 + 1);
        let round: Vec<_> = (1..=period).map(|n| n.to_string()).collect();
        let round = round.join(" ");
        assert_eq!(trace(&mut docs).await, format!("0 {round} {round} {round} end"), "period {period}");
    }
}

#[tokio::test]
async fn after_an_error_the_same_page_is_requested_again_and_nothing_is_skipped() {
    let api = Api::numbers([2, 2, 2]).fail(1, 2);
    let mut docs = api.by_cursor();
    let first = "0 1 ! page 2 (cursor 1): fetch failed after 1 attempt: fault on page 1; end";
    assert_eq!(trace(&mut docs).await, first);
    assert!(docs.retry_failed());
    assert!(!docs.retry_failed(), "nothing to retry until it fails again");
    assert_eq!(
        trace(&mut docs).await,
        "! page 2 (cursor 1): fetch failed after 1 attempt: fault on page 1; end"
    );
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "2 3 4 5 end");
    assert!(!docs.retry_failed(), "nothing to retry at the end");
    assert_eq!(api.requested(), [0, 1, 1, 1, 2]);
    assert_eq!(docs.progress().retries, 2);
}

#[tokio::test]
async fn after_an_error_the_checkpoint_is_before_the_failed_page() {
    let api = Api::numbers([2, 2, 2]).fail(1, 1);
    let mut docs = api.by_cursor();
    trace(&mut docs).await;
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip(), checkpoint.items()), (Some(&1), 0, 2));
    assert!(!checkpoint.is_done());
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint)).await, "2 3 4 5 end");
}

#[tokio::test]
async fn a_page_without_its_cursor_is_refetched_and_its_items_are_skipped() {
    // The second response contains the cursor that the first one lacked.
    let mut docs = script(vec![
        Page::new(vec![1, 2], None).has_more(true),
        Page::new(vec![1, 2, 3], Some(7)),
        Page::new(vec![4], None),
    ]);
    assert!(trace(&mut docs).await.starts_with("1 2 ! page 1: more pages reported"));
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip()), (None, 2));
    assert!(docs.retry_failed());
    assert_eq!(docs.checkpoint(), checkpoint);
    assert_eq!(trace(&mut docs).await, "3 4 end");
    assert_eq!(docs.progress().pages, 2);
    assert_eq!(docs.progress().items, 4);
}

#[tokio::test]
async fn a_panic_of_the_fetch_future_follows_the_earlier_items_and_ends_the_stream() {
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (3, 1), (0, 2), (0, 4)] {
        for steps in [0, 1] {
            let mut docs = by_page_number(0, move |page| async move {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                assert!(page < 2, "no page {page}");
                Ok::<_, Fault>(vec![2 * page, 2 * page + 1])
            })
            .read_ahead(read_ahead)
            .concurrency(concurrency);
            let seen = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&seen);
            let run = tokio::spawn(async move {
                let payload = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(async {
                    while let Some(doc) = docs.next().await {
                        log.lock().unwrap().push(doc.unwrap());
                    }
                }))
                .await
                .expect_err("the fetch panics");
                assert_eq!(payload.downcast_ref::<String>().unwrap(), "no page 2");
                assert!(docs.next().await.is_none());
                assert!(!docs.retry_failed());
                assert!(futures::stream::FusedStream::is_terminated(&docs));
                docs.checkpoint()
            });
            let checkpoint = run.await.unwrap();
            let case = format!("read_ahead {read_ahead}, concurrency {concurrency}, steps {steps}");
            assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3], "{case}");
            assert_eq!(checkpoint.cursor().unwrap().get(), 2, "{case}");
        }
    }
}

#[tokio::test]
async fn a_panic_of_the_fetch_function_ends_the_stream() {
    let mut docs = by_cursor(|at: Option<u8>| {
        assert!(at.is_none(), "no second page");
        async { Ok::<_, Fault>(Page::new(vec![1], Some(2))) }
    });
    assert_eq!(docs.try_next().await.unwrap(), Some(1));
    let panic = tokio::spawn(async move {
        let caught = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(docs.next())).await;
        assert!(caught.is_err());
        docs.next().await.is_none()
    });
    assert!(panic.await.unwrap());
}

#[tokio::test]
async fn errors_have_a_source_a_page_and_a_cursor() {
    let mut docs = Api::numbers([1, 1]).fail(1, 1).by_cursor();
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    let error = docs.try_next().await.unwrap_err();
    assert_eq!((error.page(), error.cursor()), (2, Some("1")));
    let source = std::error::Error::source(&error).expect("a fetch error has a source");
    assert_eq!(source.downcast_ref::<Fault>(), Some(&Fault(1)));
    assert_eq!(error.into_fetch_error().unwrap(), Fault(1));

    // The error type need not implement `std::error::Error`.
    let mut docs = by_cursor(|_: Option<u8>| async { Err::<Page<u8, u8>, _>("503") });
    let error = docs.try_next().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Fetch { attempts: 1, source: "503", .. }));
    assert_eq!(error.to_string(), "page 1: fetch failed after 1 attempt");
}

#[tokio::test]
async fn an_empty_cursor_of_any_text_type_is_none() {
    /// The items of a stream whose first page has this next cursor: `1 2` if the cursor is used.
    async fn trace_with_cursor<C: withal::pages::Cursor>(next: C) -> String {
        trace(&mut script(vec![Page::new(vec![1], Some(next)), Page::new(vec![2], None)])).await
    }
    let empty = [
        ("String", trace_with_cursor(String::new()).await),
        ("&str", trace_with_cursor("").await),
        ("Box<str>", trace_with_cursor(Box::<str>::from("")).await),
        ("Arc<str>", trace_with_cursor(Arc::<str>::from("")).await),
        ("Cow, borrowed", trace_with_cursor(Cow::Borrowed("")).await),
        ("Cow, owned", trace_with_cursor(Cow::<str>::Owned(String::new())).await),
        ("Vec<u8>", trace_with_cursor(Vec::<u8>::new()).await),
    ];
    for (name, output) in empty {
        assert_eq!(output, "1 end", "{name}");
    }
    let full = [
        ("String", trace_with_cursor(String::from(" ")).await),
        ("&str", trace_with_cursor("0").await),
        ("Box<str>", trace_with_cursor(Box::<str>::from("0")).await),
        ("Arc<str>", trace_with_cursor(Arc::<str>::from("0")).await),
        ("Cow, borrowed", trace_with_cursor(Cow::Borrowed("0")).await),
        ("Cow, owned", trace_with_cursor(Cow::<str>::Owned("0".to_owned())).await),
        ("Vec<u8>", trace_with_cursor(vec![0_u8]).await),
        ("a number", trace_with_cursor(0_u8).await),
        ("the unit type", trace_with_cursor(()).await),
    ];
    for (name, output) in full {
        assert_eq!(output, "1 2 end", "{name}");
    }
}

#[tokio::test]
async fn has_more_precedes_on_empty_which_precedes_the_cursor() {
    let page = |items, next, has_more: Option<bool>| {
        script(vec![Page::new(items, next).has_more(has_more), Page::new(vec![2], None)])
    };
    let table = [
        ("an empty page with a cursor", page(vec![], Some(7), None), "2 end"),
        ("with has_more(false)", page(vec![], Some(7), Some(false)), "end"),
        ("with OnEmpty::End", page(vec![], Some(7), Some(true)).on_empty(OnEmpty::End), "end"),
        (
            "a page with items, with OnEmpty::End",
            page(vec![1], Some(7), None).on_empty(OnEmpty::End),
            "1 2 end",
        ),
        ("an empty page without a cursor", page(vec![], None, None), "end"),
        (
            "without a cursor, with OnEmpty::Continue",
            page(vec![], None, None).on_empty(OnEmpty::Continue),
            "end",
        ),
        (
            "without a cursor, with has_more(true)",
            page(vec![], None, Some(true)),
            "! page 1: more pages reported, but no next cursor; end",
        ),
    ];
    for (name, mut docs, expected) in table {
        assert_eq!(trace(&mut docs).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_numbered_empty_page_with_a_next_cursor_does_not_end_the_stream() {
    for concurrency in [1, 3] {
        let mut docs = by_page_number(0, |page| async move {
            Ok::<_, Fault>(match page {
                0 => Page::new(vec![0], None),
                1 => Page::new(vec![], Some(PageNumber::new(4))),
                4 => Page::new(vec![4], None),
                _ => Page::new(vec![], None),
            })
        })
        .concurrency(concurrency);
        assert_eq!(trace(&mut docs).await, "0 4 end", "concurrency {concurrency}");
        assert_eq!(docs.progress().pages, 3);

        let mut docs = by_page_number(0, |page| async move {
            Ok::<_, Fault>(Page::new(if page == 1 { vec![] } else { vec![page] }, None).has_more(page < 2))
        })
        .on_empty(OnEmpty::End)
        .concurrency(concurrency);
        assert_eq!(trace(&mut docs).await, "0 end", "with OnEmpty::End, concurrency {concurrency}");
    }
}

#[tokio::test]
async fn an_offset_advances_by_the_items_received_unless_the_page_has_a_next_cursor() {
    for concurrency in [1, 4] {
        let requested = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requested);
        let mut docs = by_offset(2, move |offset, limit| {
            log.lock().unwrap().push(limit);
            async move {
                let next = (offset == 2).then_some(10);
                let items = if offset < 12 { vec![offset, offset + 1] } else { vec![] };
                Ok::<_, Fault>(Page::new(items, next.map(Offset::new)))
            }
        })
        .concurrency(concurrency);
        assert_eq!(trace(&mut docs).await, "0 1 2 3 10 11 end", "concurrency {concurrency}");
        assert!(
            requested.lock().unwrap().iter().all(|limit| *limit == 2),
            "the limit is the same for each request"
        );
    }
}

#[tokio::test]
async fn an_offset_that_does_not_advance_is_a_cycle() {
    // An empty page with has_more: the offset stays the same.
    let mut docs = by_offset(5, |_, _| async { Ok::<_, Fault>((Vec::<u8>::new(), true)) });
    assert_eq!(
        trace(&mut docs).await,
        "! page 1 (cursor offset=0): cursor cycle, next cursor offset=0 was fetched before; set `on_cycle` if that marks the end or is not an error; end"
    );
}

#[tokio::test]
async fn the_first_link_takes_part_in_cycle_detection_and_errors() {
    let mut docs = by_link("/1", |url| async move {
        match url.as_str() {
            "/1" => Ok(Page::new(vec![1], Some("/2".to_owned()))),
            "/2" => Ok(Page::new(vec![2], Some("/1".to_owned()))),
            _ => Err(Fault(0)),
        }
    });
    assert_eq!(docs.checkpoint().cursor().map(String::as_str), Some("/1"));
    assert_eq!(
        trace(&mut docs).await,
        "1 2 ! page 2 (cursor \"/2\"): cursor cycle, next cursor \"/1\" was fetched before; set `on_cycle` if that marks the end or is not an error; end"
    );

    let mut docs = by_link("/1", |_| async { Err::<Page<u8, String>, _>(Fault(1)) });
    let error = docs.try_next().await.unwrap_err();
    assert_eq!((error.page(), error.cursor()), (1, Some("\"/1\"")));
}

#[tokio::test]
async fn new_starts_at_page_0_and_by_page_number_at_the_given_page() {
    let page = |page: u64| async move { Ok::<_, Fault>(if page < 3 { vec![page] } else { vec![] }) };
    assert_eq!(trace(&mut AsyncGetDocs::new(page)).await, "0 1 2 end");
    assert_eq!(trace(&mut by_page_number(1, page)).await, "1 2 end");
}

#[tokio::test]
async fn only_an_error_can_be_retried() {
    // An invalid configuration: a retry would not help.
    let mut docs = Api::numbers([7]).by_offset(0, 3);
    let error = docs.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidPageSize));
    assert!(!docs.retry_failed());
    assert!(docs.next().await.is_none());

    for (read_ahead, concurrency) in [(0, 1), (1, 1), (0, 2)] {
        let api = Api::numbers([2, 1]);
        let mut docs = api.by_page_number().read_ahead(read_ahead).concurrency(concurrency);
        assert!(!docs.retry_failed(), "before the first poll");
        assert_eq!(docs.try_next().await.unwrap(), Some(0));
        assert!(!docs.retry_failed(), "inside a page");
        assert_eq!(trace(&mut docs).await, "1 2 end", "the stream is unchanged");
        assert!(!docs.retry_failed(), "at the end");
        assert!(docs.next().await.is_none());
        assert_eq!(docs.progress().retries, 0);
    }
}

/// The error that ends a stream.
async fn last_error<C: withal::pages::Cursor>(mut docs: AsyncGetDocs<u32, C, Fault>) -> Error<Fault> {
    loop {
        match docs.try_next().await {
            Ok(doc) => assert!(doc.is_some(), "the stream ended without an error"),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn error_predicates_match_only_their_kind() {
    fn predicates(error: &Error<Fault>) -> [bool; 4] {
        [error.is_fetch(), error.is_cursor_cycle(), error.is_missing_cursor(), error.is_resume_out_of_range()]
    }
    let error = Api::numbers([1]).fail(0, 1).by_page_number().try_next().await.unwrap_err();
    assert_eq!(predicates(&error), [true, false, false, false]);
    let error = last_error(ring(1)).await;
    assert_eq!(predicates(&error), [false, true, false, false]);
    let error = last_error(script(vec![Page::new(vec![], None::<u8>).has_more(true)])).await;
    assert_eq!(predicates(&error), [false, false, true, false]);
    let error = last_error(Api::numbers([1]).by_cursor().resume(Checkpoint::new(None, 2))).await;
    assert_eq!(predicates(&error), [false, false, false, true]);
    assert!(!error.is_runtime_shutdown(), "tested in read_ahead.rs");
}

#[tokio::test]
async fn error_kinds_are_available_by_reference_and_by_value() {
    // The size of a pointer, so that it does not enlarge the items in a `Result`.
    assert_eq!(size_of::<Error<[u64; 9]>>(), size_of::<usize>());

    let error = Api::numbers([1]).fail(0, 1).by_page_number().try_next().await.unwrap_err();
    assert_eq!((error.page(), error.cursor()), (1, Some("page=0")));
    assert!(matches!(error.into_kind(), ErrorKind::Fetch { attempts: 1, source: Fault(0), .. }));

    let error = last_error(ring(1)).await;
    assert!(matches!(error.kind(), ErrorKind::CursorCycle { next_cursor, .. } if next_cursor == "1"));
    assert!(std::error::Error::source(&error).is_none(), "it is not an error of the fetch function");
    let error = error.into_fetch_error().unwrap_err();
    assert_eq!((error.page(), error.cursor()), (2, Some("1")), "any other error is returned unchanged");

    let error = last_error(script(vec![Page::new(vec![], None::<u8>).has_more(true)])).await;
    assert!(matches!(error.into_kind(), ErrorKind::MissingCursor));
}

#[tokio::test]
async fn an_empty_cursor_of_any_byte_type_is_none() {
    async fn trace_with_cursor<C: withal::pages::Cursor>(next: C) -> String {
        let mut pages = vec![Page::new(vec![1], Some(next)), Page::new(vec![2], None)].into_iter();
        let mut docs = by_cursor(move |_| {
            let page = pages.next().ok_or(Fault(9));
            async move { page }
        });
        trace(&mut docs).await
    }
    let table = [
        ("&[u8]", trace_with_cursor::<&'static [u8]>(b"").await),
        ("Box<[u8]>", trace_with_cursor(Box::<[u8]>::from(*b"")).await),
        ("Arc<[u8]>", trace_with_cursor(Arc::<[u8]>::from(*b"")).await),
    ];
    let missed: Vec<_> = table.iter().filter(|(_, output)| output != "1 end").collect();
    assert!(missed.is_empty(), "{missed:?}");
}

//! The traps in which paginated APIs lose or repeat documents: a row each.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use withal::pages::{
    AsyncGetDocs, Error, OnEmpty, OnRepeat, Page, by_cursor, by_link, by_offset, by_page_number,
};

use crate::support::{Api, Fault, trace};

type Row = (&'static str, Pin<Box<dyn Future<Output = String>>>, &'static str);

fn row(name: &'static str, run: impl Future<Output = String> + 'static, expected: &'static str) -> Row {
    (name, Box::pin(run), expected)
}

/// A chain written out: what the fetch answers to each cursor in turn.
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

/// A chain of `period` pages whose last one leads back to the first, to itself for a period of 1.
fn ring(period: usize) -> AsyncGetDocs<u32, usize, Fault> {
    Api::new(vec![1; period + 1]).link(period, 1).by_cursor()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table, a row a trap")]
async fn no_trap_loses_or_repeats_a_document() {
    let table = [
        row(
            "empty page in the middle of a chain",
            async { trace(&mut Api::new([2, 0, 0, 1]).by_cursor()).await },
            "0 1 2 end",
        ),
        row(
            "empty page as the end of a numbered walk",
            async { trace(&mut Api::new([2, 1]).by_page_number()).await },
            "0 1 2 end",
        ),
        row("nothing at all", async { trace(&mut Api::new([]).by_page_number()).await }, "end"),
        row(
            "empty page in the middle of a numbered walk, told to go on",
            async {
                let api = Api::new([2, 0, 1, 0]);
                trace(&mut api.by_page_number().on_empty(OnEmpty::Continue).max_pages(4)).await
            },
            "0 1 2 end",
        ),
        row(
            "empty page of a numbered walk that says it has more",
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
            "empty page of a chain, told that it is the end",
            async { trace(&mut Api::new([2, 0, 1]).by_cursor().on_empty(OnEmpty::End)).await },
            "0 1 end",
        ),
        row(
            "Some(\"\") is no cursor",
            async { trace(&mut script(vec![text(vec![1], "a"), text(vec![2], "")])).await },
            "1 2 end",
        ),
        row(
            "an empty key is no cursor",
            async { trace(&mut script(vec![Page::new(vec![1], Some(Vec::<u8>::new()))])).await },
            "1 end",
        ),
        row(
            "an empty link is no link",
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
            "1 2 ! page 2 at 7 says that there are more pages, but has no cursor to them; end",
        ),
        row(
            "a cursor behind has_more(false)",
            async { trace(&mut script(vec![Page::new(vec![1], Some(7)).has_more(false)])).await },
            "1 end",
        ),
        row(
            "a short page is no end",
            async { trace(&mut Api::new([3, 1, 3]).by_page_number()).await },
            "0 1 2 3 4 5 6 end",
        ),
        row(
            "a short page of an offset walk is no end",
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
            "a clamped page size: the offset advances by the items received",
            async { trace(&mut Api::new([7]).by_offset(100, 3)).await },
            "0 1 2 3 4 5 6 end",
        ),
        row(
            "a page size of 0",
            async { trace(&mut Api::new([7]).by_offset(0, 3)).await },
            "! page 1 at offset=0 cannot be asked for: the page size is 0; end",
        ),
        row(
            "a numbered page that names its successor",
            async {
                let mut docs = by_page_number(1, |page| async move {
                    Ok::<_, Fault>(Page::new(vec![page], (page < 5).then_some(page + 2)).has_more(page < 5))
                });
                trace(&mut docs).await
            },
            "1 3 5 end",
        ),
        row(
            "a total that is wrong is not believed",
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
            "a walk whose number would overflow",
            async {
                let mut docs = by_page_number(u64::MAX, |_| async { Ok::<_, Fault>(vec![1]) });
                trace(&mut docs).await
            },
            "1 ! page 1 at page=18446744073709551615 leads back to page=18446744073709551615, \
             a page that was fetched before; end",
        ),
    ];
    for (name, run, expected) in table {
        assert_eq!(run.await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_loop_of_any_period_is_delivered_once_and_then_told() {
    for period in 1..=8 {
        let once: Vec<_> = (0..=period).map(|n| n.to_string()).collect();
        let once = once.join(" ");
        let error =
            format!("! page {} at {period} leads back to 1, a page that was fetched before;", period + 1);

        assert_eq!(trace(&mut ring(period)).await, format!("{once} {error} end"), "period {period}");
        let mut docs = ring(period).on_repeat(OnRepeat::End);
        assert_eq!(trace(&mut docs).await, format!("{once} end"), "period {period}");

        let mut docs = ring(period).on_repeat(OnRepeat::Allow).max_pages(3 * period as u64 + 1);
        let round: Vec<_> = (1..=period).map(|n| n.to_string()).collect();
        let round = round.join(" ");
        assert_eq!(trace(&mut docs).await, format!("0 {round} {round} {round} end"), "period {period}");
    }
}

#[tokio::test]
async fn after_an_error_the_same_page_is_asked_again_and_nothing_is_skipped() {
    let api = Api::new([2, 2, 2]).fail(1, 2);
    let mut docs = api.by_cursor();
    let first = "0 1 ! page 2 at 1 could not be fetched (attempt 1): fault on page 1; end";
    assert_eq!(trace(&mut docs).await, first);
    assert!(docs.retry_failed());
    assert!(!docs.retry_failed(), "there is nothing to retry until it fails again");
    assert_eq!(
        trace(&mut docs).await,
        "! page 2 at 1 could not be fetched (attempt 1): fault on page 1; end"
    );
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "2 3 4 5 end");
    assert!(!docs.retry_failed(), "a walk that came to its end has no page to retry");
    assert_eq!(api.asked(), [0, 1, 1, 1, 2]);
    assert_eq!(docs.progress().retries, 2);
}

#[tokio::test]
async fn after_an_error_the_checkpoint_is_before_the_page_that_failed() {
    let api = Api::new([2, 2, 2]).fail(1, 1);
    let mut docs = api.by_cursor();
    trace(&mut docs).await;
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip(), checkpoint.items()), (Some(&1), 0, 2));
    assert!(!checkpoint.is_done());
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint)).await, "2 3 4 5 end");
}

#[tokio::test]
async fn a_page_without_its_cursor_is_asked_again_and_passed_over() {
    // The second time the API says what it forgot the first time.
    let mut docs = script(vec![
        Page::new(vec![1, 2], None).has_more(true),
        Page::new(vec![1, 2, 3], Some(7)),
        Page::new(vec![4], None),
    ]);
    assert!(trace(&mut docs).await.starts_with("1 2 ! page 1 at the start says"));
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip()), (None, 2));
    assert!(docs.retry_failed());
    assert_eq!(docs.checkpoint(), checkpoint);
    assert_eq!(trace(&mut docs).await, "3 4 end");
    assert_eq!(docs.progress().pages, 2);
    assert_eq!(docs.progress().items, 4);
}

#[tokio::test]
async fn a_panic_in_the_fetch_comes_after_the_page_before_and_ends_the_stream() {
    for (read_ahead, concurrent) in [(0, 1), (1, 1), (3, 1), (0, 2), (0, 4)] {
        for steps in [0, 1] {
            let mut docs = by_page_number(0, move |page| async move {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                assert!(page < 2, "no page {page}");
                Ok::<_, Fault>(vec![2 * page, 2 * page + 1])
            })
            .read_ahead(read_ahead)
            .concurrent(concurrent);
            let seen = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&seen);
            let run = tokio::spawn(async move {
                let payload = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(async {
                    while let Some(doc) = docs.next().await {
                        log.lock().unwrap().push(doc.unwrap());
                    }
                }))
                .await
                .expect_err("the panic of the fetch is passed on");
                assert_eq!(payload.downcast_ref::<String>().unwrap(), "no page 2");
                assert!(docs.next().await.is_none());
                assert!(!docs.retry_failed());
                assert!(futures::stream::FusedStream::is_terminated(&docs));
                docs.checkpoint()
            });
            let checkpoint = run.await.unwrap();
            let case = format!("read_ahead {read_ahead}, concurrent {concurrent}, steps {steps}");
            assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3], "{case}");
            assert_eq!(checkpoint.cursor().unwrap().get(), 2, "{case}");
        }
    }
}

#[tokio::test]
async fn a_panic_of_the_fetch_function_itself_ends_the_stream_too() {
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
async fn errors_keep_their_source_and_tell_page_and_cursor() {
    let mut docs = Api::new([1, 1]).fail(1, 1).by_cursor();
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    let error = docs.try_next().await.unwrap_err();
    assert_eq!((error.page(), error.cursor()), (2, "1"));
    let source = std::error::Error::source(&error).expect("the fault is kept");
    assert_eq!(source.downcast_ref::<Fault>(), Some(&Fault(1)));
    assert_eq!(error.into_fetch_error(), Some(Fault(1)));

    // An error type that is no `std::error::Error` is kept as well.
    let mut docs = by_cursor(|_: Option<u8>| async { Err::<Page<u8, u8>, _>("503") });
    let error = docs.try_next().await.unwrap_err();
    assert!(matches!(error, Error::Fetch { page: 1, attempts: 1, source: "503", .. }));
    assert_eq!(error.to_string(), "page 1 at the start could not be fetched (attempt 1)");
}

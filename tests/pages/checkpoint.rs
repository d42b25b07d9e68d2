//! `checkpoint` and `resume`: at every moment, after the last item yielded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use withal::pages::{
    AsyncGetDocs, Checkpoint, Offset, Page, PageNumber, by_cursor, by_offset, by_page_number,
};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::{items, trace};

#[tokio::test]
async fn resuming_after_any_item_yields_exactly_the_rest() {
    let api = Api::numbers([3, 0, 1, 4]);
    let all = api.all();
    for read_ahead in [0, 1, 2] {
        for taken in 0..=all.len() {
            let mut docs = api.by_cursor().read_ahead(read_ahead);
            for _ in 0..taken {
                docs.try_next().await.unwrap();
            }
            let checkpoint = docs.checkpoint();
            assert_eq!(checkpoint.items(), taken as u64);
            let rest = items(api.by_cursor().resume(checkpoint)).await;
            assert_eq!(rest, all[taken..], "{taken} taken, read_ahead {read_ahead}");
        }
    }
}

#[tokio::test]
async fn numbered_streams_resume_after_any_item() {
    let api = Api::numbers([3, 2, 4]);
    let all = api.all();
    for concurrency in [1, 3] {
        for taken in 0..=all.len() {
            let mut docs = api.by_page_number().concurrency(concurrency);
            let mut by_offset = api.by_offset(4, 2).concurrency(concurrency);
            for _ in 0..taken {
                docs.try_next().await.unwrap();
                by_offset.try_next().await.unwrap();
            }
            let rest = items(api.by_page_number().resume(docs.checkpoint()).concurrency(concurrency)).await;
            assert_eq!(rest, all[taken..], "{taken} taken by page");
            let rest =
                items(api.by_offset(4, 2).resume(by_offset.checkpoint()).concurrency(concurrency)).await;
            assert_eq!(rest, all[taken..], "{taken} taken by offset");
        }
    }
}

#[tokio::test]
async fn a_checkpoint_before_the_first_poll_is_the_start() {
    let api = Api::numbers([2]);
    assert_eq!(api.by_cursor().checkpoint(), Checkpoint::default());
    let numbered = api.by_page_number().checkpoint();
    assert_eq!(numbered.cursor().copied().map(PageNumber::get), Some(0));
    // A stream that was resumed but not polled is still at its checkpoint.
    let checkpoint = Checkpoint::new(Some(0), 1);
    assert_eq!(api.by_cursor().resume(checkpoint.clone()).checkpoint(), checkpoint);
    // The default checkpoint is the start, even if the first page has a cursor.
    assert_eq!(trace(&mut api.by_page_number().resume(Checkpoint::default())).await, "0 1 end");
}

#[tokio::test]
async fn a_checkpoint_at_the_end_is_the_end() {
    let api = Api::numbers([2, 1]);
    for read_ahead in [0, 1] {
        let mut docs = api.by_cursor().read_ahead(read_ahead);
        assert_eq!(trace(&mut docs).await, "0 1 2 end");
        let checkpoint = docs.checkpoint();
        assert!(checkpoint.is_done());
        assert_eq!((checkpoint.items(), checkpoint.cursor(), checkpoint.skip()), (3, Some(&1), 1));
        let requested = api.requested().len();
        let mut docs = api.by_cursor().resume(checkpoint.clone());
        assert_eq!(trace(&mut docs).await, "end");
        assert_eq!(api.requested().len(), requested, "nothing is requested after the end");
        assert_eq!(docs.checkpoint(), checkpoint);
    }
}

#[tokio::test]
async fn items_added_after_the_end_are_found_from_a_checkpoint() {
    let mut docs = Api::numbers([2, 1]).by_cursor();
    trace(&mut docs).await;
    let end = docs.checkpoint();
    let again = Checkpoint::new(end.cursor().copied(), end.skip());
    assert_eq!(trace(&mut Api::numbers([2, 3, 1]).by_cursor().resume(again)).await, "3 4 5 end");
}

#[tokio::test]
async fn counts_continue_across_runs() {
    let api = Api::numbers([2, 2, 2]);
    let mut docs = api.by_cursor();
    for _ in 0..3 {
        docs.try_next().await.unwrap();
    }
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.items(), checkpoint.pages(), checkpoint.skip()), (3, 1, 1));
    let mut docs = api.by_cursor().resume(checkpoint);
    assert_eq!((docs.progress().items, docs.progress().pages), (3, 1));
    assert_eq!(trace(&mut docs).await, "3 4 5 end");
    assert_eq!((docs.progress().items, docs.progress().pages), (6, 3));
}

#[tokio::test]
async fn a_page_with_fewer_items_than_were_yielded_is_an_error() {
    let checkpoint = Checkpoint::new(Some(0), 5);
    let output = "! page 1 (cursor 0): resume index 5 out of range for a page of length 3; end";
    for read_ahead in [0, 1] {
        let api = Api::numbers([3, 2]);
        let mut docs = api.by_cursor().read_ahead(read_ahead).resume(checkpoint.clone());
        assert_eq!(trace(&mut docs).await, output);
        assert_eq!((docs.checkpoint(), docs.buffered_len()), (checkpoint.clone(), 0), "still valid");
        assert!(docs.retry_failed());
        assert_eq!((docs.checkpoint().cursor(), docs.checkpoint().skip()), (Some(&1), 0));
        assert_eq!(trace(&mut docs).await, "3 4 end", "continues after it");
        assert_eq!(api.requested(), [0, 1], "it is not requested again");
    }
    // The server has lowered its page size since the checkpoint.
    let mut before = Api::numbers([5, 5]).by_page_number();
    for _ in 0..4 {
        before.try_next().await.unwrap();
    }
    let docs = Api::numbers([2, 2, 2, 2, 2]).by_page_number().concurrency(2).unique_by(|doc| *doc);
    let output = trace(&mut docs.resume(before.checkpoint())).await;
    assert_eq!(output, "! page 1 (cursor page=0): resume index 4 out of range for a page of length 2; end");
}

#[tokio::test]
async fn a_stream_with_explicit_offsets_resumes_inside_a_page() {
    // This API filters a page after counting it: the offset is not the number of items received.
    let odd = || {
        by_offset(4, |offset, limit| async move {
            let kept = (offset..offset + limit).filter(|n| n % 2 == 1 && *n < 12).collect();
            let page = Page::new(kept, Some(Offset::new(offset + limit)));
            Ok::<_, Fault>(page.has_more(offset + limit < 12))
        })
    };
    for taken in 0..=6 {
        let mut docs = odd();
        let mut all = Vec::new();
        for _ in 0..taken {
            all.extend(docs.try_next().await.unwrap());
        }
        all.extend(items(odd().resume(docs.checkpoint())).await);
        assert_eq!(all, [1, 3, 5, 7, 9, 11], "{taken} taken");
    }
}

#[tokio::test]
async fn a_numbered_stream_starts_at_its_checkpoint() {
    let api = Api::numbers([2, 2, 2]);
    let docs = api.by_page_number().resume(Checkpoint::new(Some(PageNumber::new(1)), 1));
    assert_eq!(items(docs).await, [3, 4, 5]);
    let docs = api.by_offset(2, 2).resume(Checkpoint::new(Some(Offset::new(3)), 0));
    assert_eq!(items(docs).await, [3, 4, 5]);
}

#[tokio::test]
async fn errors_after_a_resume_count_the_pages_of_earlier_runs() {
    let api = Api::numbers([1, 1, 1]).fail(2, 1);
    let mut docs = api.by_cursor();
    docs.try_next().await.unwrap();
    let mut docs = api.by_cursor().resume(docs.checkpoint());
    assert!(trace(&mut docs).await.contains("page 3 (cursor 2)"));
}

#[tokio::test]
async fn only_a_checkpoint_is_deserialized_as_one() {
    let mut docs = Api::numbers([2, 2]).by_cursor();
    docs.try_next().await.unwrap();
    let checkpoint = docs.checkpoint();
    let json = serde_json::to_string(&checkpoint).unwrap();
    assert_eq!(
        json,
        r#"{"format":"withal/pages/1","cursor":null,"skip":1,"items":1,"pages":0,"done":false,"total":null,"content":null}"#
    );
    assert_eq!(serde_json::from_str::<Checkpoint<usize>>(&json).unwrap(), checkpoint);
    // Earlier versions had no total and no content.
    let old = json.replace(r#","total":null,"content":null"#, "");
    assert_eq!(serde_json::from_str::<Checkpoint<usize>>(&old).unwrap(), checkpoint);
    let json = json.replace(r#""total":null"#, r#""total":5"#);
    assert_eq!(serde_json::from_str::<Checkpoint<usize>>(&json).unwrap().total(), Some(5));

    let numbered = Api::numbers([2]).by_page_number().checkpoint();
    let numbered = serde_json::to_string(&numbered).unwrap();
    let offset = serde_json::to_string(&Api::numbers([2]).by_offset(2, 2).checkpoint()).unwrap();
    let table = [
        ("no text", ""),
        ("truncated", &json[..json.len() / 2]),
        ("other JSON", r#"{"name":"withal"}"#),
        ("another format", &json.replace("withal/pages/1", "withal/pages/2")),
        ("no cursor", &json.replace(r#""cursor":null,"#, "")),
        ("an unknown field", &json.replace('{', r#"{"page":1,"#)),
        ("a cursor of another type", &json.replace("null", r#""token""#)),
        ("a negative skip", &json.replace(r#""skip":1"#, r#""skip":-1"#)),
        ("a page number", &numbered),
        ("an offset", &offset),
        ("too many items", &json.replace(r#""items":1"#, r#""items":18446744073709551614"#)),
        ("too large a total", &json.replace(r#""total":5"#, r#""total":18446744073709551613"#)),
        ("content of another kind", &json.replace(r#""content":null"#, r#""content":"[1,2]""#)),
        ("signed content", &json.replace("\"content\":null", &format!("\"content\":\"+{:031}\"", 1))),
        ("too many pages", &json.replace(r#""pages":0"#, r#""pages":18446744073709551613"#)),
    ];
    for (name, text) in table {
        assert!(serde_json::from_str::<Checkpoint<usize>>(text).is_err(), "{name}: {text}");
    }
    assert!(
        serde_json::from_str::<Checkpoint<PageNumber>>(&offset).is_err(),
        "an offset is not a page number"
    );
}

#[test]
fn a_new_checkpoint_counts_from_zero() {
    let checkpoint = Checkpoint::new(Some("c"), 3);
    assert_eq!((checkpoint.cursor(), checkpoint.skip()), (Some(&"c"), 3));
    assert_eq!((checkpoint.items(), checkpoint.pages(), checkpoint.is_done()), (0, 0, false));
    let start = Checkpoint::<u8>::default();
    assert_eq!((start.cursor(), start.skip(), start.is_done()), (None, 0, false));
}

#[tokio::test]
async fn retries_count_only_in_this_run() {
    let api = Api::numbers([1, 1, 1]).fail(0, 1).fail(2, 2);
    let policy = backon::ConstantBuilder::default().with_delay(std::time::Duration::ZERO);
    let mut docs = api.by_cursor().retry(policy);
    docs.try_next().await.unwrap();
    assert_eq!(docs.progress().retries, 1);
    let mut docs = api.by_cursor().retry(policy).resume(docs.checkpoint());
    assert_eq!(docs.progress().retries, 0);
    assert_eq!(trace(&mut docs).await, "1 2 end");
    assert_eq!(docs.progress().retries, 2);
}

#[tokio::test]
async fn a_checkpoint_is_valid_after_each_kind_of_error() {
    // With every fetcher: the items before the error, then those of a stream resumed from the checkpoint.
    for (read_ahead, concurrency) in [(0, 1), (1, 1), (3, 1), (0, 3)] {
        let set =
            |docs: AsyncGetDocs<u32, PageNumber, Fault>| docs.read_ahead(read_ahead).concurrency(concurrency);
        let case = format!("read_ahead {read_ahead}, concurrency {concurrency}");

        let api = Api::numbers([2, 2, 2]).fail(1, 1);
        let mut docs = set(api.by_page_number());
        assert!(trace(&mut docs).await.starts_with("0 1 ! page 2 (cursor page=1): fetch failed"), "{case}");
        let resumed = set(api.by_page_number()).resume(docs.checkpoint());
        assert_eq!(items(resumed).await, [2, 3, 4, 5], "{case}");

        // The second page points to the first one, but only until `stale` is cleared.
        let stale = Arc::new(AtomicBool::new(true));
        let stream = || {
            let stale = Arc::clone(&stale);
            set(by_page_number(0, move |page| {
                let next = (page == 1 && stale.load(Ordering::Relaxed)).then_some(0);
                let page = u32::try_from(page).unwrap();
                let items = if page < 3 { vec![2 * page, 2 * page + 1] } else { vec![] };
                async move { Ok::<_, Fault>(Page::new(items, next.map(PageNumber::new))) }
            }))
        };
        let mut docs = stream();
        assert!(
            trace(&mut docs)
                .await
                .starts_with("0 1 2 3 ! page 2 (cursor page=1): cursor cycle, next cursor page=0"),
            "{case}"
        );
        let checkpoint = docs.checkpoint();
        assert_eq!((checkpoint.items(), checkpoint.pages(), checkpoint.is_done()), (4, 1, false), "{case}");
        stale.store(false, Ordering::Relaxed);
        let mut docs = stream().resume(checkpoint);
        assert_eq!(trace(&mut docs).await, "4 5 end", "{case}");
        assert_eq!((docs.progress().items, docs.progress().pages), (6, 3), "{case}");
    }

    let mut docs = Api::numbers([3]).by_offset(0, 2);
    trace(&mut docs).await;
    assert_eq!(items(Api::numbers([3]).by_offset(2, 2).resume(docs.checkpoint())).await, [0, 1, 2]);
}

#[tokio::test]
async fn items_skipped_by_a_resumed_stream_are_before_its_checkpoint() {
    let api = Api::numbers([4, 2]);
    for (read_ahead, taken) in [(0, 0), (0, 1), (1, 1), (0, 2), (1, 3)] {
        let mut docs = api.by_cursor().read_ahead(read_ahead).resume(Checkpoint::new(Some(0), 2));
        for _ in 0..taken {
            docs.try_next().await.unwrap();
        }
        let checkpoint = docs.checkpoint();
        assert_eq!(checkpoint.items(), taken as u64, "skipped items count for the earlier run");
        assert_eq!(items(api.by_cursor().resume(checkpoint)).await, api.all()[2 + taken..], "{taken} taken");
    }
}

#[tokio::test]
async fn at_the_end_every_page_is_finished() {
    let api = Api::numbers([2, 1]);
    let mut docs = api.by_cursor();
    trace(&mut docs).await;
    assert_eq!(docs.progress().pages, 2);
    assert_eq!(docs.checkpoint().pages(), 2, "as with page numbers");
    let docs = api.by_cursor().resume(docs.checkpoint());
    assert_eq!(docs.progress().pages, 2, "including those of earlier runs");
}

#[tokio::test]
async fn the_last_resume_wins() {
    let docs = Api::numbers([2, 1]).by_cursor().resume(Checkpoint::new(Some(1), 0));
    assert_eq!(trace(&mut docs.resume(Checkpoint::default())).await, "0 1 2 end");
}

#[tokio::test]
async fn an_empty_last_page_that_is_out_of_range_has_the_right_position() {
    // Page 3 (cursor 2) had 2 items, of which one was yielded. Now it is empty, and the last page.
    let api = Api::numbers([2, 2, 2]);
    let mut docs = api.by_cursor();
    for _ in 0..5 {
        docs.try_next().await.unwrap();
    }
    let output = trace(&mut Api::numbers([2, 2, 0]).by_cursor().resume(docs.checkpoint())).await;
    assert_eq!(output, "! page 3 (cursor 2): resume index 1 out of range for a page of length 0; end");
}

#[tokio::test]
async fn out_of_range_then_missing_cursor_yields_nothing_twice() {
    let mut requested = 0;
    let mut docs = by_cursor(move |at: Option<u8>| {
        requested += 1;
        async move {
            Ok::<_, Fault>(match (requested, at) {
                (1, _) => Page::new(vec![0, 1, 2], None).has_more(true),
                (2, _) => Page::new(vec![0], None).has_more(true),
                (3, _) => Page::new(vec![0, 1, 2], Some(9)),
                _ => Page::new(vec![3], None),
            })
        }
    });
    assert!(trace(&mut docs).await.starts_with("0 1 2 ! page 1: more pages reported"));
    assert!(docs.retry_failed());
    assert!(
        trace(&mut docs).await.starts_with("! page 1: resume index 3 out of range for a page of length 1")
    );
    assert!(docs.retry_failed());
    assert!(trace(&mut docs).await.starts_with("! page 1: more pages reported"));
    assert_eq!(docs.checkpoint().skip(), 3, "three of its items were yielded");
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "3 end");
}

#[tokio::test]
async fn resuming_with_shorter_offset_pages_yields_the_rest() {
    let all: Vec<u64> = (0..20).collect();
    let server = |most: u64| {
        by_offset(10, move |offset, limit| async move {
            Ok::<_, Fault>((offset..20.min(offset + limit.min(most))).collect::<Vec<_>>())
        })
    };
    let mut docs = server(10);
    for _ in 0..8 {
        docs.try_next().await.unwrap();
    }
    // Now the server returns fewer items per page; the offsets are the same.
    let mut docs = server(5).resume(docs.checkpoint());
    let mut rest = Vec::new();
    loop {
        match docs.next().await {
            Some(Ok(doc)) => rest.push(doc),
            Some(Err(error)) => {
                println!("{error}");
                assert!(docs.retry_failed());
            }
            None => break,
        }
    }
    assert_eq!(rest, all[8..]);
}

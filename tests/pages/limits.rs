//! `max_items`, `max_pages` and `unique_by`.

use withal::pages::{AsyncGetDocs, Checkpoint, OnCycle, OnEmpty, OnError, Page, PageNumber, by_cursor};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::{items, trace};

#[tokio::test]
async fn max_items_ends_inside_a_page_and_requests_no_further_page() {
    for read_ahead in [0, 2] {
        let api = Api::numbers([3, 3, 3]);
        for (max, pages) in [(0, 0), (1, 1), (3, 1), (4, 2), (9, 3), (99, 3)] {
            let requested = api.requested().len();
            let docs = api.by_cursor().read_ahead(read_ahead).max_items(max);
            assert_eq!(items(docs).await, api.all()[..9.min(usize::try_from(max).unwrap())]);
            assert_eq!(api.requested().len() - requested, pages, "max {max}, read_ahead {read_ahead}");
        }
    }
}

#[tokio::test]
async fn after_max_items_the_checkpoint_is_inside_the_page() {
    let api = Api::numbers([3, 3]);
    let mut docs = api.by_cursor().max_items(2);
    assert_eq!(trace(&mut docs).await, "0 1 end");
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip(), checkpoint.is_done()), (None, 2, false));
    let requested = api.requested().len();
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint.clone()).max_items(2)).await, "end");
    assert_eq!(api.requested().len(), requested, "the limit includes earlier runs");
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint).max_items(5)).await, "2 3 4 end");
}

#[tokio::test]
async fn if_max_items_is_the_end_of_a_page_the_checkpoint_is_after_it() {
    for read_ahead in [0, 1] {
        let api = Api::numbers([3, 3]);
        // A limit, and the checkpoint after it: cursor, items to skip, finished pages, whether it is the end.
        for (max, expected) in [(3, (Some(1), 0, 1, false)), (5, (Some(1), 2, 1, false))] {
            let mut docs = api.by_cursor().read_ahead(read_ahead).max_items(max);
            trace(&mut docs).await;
            let at = docs.checkpoint();
            assert_eq!((at.cursor().copied(), at.skip(), at.pages(), at.is_done()), expected, "max {max}");
        }
        let mut docs = api.by_cursor().read_ahead(read_ahead).max_items(6);
        trace(&mut docs).await;
        assert!(docs.checkpoint().is_done(), "the limit is the number of all items");
    }
}

#[tokio::test]
async fn max_pages_counts_empty_pages_and_earlier_runs() {
    let api = Api::numbers([1, 0, 1, 1]);
    let mut docs = api.by_cursor().max_pages(3);
    assert_eq!(trace(&mut docs).await, "0 1 end");
    assert_eq!((docs.progress().pages, docs.checkpoint().pages()), (3, 3));
    let docs = docs.checkpoint();
    assert_eq!(trace(&mut api.by_cursor().resume(docs.clone()).max_pages(3)).await, "end");
    assert_eq!(trace(&mut api.by_cursor().resume(docs).max_pages(4)).await, "2 end");
    assert_eq!(trace(&mut api.by_cursor().max_pages(0)).await, "end");
}

#[tokio::test]
async fn unique_by_keeps_the_first_item_of_each_key_across_pages() {
    let pages = [vec![1, 2, 1], vec![2, 2], vec![3, 1, 4]];
    for (read_ahead, max, expected) in
        [(0, u64::MAX, "1 2 3 4 end"), (2, u64::MAX, "1 2 3 4 end"), (2, 3, "1 2 3 end")]
    {
        let pages = pages.clone();
        let docs = by_cursor(move |at: Option<usize>| {
            let at = at.unwrap_or(0);
            let page = Page::new(pages[at].clone(), (at < 2).then_some(at + 1));
            async move { Ok::<_, Fault>(page) }
        });
        let mut docs = docs.read_ahead(read_ahead).unique_by(|doc: &i32| *doc).max_items(max);
        assert_eq!(trace(&mut docs).await, expected);
    }
}

#[tokio::test]
async fn the_checkpoint_counts_duplicates_that_were_removed() {
    let stream = || {
        by_cursor(|at: Option<u8>| async move {
            Ok::<_, Fault>(match at {
                None => (vec![1, 1, 2, 2, 3, 3], Some(1)),
                Some(_) => (vec![3, 4, 4], None),
            })
        })
        .unique_by(|doc: &u32| *doc)
    };
    // The number of items yielded, the checkpoint after them, and the items that a resumed stream yields.
    let table = [
        (1, None, 1, "2 3 4 end"),
        (2, None, 3, "3 4 end"),
        // The rest of the first page consists of duplicates: the next page follows.
        (3, Some(1), 0, "3 4 end"),
        (4, Some(1), 3, "end"),
    ];
    for (taken, cursor, skip, rest) in table {
        let mut docs = stream();
        for _ in 0..taken {
            docs.try_next().await.unwrap();
        }
        let checkpoint = docs.checkpoint();
        assert_eq!((checkpoint.cursor().copied(), checkpoint.skip()), (cursor, skip), "{taken} taken");
        assert_eq!(trace(&mut stream().resume(checkpoint)).await, rest, "{taken} taken");
    }
}

type Docs = AsyncGetDocs<u32, PageNumber, Fault>;
type Setting = (&'static str, fn(Docs) -> Docs);

#[tokio::test]
async fn a_setting_after_the_first_poll_panics_and_names_the_method() {
    let settings: [Setting; 12] = [
        ("read_ahead", |docs| docs.read_ahead(1)),
        ("retry", |docs| docs.retry(backon::ConstantBuilder::default())),
        ("classify", |docs| docs.classify(|_| OnError::Fatal)),
        ("before_request", |docs| docs.before_request(|| async {})),
        ("max_items", |docs| docs.max_items(1)),
        ("max_pages", |docs| docs.max_pages(1)),
        ("on_cycle", |docs| docs.on_cycle(OnCycle::End)),
        ("on_empty", |docs| docs.on_empty(OnEmpty::End)),
        ("unique_by", |docs| docs.unique_by(|doc| *doc)),
        ("on_event", |docs| docs.on_event(|_| {})),
        ("resume", |docs| docs.resume(Checkpoint::default())),
        ("concurrency", |docs| docs.concurrency(2)),
    ];
    for (name, set) in settings {
        let mut docs = set(Api::numbers([2]).by_page_number());
        docs.next().await;
        let set = std::panic::AssertUnwindSafe(move || set(docs));
        let panic = std::panic::catch_unwind(set).err().unwrap_or_else(|| panic!("`{name}` did not panic"));
        let message = panic.downcast_ref::<String>().expect("the panic has a formatted message");
        assert_eq!(*message, format!("`{name}` must be called before the stream is first polled"));
    }
}

#[tokio::test]
async fn settings_apply_in_any_order_and_the_last_call_wins() {
    let api = Api::numbers([3, 3]);
    let checkpoint = || Checkpoint::new(Some(0), 1);
    assert_eq!(trace(&mut api.by_cursor().max_items(2).resume(checkpoint()).max_pages(9)).await, "1 2 end");
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint()).max_pages(9).max_items(2)).await, "1 2 end");
    assert_eq!(trace(&mut api.by_cursor().max_items(1).max_items(4)).await, "0 1 2 3 end");
    assert_eq!(trace(&mut api.by_cursor().max_pages(2).max_pages(1)).await, "0 1 2 end");
}

#[tokio::test]
async fn removed_duplicates_count_neither_for_limits_nor_for_progress() {
    // The limit and the progress count the items that are yielded.
    let pages = [vec![1, 1, 1], vec![1, 1], vec![1, 2, 3]];
    for read_ahead in [0, 1, 2] {
        let pages = pages.clone();
        let docs = by_cursor(move |at: Option<usize>| {
            let at = at.unwrap_or(0);
            let page = Page::new(pages[at].clone(), (at < 2).then_some(at + 1));
            async move { Ok::<_, Fault>(page) }
        });
        let mut docs = docs.read_ahead(read_ahead).unique_by(|doc: &i32| *doc).max_items(2);
        assert_eq!(trace(&mut docs).await, "1 2 end", "read_ahead {read_ahead}");
        assert_eq!((docs.progress().items, docs.progress().pages), (2, 3));
        assert_eq!(docs.checkpoint().skip(), 2, "the checkpoint is after the last item yielded");
    }
}

#[tokio::test]
async fn a_resumed_stream_only_knows_the_keys_of_its_own_run() {
    let stream = || {
        by_cursor(|at: Option<u8>| async move {
            Ok::<_, Fault>(match at {
                None => (vec![1, 2], Some(1)),
                Some(_) => (vec![3, 1, 3], None),
            })
        })
        .unique_by(|doc: &u32| *doc)
    };
    assert_eq!(trace(&mut stream()).await, "1 2 3 end");
    // Skipped items count as seen; those of earlier pages belong to another run.
    assert_eq!(trace(&mut stream().resume(Checkpoint::new(None, 1))).await, "2 3 end");
    assert_eq!(trace(&mut stream().resume(Checkpoint::new(Some(1), 0))).await, "3 1 end");
}

#[tokio::test]
async fn a_panic_of_the_key_function_ends_the_stream() {
    let docs = Api::numbers([2, 2, 2]).by_cursor();
    let mut docs = docs.unique_by(|doc| {
        assert_ne!(*doc, 3, "no key");
        *doc
    });
    docs.try_next().await.unwrap();
    docs.try_next().await.unwrap();
    let next = std::panic::AssertUnwindSafe(docs.next());
    assert!(futures::FutureExt::catch_unwind(next).await.is_err());
    let output = trace(&mut docs).await;
    assert_eq!(output, "end", "2 and 3 were lost");
    assert_eq!((docs.checkpoint().cursor(), docs.checkpoint().items()), (Some(&1), 2));
}

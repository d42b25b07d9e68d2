//! `Pages`: the same stream, one page at a time.

use futures::Stream;
use futures::stream::FusedStream;
use withal::pages::{OnEmpty, Pages, by_cursor};

use withal_test_support::api::{Api, Fault};
use withal_test_support::trace::{items, trace};

#[tokio::test]
async fn pages_are_yielded_unchanged() {
    let api = Api::numbers([2, 0, 1]);
    assert_eq!(items(api.by_cursor().into_pages()).await, [vec![0, 1], vec![], vec![2]]);
    assert_eq!(items(api.by_page_number().into_pages()).await, [vec![0, 1]], "the empty page marks the end");
    let docs = api.by_page_number().on_empty(OnEmpty::Continue).max_pages(3);
    assert_eq!(items(docs.into_pages()).await, [vec![0, 1], vec![], vec![2]]);
}

#[tokio::test]
async fn the_remaining_items_of_the_current_page_are_the_first_page() {
    let api = Api::numbers([3, 2]);
    let mut docs = api.by_cursor();
    docs.try_next().await.unwrap();
    let mut pages = docs.into_pages();
    assert_eq!(pages.progress().items, 1);
    assert_eq!((pages.checkpoint().cursor(), pages.checkpoint().skip()), (None, 1));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![1, 2]));
    assert_eq!((pages.checkpoint().cursor(), pages.checkpoint().skip()), (Some(&1), 0));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![3, 4]));
    assert_eq!(pages.try_next().await.unwrap(), None);
    assert!(pages.checkpoint().is_done());
}

#[tokio::test]
async fn limits_and_resume_apply_to_pages() {
    let api = Api::numbers([3, 3, 3]);
    assert_eq!(items(api.by_cursor().max_items(4).into_pages()).await, [vec![0, 1, 2], vec![3]]);
    let checkpoint = withal::pages::Checkpoint::new(Some(1), 2);
    assert_eq!(items(api.by_cursor().resume(checkpoint).into_pages()).await, [vec![5], vec![6, 7, 8]]);
}

#[tokio::test]
async fn a_failed_page_is_retried() {
    let mut pages: Pages<u32, usize, Fault> = Api::numbers([1, 1]).fail(1, 1).by_cursor().into_pages();
    assert_eq!(pages.next().await.unwrap().unwrap(), [0]);
    assert!(pages.next().await.unwrap().is_err());
    assert!(pages.next().await.is_none());
    assert!(pages.retry_failed());
    assert_eq!(pages.next().await.unwrap().unwrap(), [1]);
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn the_rest_of_a_large_page_is_yielded_as_one_page() {
    let api = Api::numbers([1300, 1]);
    for taken in [0, 1, 511, 512, 513, 1299] {
        let mut docs = api.by_cursor();
        for _ in 0..taken {
            docs.try_next().await.unwrap();
        }
        let pages = items(docs.into_pages()).await;
        let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1300 - taken, 1], "{taken} taken");
        assert_eq!(pages.concat(), api.all()[taken..], "{taken} taken");
    }
}

#[tokio::test]
async fn a_finished_page_leaves_no_remaining_items() {
    let mut docs = Api::numbers([2, 1]).by_cursor();
    docs.try_next().await.unwrap();
    docs.try_next().await.unwrap();
    assert_eq!(items(docs.into_pages()).await, [[2]]);
}

#[tokio::test]
async fn unique_by_and_max_items_apply_to_pages() {
    let docs = by_cursor(|at: Option<u8>| async move {
        Ok::<_, Fault>(match at {
            None => (vec![1, 1, 2], Some(1)),
            Some(1) => (vec![2, 1], Some(2)),
            Some(_) => (vec![2, 3, 4], None),
        })
    });
    let mut pages = docs.unique_by(|doc: &u32| *doc).max_items(3).into_pages();
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![1, 2]));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![]));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![3]));
    assert_eq!((pages.checkpoint().cursor(), pages.checkpoint().skip()), (Some(&2), 2));
    assert_eq!(pages.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn size_hint_termination_and_debug_of_pages() {
    let mut docs = Api::numbers([2, 2]).fail(1, 1).by_cursor();
    docs.try_next().await.unwrap();
    let mut pages = docs.into_pages();
    assert_eq!(pages.size_hint(), (1, None));
    assert!(!pages.is_terminated());
    assert_eq!(
        format!("{pages:?}"),
        "Pages { progress: Progress { items: 1, pages: 1, retries: 0, total: None }, \
         checkpoint: Checkpoint { cursor: None, skip: 1, items: 1, pages: 0, done: false, total: None, content: None }, .. }"
    );
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![1]));
    assert_eq!(pages.size_hint(), (0, None));
    assert!(!pages.is_terminated());
    assert!(pages.try_next().await.is_err());
    assert_eq!(pages.size_hint(), (0, Some(0)));
    assert!(pages.is_terminated());
    assert!(pages.retry_failed());
    assert!(!pages.is_terminated());
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![2, 3]));
    assert_eq!(pages.try_next().await.unwrap(), None);
    assert!(pages.is_terminated());
    assert_eq!(pages.size_hint(), (0, Some(0)));

    // The rest of the current page is yielded although the stream has no further page.
    let mut docs = Api::numbers([3]).by_cursor();
    docs.try_next().await.unwrap();
    let mut pages = docs.into_pages();
    assert_eq!(items(&mut pages).await, [[1, 2]]);
}

#[tokio::test]
async fn a_failed_stream_can_be_converted_into_pages_and_retried() {
    let mut docs = Api::numbers([1, 2]).fail(1, 1).by_cursor();
    docs.try_next().await.unwrap();
    assert!(docs.try_next().await.is_err());
    let mut pages = docs.into_pages();
    assert!(pages.next().await.is_none());
    assert!(pages.retry_failed());
    assert_eq!(items(pages).await, [[1, 2]]);
}

#[tokio::test]
async fn an_empty_last_page_with_a_cursor_stream_only_marks_the_end() {
    // As many APIs do, this one returns an empty page without a cursor after the last full page.
    let api = Api::numbers([2, 0]);
    assert_eq!(items(api.by_cursor().into_pages()).await, [vec![0, 1]]);
    let mut docs = api.by_cursor();
    trace(&mut docs).await;
    assert_eq!(docs.progress().pages, 1);
}

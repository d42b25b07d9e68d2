//! `Pages`: the same walk, a page at a time.

use withal::pages::{OnEmpty, Pages};

use crate::support::{Api, Fault, items};

#[tokio::test]
async fn pages_come_as_they_are() {
    let api = Api::new([2, 0, 1]);
    assert_eq!(items(api.by_cursor().into_pages()).await, [vec![0, 1], vec![], vec![2]]);
    assert_eq!(items(api.by_page_number().into_pages()).await, [vec![0, 1]], "the empty one marks the end");
    let docs = api.by_page_number().on_empty(OnEmpty::Continue).max_pages(3);
    assert_eq!(items(docs.into_pages()).await, [vec![0, 1], vec![], vec![2]]);
}

#[tokio::test]
async fn the_rest_of_the_page_in_hand_comes_first() {
    let api = Api::new([3, 2]);
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
async fn limits_and_resume_hold_for_pages() {
    let api = Api::new([3, 3, 3]);
    assert_eq!(items(api.by_cursor().max_items(4).into_pages()).await, [vec![0, 1, 2], vec![3]]);
    let checkpoint = withal::pages::Checkpoint::at(Some(1), 2);
    assert_eq!(items(api.by_cursor().resume(checkpoint).into_pages()).await, [vec![5], vec![6, 7, 8]]);
}

#[tokio::test]
async fn a_page_that_failed_is_retried() {
    let mut pages: Pages<u32, usize, Fault> = Api::new([1, 1]).fail(1, 1).by_cursor().into_pages();
    assert_eq!(pages.next().await.unwrap().unwrap(), [0]);
    assert!(pages.next().await.unwrap().is_err());
    assert!(pages.next().await.is_none());
    assert!(pages.retry_failed());
    assert_eq!(pages.next().await.unwrap().unwrap(), [1]);
    assert!(pages.next().await.is_none());
}

//! A stream whose pages are always ready lets other tasks run.

use std::task::Poll;

use futures::Stream;
use futures::stream::FusedStream;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};
use withal::pages::{Page, by_cursor};

use withal_test_support::api::{Api, Fault};

#[tokio::test]
async fn a_large_page_yields_to_the_executor_every_512_items() {
    // Pages of more than 4096 items are divided in another way.
    for (page, turns) in [(513, 2), (1000, 2), (1024, 2), (4096, 8), (4097, 9), (10_000, 20)] {
        let mut docs = spawn(Api::numbers([page]).by_cursor());
        let mut chunks = vec![0];
        loop {
            match docs.poll_next() {
                Poll::Ready(Some(doc)) => {
                    assert_eq!(doc.unwrap() as usize, chunks.iter().sum::<usize>());
                    *chunks.last_mut().unwrap() += 1;
                }
                Poll::Ready(None) => break,
                Poll::Pending => {
                    assert!(docs.is_woken(), "the stream wakes its task when it yields");
                    chunks.push(0);
                }
            }
        }
        assert_eq!(chunks.iter().sum::<usize>(), page);
        assert!(chunks.iter().all(|chunk| (1..=512).contains(chunk)), "{chunks:?}");
        assert_eq!(chunks.len(), turns, "no more turns than one per 512 items: {chunks:?}");
    }
}

#[tokio::test]
async fn a_page_of_512_items_does_not_yield_to_the_executor() {
    let mut docs = spawn(Api::numbers([512]).by_cursor());
    for _ in 0..512 {
        assert!(matches!(assert_ready!(docs.poll_next()), Some(Ok(_))));
    }
}

#[tokio::test]
async fn endless_empty_pages_do_not_block_the_thread() {
    for read_ahead in [0, 1] {
        let docs = by_cursor(|at: Option<u64>| async move {
            Ok::<_, Fault>(Page::new(Vec::<u32>::new(), Some(at.unwrap_or(0) + 1)))
        });
        let mut docs = docs.read_ahead(read_ahead).max_empty_pages(u64::MAX);
        let mut polls = 0;
        // Without the coop budget this would never return.
        tokio::select! {
            biased;
            _ = docs.next() => unreachable!("there is no item"),
            () = async { while polls < 3 { polls += 1; tokio::task::yield_now().await } } => {}
        }
        assert!(docs.progress().pages > 0);
    }
}

#[tokio::test]
async fn ready_pages_of_one_item_let_other_tasks_run() {
    let other = tokio::spawn(async {});
    let mut docs = Api::numbers(vec![1; 500]).by_cursor();
    let mut taken = 0;
    while !other.is_finished() {
        assert!(docs.try_next().await.unwrap().is_some(), "the other task ran only after the end");
        taken += 1;
    }
    assert!(taken < 200, "{taken}");
}

#[tokio::test]
async fn endless_retries_without_delay_do_not_block_the_thread() {
    let policy = backon::ConstantBuilder::default().with_delay(std::time::Duration::ZERO).without_max_times();
    let mut docs = by_cursor(|_: Option<u8>| async { Err::<Page<u8, u8>, _>(Fault(0)) }).retry(policy);
    tokio::select! {
        biased;
        _ = docs.next() => unreachable!("every attempt fails"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn size_hints_are_correct() {
    let mut docs = spawn(Api::numbers([3, 2]).by_cursor().max_items(4));
    assert_eq!(docs.size_hint(), (0, Some(5)));
    assert!(matches!(assert_ready!(docs.poll_next()), Some(Ok(0))));
    assert_eq!(docs.size_hint(), (2, Some(4)));
    assert!(assert_ready!(docs.poll_next()).is_some());
    assert!(assert_ready!(docs.poll_next()).is_some());
    assert!(assert_ready!(docs.poll_next()).is_some());
    assert!(assert_ready!(docs.poll_next()).is_none());
    assert_eq!(docs.size_hint(), (0, Some(0)));

    let mut docs = spawn(Api::numbers([2]).slow(1, std::time::Duration::ZERO).by_cursor());
    assert_eq!(docs.size_hint(), (0, None));
    assert_pending!(docs.poll_next());
}

#[tokio::test]
async fn size_hint_and_counts_include_the_rest_of_a_large_page() {
    let mut docs = Api::numbers([1300, 1]).by_cursor();
    for taken in 1..=1300 {
        docs.try_next().await.unwrap();
        assert_eq!(docs.size_hint().0, 1300 - taken);
        assert_eq!((docs.progress().items, docs.checkpoint().items()), (taken as u64, taken as u64));
    }
    // The last page of a limited stream: the hint is exact, except that an error may follow.
    let mut docs = Api::numbers([1300]).by_cursor().max_items(1300);
    docs.try_next().await.unwrap();
    assert_eq!(docs.size_hint(), (1299, Some(1300)));
}

#[tokio::test]
async fn a_failed_stream_has_a_size_hint_of_zero() {
    let mut docs = Api::numbers([1, 1]).fail(1, 1).by_cursor();
    docs.try_next().await.unwrap();
    assert!(!docs.is_terminated());
    assert!(docs.try_next().await.is_err());
    assert_eq!(docs.size_hint(), (0, Some(0)));
    assert!(docs.is_terminated());
    assert!(docs.retry_failed());
    assert_ne!(docs.size_hint(), (0, Some(0)), "the failed page is requested again");
    assert!(!docs.is_terminated());
}

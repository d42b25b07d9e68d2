//! `Batches`: pages with the checkpoint after them, and the crash of a program at each point of its transactions.

use futures::stream::FusedStream;
use futures::{Stream, StreamExt};
use withal::pages::{AsyncGetDocs, Batch, Checkpoint, Cursor, Page, by_cursor};

use withal_test_support::api::{Api, Fault};

async fn collect<C: Cursor>(docs: AsyncGetDocs<u32, C, Fault>) -> Vec<Batch<u32, C>> {
    docs.into_pages().with_checkpoints().map(Result::unwrap).collect().await
}

/// A table of a database, and the checkpoint committed with it.
async fn crawl<C: Cursor>(
    open: impl Fn() -> AsyncGetDocs<u32, C, Fault>,
    commits: usize,
    (rows, checkpoint): (&mut Vec<u32>, &mut Checkpoint<C>),
) -> bool {
    let mut batches = open().resume(checkpoint.clone()).into_pages().with_checkpoints();
    for _ in 0..commits {
        match batches.next().await {
            Some(Ok(batch)) => {
                rows.extend(batch.items);
                *checkpoint = batch.checkpoint;
            }
            Some(Err(_)) => assert!(batches.retry_failed()),
            None => return true,
        }
    }
    // The next page arrives, and the program stops before its commit.
    drop(batches.next().await);
    false
}

#[tokio::test]
async fn items_committed_with_their_checkpoint_are_those_of_the_api_wherever_the_program_stops() {
    let api = || Api::numbers([3, 0, 2, 150, 1]).fail(2, 1);
    for commits in 1..6 {
        for read_ahead in [0, 2] {
            let api = api();
            let (mut rows, mut checkpoint) = (Vec::new(), Checkpoint::default());
            let open = || api.by_cursor().read_ahead(read_ahead);
            while !crawl(open, commits, (&mut rows, &mut checkpoint)).await {}
            assert_eq!(rows, api.all());
            assert!(checkpoint.is_done(), "the last page of a cursor stream is known to be the last");
        }
        for concurrency in [1, 3] {
            let api = Api::numbers([3, 2, 150, 1]).fail(2, 1);
            let (mut rows, mut checkpoint) = (Vec::new(), Checkpoint::default());
            let open = || api.by_page_number().concurrency(concurrency);
            while !crawl(open, commits, (&mut rows, &mut checkpoint)).await {}
            assert_eq!(rows, api.all());
            assert_eq!(checkpoint.items(), 156);
        }
    }
}

#[tokio::test]
async fn each_batch_has_its_own_checkpoint() {
    let batches = collect(Api::numbers([2, 0, 1]).by_cursor()).await;
    let items: Vec<_> = batches.iter().map(|batch| batch.items.clone()).collect();
    assert_eq!(items, [vec![0, 1], vec![], vec![2]]);
    let checkpoints: Vec<_> = batches
        .iter()
        .map(|Batch { checkpoint: at, .. }| {
            (at.cursor().copied(), at.skip(), at.items(), at.pages(), at.is_done())
        })
        .collect();
    assert_eq!(checkpoints, [(Some(1), 0, 2, 1, false), (Some(2), 0, 2, 2, false), (Some(2), 1, 3, 3, true)]);
    // A limit inside a page, and a start inside a page.
    let batches = collect(Api::numbers([2, 3]).by_cursor().max_items(3)).await;
    assert_eq!((batches[1].items.as_slice(), batches[1].checkpoint.skip()), ([2].as_slice(), 1));
    let rest = collect(Api::numbers([2, 3]).by_cursor().resume(batches[1].checkpoint.clone())).await;
    assert_eq!(rest[0].items, [3, 4]);
}

#[tokio::test]
async fn batches_carry_the_extra_value_of_their_page() {
    let docs = by_cursor(|at: Option<u8>| async move {
        let page = Page::new(vec![1], at.is_none().then_some(1));
        Ok::<_, Fault>(if at.is_none() { page.extra("first") } else { page })
    });
    let mut batches = docs.into_pages().with_checkpoints();
    let first = batches.try_next().await.unwrap().unwrap();
    let second = batches.try_next().await.unwrap().unwrap();
    assert_eq!((first.extra(), first.extra::<u8>(), second.extra::<&str>()), (Some(&"first"), None, None));
    assert_eq!(batches.extra::<&str>(), None);
    assert_eq!((batches.progress().items, batches.checkpoint().is_done()), (2, true));
}

#[tokio::test]
async fn size_hint_termination_and_debug_of_batches() {
    let mut batches = Api::numbers([1]).by_cursor().into_pages().with_checkpoints();
    assert_eq!((batches.size_hint(), batches.is_terminated()), ((0, None), false));
    let batch = batches.next().await.unwrap().unwrap();
    assert_eq!(
        format!("{batch:?}"),
        "Batch { items: [0], checkpoint: Checkpoint { cursor: None, skip: 1, items: 1, pages: 1, done: true, \
         total: None, content: None }, .. }"
    );
    assert!(batches.next().await.is_none());
    assert_eq!((batches.size_hint(), batches.is_terminated()), ((0, Some(0)), true));
    assert!(format!("{batches:?}").starts_with("Batches { progress: Progress { items: 1"));
}

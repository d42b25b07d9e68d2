//! `incremental`: crawls that start at the watermark of the one before.

use std::sync::{Arc, Mutex};

use futures::stream::FusedStream;
use futures::{FutureExt, Stream, StreamExt};
use withal::pages::{
    AsyncGetDocs, Incremental, IncrementalCheckpoint, Page, PageNumber, by_cursor, by_page_number,
    incremental,
};

use withal_test_support::api::Fault;

/// An item: its id, and the time of its last change.
type Item = (u32, u64);
type At = IncrementalCheckpoint<usize, u64>;

/// The start and the cursor of a request.
type Request = (Option<u64>, usize);

/// A table of items whose changes since a time are returned in its own order, two a page.
#[derive(Clone, Default)]
struct Table {
    rows: Arc<Mutex<Vec<Item>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    fails_at: Arc<Mutex<Option<usize>>>,
}

impl Table {
    fn new(rows: &[Item]) -> Self {
        Self { rows: Arc::new(Mutex::new(rows.to_vec())), ..Self::default() }
    }

    fn write(&self, item: Item) {
        self.rows.lock().unwrap().push(item);
    }

    fn changed(&self, since: Option<u64>) -> AsyncGetDocs<Item, usize, Fault> {
        let table = self.clone();
        by_cursor(move |at: Option<usize>| {
            let (table, at) = (table.clone(), at.unwrap_or(0));
            async move {
                table.requests.lock().unwrap().push((since, at));
                if table.fails_at.lock().unwrap().take_if(|failing| *failing == at).is_some() {
                    return Err(Fault(at));
                }
                let rows = table.rows.lock().unwrap();
                let changed = || rows.iter().filter(|(_, time)| since.is_none_or(|since| *time >= since));
                let items: Vec<_> = changed().skip(at).take(2).copied().collect();
                Ok(Page::new(items, (changed().count() > at + 2).then_some(at + 2)))
            }
        })
    }

    fn crawl(&self, at: At, lag: u64) -> Incremental<Item, usize, Fault, u64> {
        incremental(at, |since| self.changed(since), move |(_, time): &Item| time.saturating_sub(lag))
    }
}

async fn ids(items: &mut Incremental<Item, usize, Fault, u64>) -> Vec<u32> {
    items.map(|item| item.unwrap().0).collect().await
}

/// Through JSON, as a program stores it.
fn stored(at: &At) -> At {
    let json = serde_json::to_string(at).unwrap();
    let read = serde_json::from_str(&json).unwrap();
    assert_eq!(*at, read);
    read
}

#[tokio::test]
async fn each_crawl_starts_at_the_largest_watermark_of_those_before() {
    let table = Table::new(&[(1, 50), (2, 90), (3, 70)]);
    let mut crawl = table.crawl(At::default(), 5);
    assert_eq!((ids(&mut crawl).await, crawl.since()), (vec![1, 2, 3], None));
    let at = stored(&crawl.checkpoint());
    assert_eq!((at.since(), at.largest(), at.pages().is_done()), (None, Some(&85), true));

    // A change at the watermark, one within the lag, and one that is too late.
    table.write((4, 90));
    table.write((5, 86));
    table.write((6, 84));
    let mut crawl = table.crawl(at, 5);
    assert_eq!((ids(&mut crawl).await, crawl.since().copied()), (vec![2, 4, 5], Some(85)));

    // Nothing new: the watermark stays, and the items at it come again.
    let mut crawl = table.crawl(stored(&crawl.checkpoint()), 5);
    assert_eq!(ids(&mut crawl).await, [2, 4, 5]);
    // All items were deleted: it does not decrease.
    table.rows.lock().unwrap().clear();
    let mut crawl = table.crawl(stored(&crawl.checkpoint()), 5);
    assert_eq!((ids(&mut crawl).await, crawl.since().copied()), (vec![], Some(85)));
    table.write((7, 85));
    let mut crawl = table.crawl(stored(&crawl.checkpoint()), 5);
    assert_eq!((ids(&mut crawl).await, crawl.since().copied()), (vec![7], Some(85)));
}

#[tokio::test]
async fn a_crawl_that_resumes_keeps_its_start_wherever_it_stopped() {
    for taken in 0..=5 {
        let table = Table::new(&[(1, 100), (2, 500), (3, 300), (4, 400), (5, 200)]);
        let first = IncrementalCheckpoint::default();
        let mut crawl = table.crawl(first, 0);
        let mut all = Vec::new();
        for _ in 0..taken {
            all.push(crawl.try_next().await.unwrap().unwrap().0);
        }
        let mut crawl = table.crawl(stored(&crawl.checkpoint()), 0);
        if taken < 5 {
            assert_eq!(crawl.since(), None, "the crawl has not reached its end");
            all.extend(ids(&mut crawl).await);
            assert_eq!(all, [1, 2, 3, 4, 5]);
            assert!(table.requests.lock().unwrap().iter().all(|(since, _)| since.is_none()));
        } else {
            assert_eq!(crawl.since(), Some(&500), "the last page is known to be the last");
        }
        // The second crawl stops, and resumes with its start.
        let mut crawl = table.crawl(stored(&crawl.checkpoint()), 0);
        crawl.try_next().await.unwrap();
        table.write((6, 600));
        let crawl = table.crawl(stored(&crawl.checkpoint()), 0);
        assert_eq!(crawl.since(), Some(&500));
    }
}

#[tokio::test]
async fn an_error_does_not_move_the_start() {
    let table = Table::new(&[(1, 10), (2, 20), (3, 30)]);
    *table.fails_at.lock().unwrap() = Some(2);
    let mut crawl = table.crawl(At::default(), 0);
    assert_eq!(crawl.try_next().await.unwrap(), Some((1, 10)));
    assert_eq!(crawl.try_next().await.unwrap(), Some((2, 20)));
    assert!(crawl.try_next().await.unwrap_err().is_fetch());
    assert!(crawl.next().await.is_none() && crawl.is_terminated());
    assert_eq!(table.crawl(stored(&crawl.checkpoint()), 0).since(), None);
    assert!(crawl.retry_failed());
    assert_eq!(ids(&mut crawl).await, [3]);
    assert_eq!(table.crawl(stored(&crawl.checkpoint()), 0).since(), Some(&30));
}

#[tokio::test]
async fn a_watermark_function_that_panics_loses_no_item() {
    let table = Table::new(&[(1, 10), (2, 20), (3, 30)]);
    let panics = Arc::new(Mutex::new(true));
    let panics_once = Arc::clone(&panics);
    let mut crawl = incremental(
        At::default(),
        |since| table.changed(since),
        move |(id, time): &Item| {
            assert!(*id != 2 || !std::mem::take(&mut *panics_once.lock().unwrap()), "the function's own");
            *time
        },
    );
    assert_eq!(crawl.try_next().await.unwrap(), Some((1, 10)));
    assert!(std::panic::AssertUnwindSafe(crawl.next()).catch_unwind().await.is_err());
    assert_eq!(crawl.checkpoint().pages().items(), 1);
    assert_eq!(ids(&mut crawl).await, [2, 3]);
}

#[tokio::test]
async fn dropped_polls_large_pages_and_other_cursors() {
    let open = |since: Option<String>| {
        by_page_number(0, move |page| {
            let since = since.clone();
            async move {
                tokio::task::yield_now().await;
                Ok::<_, Fault>(if page == 0 && since.is_none() { (0..1000).collect() } else { vec![] })
            }
        })
    };
    let at = IncrementalCheckpoint::<PageNumber, String>::default();
    let mut crawl = incremental(at, open, |item: &u32| format!("{item:04}"));
    let mut all = Vec::new();
    loop {
        match crawl.next().now_or_never() {
            Some(Some(item)) => all.push(item.unwrap()),
            Some(None) => break,
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(all, (0..1000).collect::<Vec<_>>());
    assert_eq!(crawl.checkpoint().largest().unwrap(), "0999");
    assert_eq!((crawl.size_hint(), crawl.progress().items), ((0, Some(0)), 1000));
    assert!(
        format!("{crawl:?}")
            .starts_with("Incremental { since: None, largest: Some(\"0999\"), items: AsyncGetDocs {")
    );
}

#[test]
fn only_a_checkpoint_is_deserialized_as_one() {
    let json = serde_json::to_string(&At::default()).unwrap();
    assert!(
        json.starts_with(r#"{"format":"withal/pages/incremental/1","since":null,"largest":null,"pages":{"#),
        "{json}"
    );
    let table = [
        json.replace("incremental/1", "incremental/2"),
        json.replace(r#""since":null,"#, ""),
        json.replace(r#""largest":null,"#, ""),
        json.replacen('{', r#"{"page":1,"#, 1),
        serde_json::to_string(At::default().pages()).unwrap(),
    ];
    for text in table {
        assert!(text != json && serde_json::from_str::<At>(&text).is_err(), "{text}");
    }
}

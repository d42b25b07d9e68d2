//! `Nested`: a stream of parents, each with pages of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FusedStream;
use futures::{FutureExt, Stream, StreamExt};
use proptest::prelude::*;
use withal::pages::{Nested, NestedCheckpoint, NestedError, Page, by_cursor, by_page_number};

use withal_test_support::api::{Api, Fault};

type Tree = Nested<u32, usize, u32, usize, Fault>;

/// Two parents a page; the pages of each parent have these lengths.
#[derive(Clone)]
struct Server {
    parents: Api,
    children: Arc<Vec<Api>>,
}

impl Server {
    fn new(children: &[&[usize]]) -> Self {
        let parents = (0..children.len()).step_by(2).map(|at| 2.min(children.len() - at));
        let children = children.iter().map(|lengths| Api::numbers(lengths.iter().copied())).collect();
        Self { parents: Api::numbers(parents), children: Arc::new(children) }
    }

    fn map(mut self, parent: usize, change: impl Fn(Api) -> Api) -> Self {
        let mut children = (*self.children).clone();
        children[parent] = change(children[parent].clone());
        self.children = Arc::new(children);
        self
    }

    fn open(&self) -> Tree {
        let children = Arc::clone(&self.children);
        self.parents.by_cursor().try_flat_map(move |parent| children[*parent as usize].by_cursor())
    }

    fn requests(&self) -> Vec<usize> {
        self.children.iter().map(|child| child.requested().len()).collect()
    }

    /// The items of all parents, in order.
    fn all(&self) -> Vec<(u32, u32)> {
        let parents = (0..).zip(self.children.iter());
        parents.flat_map(|(parent, child)| child.all().into_iter().map(move |item| (parent, item))).collect()
    }
}

async fn collect(stream: impl Stream<Item = Result<(u32, u32), NestedError<u32, Fault>>>) -> Vec<(u32, u32)> {
    stream.map(|item| item.unwrap()).collect().await
}

const LENGTHS: &[&[usize]] = &[&[2, 1], &[], &[300, 0, 3], &[0], &[1, 1, 1, 1], &[2]];

#[tokio::test]
async fn the_items_of_all_parents_are_in_order_by_default() {
    for concurrency in [0, 1, 2, 3, 10] {
        let server = Server::new(LENGTHS);
        assert_eq!(collect(server.open().concurrency(concurrency)).await, server.all(), "{concurrency}");
    }
}

#[tokio::test]
async fn unordered_items_are_the_same_and_in_order_for_each_parent() {
    for concurrency in [1, 2, 3, 10] {
        let server = Server::new(LENGTHS);
        let mut all = collect(server.open().concurrency(concurrency).unordered()).await;
        all.sort_by_key(|(parent, _)| *parent);
        assert_eq!(all, server.all(), "{concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_several_parents_are_fetched_at_once() {
    // Each request takes a second: three pages of each of four parents.
    for (concurrency, unordered, seconds) in [(1, false, 13), (4, false, 10), (4, true, 4)] {
        let mut server = Server::new(&[&[1; 3][..]; 4]);
        for parent in 0..4 {
            server = server.map(parent, |api| api.slow(1, Duration::from_secs(1)));
        }
        server.parents = Api::numbers([4]).slow(1, Duration::from_secs(1));
        let start = tokio::time::Instant::now();
        let stream = server.open().concurrency(concurrency);
        let items = collect(if unordered { stream.unordered() } else { stream }).await;
        assert_eq!(items.len(), 12);
        assert_eq!(start.elapsed().as_secs(), seconds, "concurrency {concurrency}, unordered {unordered}");
    }
}

#[tokio::test]
async fn no_more_parents_are_open_than_allowed() {
    let server = Server::new(&[&[2, 1][..]; 6]);
    let mut stream = server.open().concurrency(2);
    while stream.try_next().await.unwrap().is_some() {
        assert!(stream.open_len() <= 2);
        let open = server.requests().iter().filter(|count| **count == 1).count();
        assert!(open <= 2, "each of the others has been read to its end or not requested");
    }
    assert_eq!(server.requests(), [2; 6]);
}

#[tokio::test]
async fn a_huge_parent_does_not_delay_the_others() {
    // Its pages are ready at once, and the other parents' pages after some polls.
    for page in [1, 10, 100_000] {
        let server = Server::new(&[&vec![page; 200_000 / page], &[1; 20], &[1; 20]]);
        let server =
            server.map(1, |api| api.slow(1, Duration::ZERO)).map(2, |api| api.slow(2, Duration::ZERO));
        let mut stream = server.open().concurrency(3).unordered();
        let (mut small, mut huge) = (0, 0);
        while small < 40 {
            match stream.try_next().await.unwrap().unwrap() {
                (0, _) => huge += 1,
                _ => small += 1,
            }
        }
        assert!(huge < 40 * 4 * 128, "{huge} items of the huge parent, with pages of {page}");
    }
}

#[tokio::test]
async fn other_tasks_run_while_every_page_is_ready() {
    for unordered in [false, true] {
        let server = Server::new(&[&[100_000], &[100_000]]);
        let other = tokio::spawn(async {});
        let stream = server.open().concurrency(2);
        let mut stream = if unordered { stream.unordered() } else { stream };
        let mut taken = 0;
        while !other.is_finished() {
            stream.try_next().await.unwrap().unwrap();
            taken += 1;
        }
        // Each of the two parents yields 512 items of its page first.
        assert!(taken <= 2 * 512 + 1, "{taken} items before the other task ran");
    }
}

#[tokio::test]
async fn an_error_names_the_parent_and_ends_the_stream_until_a_retry() {
    for concurrency in [1, 3] {
        let server = Server::new(&[&[1], &[1, 1], &[1]]).map(1, |api| api.fail(1, 2));
        let mut stream = server.open().concurrency(concurrency);
        assert_eq!(stream.try_next().await.unwrap(), Some((0, 0)));
        assert_eq!(stream.try_next().await.unwrap(), Some((1, 0)));
        for _ in 0..2 {
            let error = stream.try_next().await.unwrap_err();
            assert_eq!(error.to_string(), "failed to fetch the items of parent 1");
            assert_eq!(error.parent(), Some(&1));
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(source, "page 2 (cursor 1): fetch failed after 1 attempt");
            assert_eq!(error.into_source().into_fetch_error().unwrap(), Fault(1));
            assert!(stream.next().await.is_none() && stream.is_terminated());
            assert!(stream.retry_failed());
        }
        assert_eq!(collect(&mut stream).await, [(1, 1), (2, 0)]);
        assert!(!stream.retry_failed() && stream.skip_failed().is_none());
    }
}

#[tokio::test]
async fn an_error_of_the_parents_follows_the_items_of_the_parents_before_it() {
    for (concurrency, unordered) in [(1, false), (4, false), (4, true)] {
        let mut server = Server::new(&[&[1], &[1, 1], &[1]]);
        server.parents = server.parents.fail(1, 1);
        let stream = server.open().concurrency(concurrency);
        let mut stream = if unordered { stream.unordered() } else { stream };
        for _ in 0..3 {
            assert!(stream.try_next().await.unwrap().unwrap().0 < 2);
        }
        let error = stream.try_next().await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.parent()), ("failed to fetch the parents", None));
        assert!(stream.next().await.is_none() && stream.skip_failed().is_none());
        let checkpoint = stream.checkpoint();
        assert!(stream.retry_failed());
        assert_eq!(collect(stream).await, [(2, 0)]);
        assert_eq!(collect(server.open().resume(checkpoint)).await, [(2, 0)]);
    }
}

#[tokio::test]
async fn a_parent_that_fails_can_be_skipped() {
    let server = Server::new(&[&[1], &[2, 1], &[1]]).map(1, |api| api.fail(1, 9));
    for unordered in [false, true] {
        let stream = server.open().concurrency(3);
        let mut stream = if unordered { stream.unordered() } else { stream };
        let (mut items, mut skipped) = (Vec::new(), None);
        while let Some(next) = stream.next().await {
            match next {
                Ok(item) => items.push(item),
                Err(_) => skipped = stream.skip_failed(),
            }
        }
        items.sort_unstable();
        assert_eq!(items, [(0, 0), (1, 0), (1, 1), (2, 0)]);
        let (parent, checkpoint) = skipped.unwrap();
        assert_eq!((parent, checkpoint.cursor(), checkpoint.items()), (1, Some(&1), 2));
        assert!(stream.checkpoint().is_done());
    }
}

#[tokio::test]
async fn a_panic_loses_no_parent() {
    // The function that opens parent 1 panics, or the fetch function of its second page.
    for (in_open, unordered) in [(true, false), (true, true), (false, false), (false, true)] {
        let open = move |panics: bool| {
            by_cursor(|at: Option<u32>| async move {
                let at = at.unwrap_or(0);
                Ok::<_, Fault>(Page::new(vec![at], (at < 2).then_some(at + 1)))
            })
            .try_flat_map(move |parent| {
                let parent = *parent;
                assert!(!(panics && in_open && parent == 1), "the function's own");
                by_cursor(move |at: Option<u32>| async move {
                    assert!(!(panics && parent == 1 && at == Some(1)), "the function's own");
                    Ok(Page::new(vec![at.unwrap_or(0)], at.is_none().then_some(1)))
                })
            })
            .concurrency(2)
        };
        let mut stream = if unordered { open(true).unordered() } else { open(true) };
        let mut items = Vec::new();
        let panicked = async {
            while let Some(item) = stream.try_next().await.unwrap() {
                items.push(item);
            }
        };
        assert!(AssertUnwindSafe(panicked).catch_unwind().await.is_err());
        assert!(stream.next().await.is_none(), "the stream has ended");
        assert!(!stream.retry_failed());
        let checkpoint = stream.checkpoint();
        let mut rest = open(false).resume(checkpoint);
        while let Some(item) = rest.try_next().await.unwrap() {
            items.push(item);
        }
        items.sort_unstable();
        assert_eq!(items, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    }
}

#[tokio::test]
async fn dropping_the_stream_cancels_every_request() {
    let server = Server::new(&[&[1][..]; 3]);
    let server = (0..3).fold(server, |server, parent| server.map(parent, |api| api.slow(9, Duration::ZERO)));
    let mut stream = server.open().concurrency(3);
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(server.children.iter().map(Api::in_progress).sum::<usize>(), 3);
    drop(stream);
    assert_eq!(server.children.iter().map(Api::in_progress).sum::<usize>(), 0);
}

#[tokio::test]
async fn the_checkpoint_is_serializable() {
    let server = Server::new(&[&[2], &[2]]);
    let mut stream = server.open().concurrency(2);
    stream.try_next().await.unwrap();
    let json = serde_json::to_string(&stream.checkpoint()).unwrap();
    let child = |parent: u32, skip: u32| {
        format!(
            r#"{{"parent":{parent},"checkpoint":{{"format":"withal/pages/1","cursor":null,"skip":{skip},"items":{skip},"pages":0,"done":false,"total":null,"content":null}}}}"#
        )
    };
    let parents = r#"{"format":"withal/pages/1","cursor":null,"skip":2,"items":2,"pages":1,"done":true,"total":null,"content":null}"#;
    assert_eq!(
        json,
        format!(
            r#"{{"format":"withal/pages/nested/1","parents":{parents},"children":[{},{}],"items":1}}"#,
            child(0, 1),
            child(1, 0)
        )
    );
    let parse = |text: &str| serde_json::from_str::<NestedCheckpoint<u32, usize, usize>>(text);
    assert_eq!(parse(&json).unwrap(), stream.checkpoint());
    assert_eq!(
        parse(&json).unwrap().children().map(|(parent, at)| (*parent, at.skip())).collect::<Vec<_>>(),
        [(0, 1), (1, 0)]
    );
    let table = [
        ("another format", json.replace("nested/1", "nested/2")),
        ("a checkpoint of one level", parents.to_owned()),
        ("no parent", json.replace(r#""parent":1,"#, "")),
        ("an unknown field", json.replacen('{', r#"{"page":1,"#, 1)),
        ("an unknown field of a child", json.replace(r#"{"parent":1,"#, r#"{"page":1,"parent":1,"#)),
        ("too many items", json.replace(r#""items":1}"#, r#""items":18446744073709551614}"#)),
    ];
    for (name, text) in table {
        assert!(text != json && parse(&text).is_err(), "{name}: {text}");
    }
    assert!(NestedCheckpoint::<u32, usize, usize>::default() == server.open().checkpoint());
}

#[tokio::test]
async fn settings_after_the_first_poll_panic() {
    type Setting = fn(Tree) -> Tree;
    let settings: [(&str, Setting); 3] = [
        ("concurrency", |stream| stream.concurrency(2)),
        ("unordered", Nested::unordered),
        ("resume", |stream| stream.resume(NestedCheckpoint::default())),
    ];
    for (name, setting) in settings {
        let mut stream = Server::new(&[&[1]]).open();
        stream.try_next().await.unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| drop(setting(stream)))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert_eq!(*message, format!("`{name}` must be called before the stream is first polled"));
    }
}

#[tokio::test]
async fn size_hint_termination_and_debug() {
    let mut stream = Server::new(&[&[2], &[]]).open();
    assert_eq!((stream.size_hint(), stream.is_terminated()), ((0, None), false));
    stream.try_next().await.unwrap();
    assert_eq!((stream.size_hint(), stream.items(), stream.parents().items), ((1, None), 1, 1));
    assert!(format!("{stream:?}").starts_with("Nested { items: 1, checkpoint: NestedCheckpoint { parents: "));
    assert_eq!(collect(&mut stream).await, [(0, 1)]);
    assert_eq!((stream.size_hint(), stream.is_terminated()), ((0, Some(0)), true));
}

#[test]
fn parents_and_children_may_have_different_cursors_and_threads() {
    fn is_send(_: &impl Send) {}
    let stream = by_page_number(0, |_| async { Ok::<Vec<String>, Fault>(vec![]) })
        .try_flat_map(|_| by_cursor(|_: Option<String>| async { Ok((vec![1], None)) }));
    is_send(&stream);
    assert_eq!(futures::executor::block_on(stream.collect::<Vec<_>>()).len(), 0);
}

/// An action of the consumer.
#[derive(Clone, Debug)]
enum Act {
    Drop(u8),
    Take(u8),
    Resume,
    Yield,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (1..20u8).prop_map(Act::Drop),
        3 => (1..30u8).prop_map(Act::Take),
        1 => Just(Act::Resume),
        1 => Just(Act::Yield),
    ]
}

/// Performs the actions, then reads to the end. Each error is retried.
async fn run(mut open: impl FnMut() -> Tree, acts: Vec<Act>) -> Vec<(u32, u32)> {
    let (mut stream, mut all) = (open(), Vec::new());
    for act in acts.into_iter().chain(std::iter::repeat(Act::Take(250))) {
        let (times, is_dropped) = match act {
            Act::Drop(times) => (times, true),
            Act::Take(times) => (times, false),
            Act::Yield => {
                tokio::task::yield_now().await;
                continue;
            }
            Act::Resume => {
                let json = serde_json::to_string(&stream.checkpoint()).unwrap();
                stream = open().resume(serde_json::from_str(&json).unwrap());
                assert_eq!(stream.items(), all.len() as u64);
                continue;
            }
        };
        for _ in 0..times {
            let next = if is_dropped { stream.next().now_or_never() } else { Some(stream.next().await) };
            match next {
                None => {}
                Some(Some(Ok(item))) => all.push(item),
                Some(Some(Err(_))) => assert!(stream.retry_failed()),
                Some(None) => {
                    assert!(stream.checkpoint().is_done());
                    return all;
                }
            }
        }
    }
    unreachable!("the last act is repeated")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nested_matches_the_model(
        children in prop::collection::vec(prop::collection::vec(prop_oneof![6 => 0..4usize, 1 => 100..300usize], 0..5), 0..8),
        faults in prop::collection::vec((0..9usize, 0..4usize, 1..3u32), 0..4),
        acts in prop::collection::vec(act(), 0..40),
        steps in prop::collection::vec(0..4u32, 9),
        read_ahead in 0..3usize,
        concurrency in 0..5usize,
        unordered: bool,
    ) {
        let lengths: Vec<_> = children.iter().map(Vec::as_slice).collect();
        let mut server = Server::new(&lengths);
        // The last of the steps and faults are those of the parents.
        server.parents = server.parents.slow(steps[8], Duration::ZERO);
        for (child, page, times) in faults {
            if child == 8 {
                server.parents = server.parents.fail(page, times);
            } else if child < children.len() {
                server = server.map(child, |api| api.fail(page, times));
            }
        }
        for (child, steps) in (0..children.len()).zip(steps) {
            server = server.map(child, |api| api.slow(steps, Duration::ZERO));
        }
        let open = || {
            let children = Arc::clone(&server.children);
            let stream = server
                .parents
                .by_cursor()
                .read_ahead(read_ahead)
                .try_flat_map(move |parent| children[*parent as usize].by_cursor().read_ahead(read_ahead))
                .concurrency(concurrency);
            if unordered { stream.unordered() } else { stream }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut all = runtime.block_on(run(open, acts));
        if unordered {
            all.sort_by_key(|(parent, _)| *parent);
        }
        prop_assert_eq!(all, server.all());
    }
}

//! Poll by poll: the stream is pending and woken exactly when the fetch is.

use std::sync::{Arc, Mutex};

use futures::stream::FusedStream;
use tokio::sync::oneshot;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};
use withal::pages::{AsyncGetDocs, Page, PageNumber, by_cursor, by_page_number};

use withal_test_support::api::Fault;

type Reply = oneshot::Sender<Vec<u32>>;

/// An API to which the test itself replies: returns each request as it is made.
fn by_hand() -> (AsyncGetDocs<u32, PageNumber, Fault>, impl FnMut() -> Option<Reply>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let inbox = Arc::clone(&requests);
    let docs = by_page_number(0, move |_| {
        let (reply, answer) = oneshot::channel();
        inbox.lock().unwrap().push(reply);
        async move { answer.await.map_err(|_| Fault(0)) }
    });
    (docs, move || requests.lock().unwrap().pop())
}

#[tokio::test]
async fn the_task_is_woken_when_the_fetch_is_and_never_otherwise() {
    let (docs, mut request) = by_hand();
    assert!(request().is_none(), "nothing is requested before the first poll");
    let mut docs = spawn(docs);
    assert_pending!(docs.poll_next());
    let first = request().expect("the first poll sends a request");
    assert_pending!(docs.poll_next());
    assert!(request().is_none(), "a second poll does not send another");
    assert!(!docs.is_woken());
    first.send(vec![1, 2]).unwrap();
    assert!(docs.is_woken());
    assert_eq!(assert_ready!(docs.poll_next()).unwrap().unwrap(), 1);
    assert_eq!(assert_ready!(docs.poll_next()).unwrap().unwrap(), 2);
    assert!(request().is_none(), "the next page is requested when it is wanted");
    assert!(!docs.is_woken());
    assert!(!docs.is_terminated());
    assert_pending!(docs.poll_next());
    request().unwrap().send(vec![]).unwrap();
    assert!(docs.is_woken());
    assert!(assert_ready!(docs.poll_next()).is_none());
    assert!(docs.is_terminated());
    assert!(assert_ready!(docs.poll_next()).is_none());
    assert!(!docs.is_woken());
}

#[tokio::test]
async fn a_page_fetched_ahead_does_not_wake_a_consumer_that_has_items() {
    for concurrency in [1, 2] {
        let (docs, mut request) = by_hand();
        let mut docs = spawn(docs.read_ahead(1).concurrency(concurrency));
        assert_pending!(docs.poll_next());
        let mut replies: Vec<_> = std::iter::from_fn(&mut request).collect();
        assert_eq!(replies.len(), concurrency);
        replies.pop().unwrap().send(vec![1, 2]).unwrap();
        tokio::task::yield_now().await;
        assert!(docs.is_woken());
        assert_eq!(assert_ready!(docs.poll_next()).unwrap().unwrap(), 1);
        // The next page was requested before the first item was yielded, and arrives while the consumer has items.
        replies.splice(0..0, std::iter::from_fn(&mut request));
        replies.pop().expect("a page is fetched ahead").send(vec![3]).unwrap();
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        assert!(!docs.is_woken(), "concurrency {concurrency}");
        assert_eq!(assert_ready!(docs.poll_next()).unwrap().unwrap(), 2);
        assert_eq!(assert_ready!(docs.poll_next()).unwrap().unwrap(), 3);
    }
}

#[tokio::test]
async fn a_fetch_that_never_completes_is_dropped_with_the_stream() {
    for read_ahead in [0, 1] {
        let (alive, gone) = oneshot::channel::<()>();
        let mut alive = Some(alive);
        let docs = by_cursor(move |_: Option<u8>| {
            let alive = alive.take();
            async move {
                let _alive = alive;
                std::future::pending::<Result<Page<u8, u8>, Fault>>().await
            }
        });
        let mut docs = spawn(docs.read_ahead(read_ahead));
        let mut gone = spawn(gone);
        assert_pending!(docs.poll_next());
        assert_pending!(docs.poll_next());
        assert!(!docs.is_woken());
        assert_pending!(gone.poll());
        drop(docs);
        assert!(gone.is_woken());
    }
}

#[tokio::test]
async fn the_waker_of_the_last_poll_is_woken() {
    let (docs, mut request) = by_hand();
    let mut docs = docs;
    let mut first = spawn(docs.next());
    assert_pending!(first.poll());
    drop(first);
    let mut second = spawn(docs.next());
    assert_pending!(second.poll());
    request().unwrap().send(vec![7]).unwrap();
    assert!(second.is_woken());
    assert_eq!(assert_ready!(second.poll()).unwrap().unwrap(), 7);
}

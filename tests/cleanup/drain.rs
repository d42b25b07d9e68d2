//! Waiting for the cleanups of a runtime.

use std::future::{pending, ready};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use withal::cleanup::{self, Cleanup, detach, drain};

const ENOUGH: Duration = Duration::from_secs(60);

#[tokio::test]
async fn nothing_to_wait_for() {
    assert_eq!(cleanup::pending(), 0);
    assert_eq!(drain(Duration::ZERO).now_or_never(), Some(Ok(())));
}

#[test]
fn where_no_runtime_is_there_is_nothing_to_wait_for() {
    assert_eq!(cleanup::pending(), 0);
    assert_eq!(drain(ENOUGH).now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn waits_for_all_of_them_and_for_those_that_come_meanwhile() {
    let (sender, done) = oneshot::channel();
    detach(async {
        yield_now().await;
        detach(async {
            yield_now().await;
            detach(async { sender.send("the third") });
            Ok::<_, ()>(())
        });
        Ok::<_, ()>(())
    });
    detach(ready(Ok::<_, ()>(())));
    assert_eq!(cleanup::pending(), 2);
    drain(ENOUGH).await.unwrap();
    assert_eq!(cleanup::pending(), 0);
    assert_eq!(done.now_or_never(), Some(Ok("the third")));
}

#[tokio::test]
async fn says_how_many_are_unfinished_and_they_go_on() {
    let (go_on, wait) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    for gate in [&go_on, &wait] {
        let gate = Arc::clone(gate);
        detach(async move {
            gate.notified().await;
            Ok::<_, ()>(())
        });
    }
    let error = drain(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 2);
    assert_eq!(error.to_string(), "2 cleanups are still under way");
    go_on.notify_one();
    assert_eq!(drain(Duration::from_millis(1)).await.unwrap_err().pending, 1);
    wait.notify_one();
    assert_eq!(drain(ENOUGH).await, Ok(()));
}

#[tokio::test]
async fn dropped_it_leaves_them_be() {
    let (sender, done) = oneshot::channel();
    detach(async {
        yield_now().await;
        sender.send(())
    });
    assert_eq!(drain(ENOUGH).now_or_never(), None, "polled once, and dropped");
    assert_eq!(cleanup::pending(), 1);
    drain(ENOUGH).await.unwrap();
    assert_eq!(done.now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn two_may_wait_at_once() {
    detach(async {
        yield_now().await;
        Ok::<_, ()>(())
    });
    assert_eq!(tokio::join!(drain(ENOUGH), drain(ENOUGH)), (Ok(()), Ok(())));
}

#[test]
fn each_runtime_has_its_own() {
    let [one, other] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    one.block_on(async {
        Cleanup::new(pending::<Result<(), ()>>()).name("one's").detach();
        assert_eq!(cleanup::pending(), 1);
    });
    other.block_on(async {
        assert_eq!(cleanup::pending(), 0);
        assert_eq!(drain(Duration::ZERO).await, Ok(()));
    });
    one.block_on(async {
        assert_eq!(drain(Duration::from_millis(1)).await.unwrap_err().pending, 1);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_many_threads() {
    let done = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks = (0..8).map(|_| {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            for _ in 0..100 {
                let done = Arc::clone(&done);
                detach(async move {
                    yield_now().await;
                    done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    Ok::<_, ()>(())
                });
                // The count goes to zero and back now and then.
                yield_now().await;
            }
            drain(ENOUGH).await
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    assert_eq!(cleanup::pending(), 0);
    assert_eq!(done.load(std::sync::atomic::Ordering::Relaxed), 800);
}

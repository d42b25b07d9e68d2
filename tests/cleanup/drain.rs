//! `drain` and `pending`.

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
async fn drain_without_cleanups_returns_at_once() {
    assert_eq!(cleanup::pending(), 0);
    assert_eq!(drain(Duration::ZERO).now_or_never(), Some(Ok(())));
}

#[test]
fn drain_outside_of_a_runtime_returns_at_once() {
    assert_eq!(cleanup::pending(), 0);
    assert_eq!(drain(ENOUGH).now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn drain_also_waits_for_cleanups_detached_meanwhile() {
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
async fn a_timeout_reports_the_pending_cleanups_which_continue() {
    let (proceed, wait) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    for gate in [&proceed, &wait] {
        let gate = Arc::clone(gate);
        detach(async move {
            gate.notified().await;
            Ok::<_, ()>(())
        });
    }
    let error = drain(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 2);
    assert_eq!(error.to_string(), "timed out with 2 cleanups pending");
    proceed.notify_one();
    let error = drain(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 1);
    assert_eq!(error.to_string(), "timed out with 1 cleanup pending");
    wait.notify_one();
    assert_eq!(drain(ENOUGH).await, Ok(()));
}

#[tokio::test]
async fn dropping_drain_does_not_stop_the_cleanups() {
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
async fn concurrent_drains() {
    detach(async {
        yield_now().await;
        Ok::<_, ()>(())
    });
    assert_eq!(tokio::join!(drain(ENOUGH), drain(ENOUGH)), (Ok(()), Ok(())));
}

#[test]
fn each_runtime_has_its_own_cleanups() {
    withal_test_support::expect_reports("on the first runtime was abandoned");
    let [first, second] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    first.block_on(async {
        Cleanup::new(pending::<Result<(), ()>>()).name("on the first runtime").detach();
        assert_eq!(cleanup::pending(), 1);
    });
    second.block_on(async {
        assert_eq!(cleanup::pending(), 0);
        assert_eq!(drain(Duration::ZERO).await, Ok(()));
    });
    first.block_on(async {
        assert_eq!(drain(Duration::from_millis(1)).await.unwrap_err().pending, 1);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn detach_and_drain_on_many_threads() {
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
                // So that the count sometimes returns to zero in between.
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

//! `as_completed`: `test_as_completed.py`, and its behaviour as a stream.

use std::time::Duration;

use futures::stream::{FusedStream, Stream, StreamExt};
use tokio::time::{Instant, sleep, timeout};
use tokio_test::{assert_pending, task};
use withal::tasks::{Error, Promise, TaskHandle, as_completed};

use super::Failed;

const SECOND: Duration = Duration::from_secs(1);

type Pending = (Promise<u32, Failed>, TaskHandle<u32, Failed>);

fn completed_futures() -> [TaskHandle<u32, Failed>; 3] {
    let [(cancelled, a), (failed, b), (fine, c)] = [(); 3].map(|()| Promise::new());
    drop(cancelled);
    failed.set_exception(Failed("test")).unwrap();
    fine.set_result(42).unwrap();
    [a, b, c]
}

#[tokio::test]
async fn no_timeout() {
    let [(promise1, future1), (promise2, future2)]: [Pending; 2] = [(); 2].map(|()| Promise::new());
    let [a, b, c] = completed_futures();
    let mut completed = as_completed([a, future1, b, c, future2]);
    assert_eq!(completed.size_hint(), (5, Some(5)));
    assert_eq!(completed.next().await, Some((0, Err(Error::Cancelled))));
    assert_eq!(completed.next().await, Some((2, Err(Error::Raised(Failed("test"))))));
    assert_eq!(completed.next().await, Some((3, Ok(42))));
    assert_eq!(completed.unfinished(), 2);
    promise2.set_result(2).unwrap();
    assert_eq!(completed.next().await, Some((4, Ok(2))));
    promise1.set_result(1).unwrap();
    assert_eq!(completed.next().await, Some((1, Ok(1))));
    assert_eq!(completed.next().await, None);
    assert!(completed.is_terminated());
}

#[tokio::test(start_paused = true)]
async fn future_times_out() {
    for limit in [Duration::ZERO, SECOND] {
        let (_promise, pending): Pending = Promise::new();
        let [a, b, c] = completed_futures();
        let start = Instant::now();
        let completed: Vec<_> = as_completed([a, b, c, pending]).timeout(limit).collect().await;
        assert_eq!(start.elapsed(), limit);
        assert_eq!(completed.len(), 4);
        assert!(completed[..3].iter().all(Result::is_ok), "the ready outputs come first");
        assert_eq!(completed[3].as_ref().unwrap_err().unfinished, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn correct_timeout_exception_msg() {
    withal_test_support::expect_reports("created at tests/tasks/as_completed.rs");
    let [(_first, pending), (second, running)]: [Pending; 2] = [(); 2].map(|()| Promise::new());
    assert!(second.set_running());
    let [cancelled, _, fine] = completed_futures();
    let mut completed = as_completed([cancelled, pending, running, fine]).timeout(Duration::ZERO);
    let mut last = None;
    while let Some(next) = completed.next().await {
        last = Some(next);
    }
    assert_eq!(last.unwrap().unwrap_err().to_string(), "2 (of 4) futures unfinished");
    assert!(completed.is_terminated());
    let indices: Vec<_> =
        completed.into_unfinished().map(|(index, future)| (index, future.running())).collect();
    assert_eq!(indices, [(1, false), (2, true)], "pending futures are returned");
}

#[tokio::test]
async fn free_reference_yielded_future() {
    let held = std::sync::Arc::new(());
    let futures = [1, 2].map(|_| {
        let held = std::sync::Arc::clone(&held);
        std::future::poll_fn(move |_| std::task::Poll::Ready(std::sync::Arc::strong_count(&held)))
    });
    let mut completed = as_completed(futures);
    assert_eq!(std::sync::Arc::strong_count(&held), 3);
    completed.next().await.unwrap();
    assert_eq!(std::sync::Arc::strong_count(&held), 2, "one future was dropped, and one is left");
}

#[tokio::test(start_paused = true)]
async fn outputs_come_in_the_order_of_completion() {
    let mut completed = as_completed([3, 1, 2].map(|n| async move { sleep(n * SECOND).await }));
    let start = Instant::now();
    for (index, seconds) in [(1, 1), (2, 2), (0, 3)] {
        assert_eq!(completed.next().await, Some((index, ())));
        assert_eq!(start.elapsed(), seconds * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_next_loses_no_output() {
    let mut completed =
        as_completed([2, 1].map(|n| async move { sleep(n * SECOND).await })).timeout(60 * SECOND);
    let mut indices = Vec::new();
    loop {
        match timeout(SECOND / 10, completed.next()).await {
            Ok(Some(next)) => indices.push(next.unwrap().0),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!(indices, [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_output_ready_at_the_deadline_is_in_time() {
    let completed = as_completed([1, 2].map(|n| async move { sleep(n * SECOND).await }));
    let outputs: Vec<_> = completed.timeout_at(Instant::now() + SECOND).collect().await;
    assert_eq!(outputs[0], Ok((0, ())));
    assert!(outputs[1].is_err());
    assert_eq!(outputs.len(), 2, "the error ends the stream");
}

#[test]
fn without_futures_it_ends_at_once_and_needs_no_runtime() {
    let mut none = as_completed(std::iter::empty::<std::future::Ready<()>>());
    assert_eq!(futures::executor::block_on(none.next()), None);
    let mut waits = task::spawn(as_completed([std::future::pending::<()>()]));
    assert_pending!(waits.poll_next());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_overflows_never_elapses() {
    let mut completed = as_completed([sleep(SECOND)]).timeout(Duration::MAX);
    assert_eq!(completed.next().await, Some(Ok((0, ()))));
}

//! `wait`: `test_wait.py`.

use std::future::{poll_fn, ready};
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

use tokio::time::{Instant, sleep};
use withal::tasks::{Error, Promise, TaskHandle, as_completed, create_task, wait};

use super::Failed;

const SECOND: Duration = Duration::from_secs(1);

fn completed_futures() -> [TaskHandle<u32, Failed>; 3] {
    withal_test_support::expect_reports("created at tests/tasks/wait.rs");
    let [(cancelled, a), (failed, b), (fine, c)] = [(); 3].map(|()| Promise::new());
    drop(cancelled);
    failed.set_exception(Failed("test")).unwrap();
    fine.set_result(42).unwrap();
    [a, b, c]
}

fn after(seconds: u32, result: Result<u32, Failed>) -> TaskHandle<u32, Failed> {
    create_task(async move {
        sleep(seconds * SECOND).await;
        result
    })
}

fn indices<T>(indexed: &[(usize, T)]) -> Vec<usize> {
    indexed.iter().map(|(index, _)| *index).collect()
}

#[tokio::test(start_paused = true)]
async fn first_completed() {
    let (_promise, pending) = Promise::new();
    let start = Instant::now();
    let waited = wait([pending, after(1, Ok(42)), after(2, Ok(0))]).first_completed().await;
    assert_eq!(waited.done, [(1, Ok(42))]);
    assert_eq!(indices(&waited.pending), [0, 2]);
    assert_eq!(start.elapsed(), SECOND);
    let slower = waited.pending.into_iter().next_back().unwrap().1;
    assert_eq!(slower.await, Ok(0), "the pending task was not cancelled");
}

#[tokio::test(start_paused = true)]
async fn first_completed_some_already_completed() {
    let [cancelled, _, fine] = completed_futures();
    let waited = wait([cancelled, fine, after(1, Ok(0))]).first_completed().await;
    assert_eq!(waited.done, [(0, Err(Error::Cancelled)), (1, Ok(42))]);
    assert_eq!(indices(&waited.pending), [2]);
}

#[tokio::test(start_paused = true)]
async fn first_exception() {
    let futures = [after(1, Ok(42)), after(2, Err(Failed("test"))), after(3, Ok(0))];
    let waited = wait(futures).first_exception().await;
    assert_eq!(waited.done, [(0, Ok(42)), (1, Err(Error::Raised(Failed("test"))))]);
    assert_eq!(indices(&waited.pending), [2]);
}

#[tokio::test(start_paused = true)]
async fn first_exception_some_already_complete() {
    let (_promise, pending) = Promise::new();
    let [_, _, fine] = completed_futures();
    let waited =
        wait([fine, pending, after(1, Err(Failed("division"))), after(2, Ok(0))]).first_exception().await;
    assert_eq!(waited.done, [(0, Ok(42)), (2, Err(Error::Raised(Failed("division"))))]);
    assert_eq!(indices(&waited.pending), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn first_exception_one_already_failed() {
    let [_, failed, _] = completed_futures();
    let waited = wait([failed, after(2, Ok(0))]).first_exception().await;
    assert_eq!(indices(&waited.done), [0]);
    assert_eq!(indices(&waited.pending), [1]);
}

#[tokio::test(start_paused = true)]
async fn first_exception_waits_for_all_if_none_fails() {
    let waited = wait([after(2, Ok(2)), after(1, Ok(1))]).first_exception().await;
    assert_eq!(waited.done, [(1, Ok(1)), (0, Ok(2))]);
    assert!(waited.pending.is_empty());
}

#[tokio::test(start_paused = true)]
async fn all_completed() {
    let [a, b, c] = completed_futures();
    let start = Instant::now();
    let waited = wait([a, b, c, after(2, Err(Failed("division"))), after(1, Ok(42))]).await;
    assert_eq!(indices(&waited.done), [0, 1, 2, 4, 3]);
    assert!(waited.pending.is_empty());
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn timeout() {
    let [a, b, c] = completed_futures();
    let start = Instant::now();
    let waited = wait([a, b, c, after(10, Ok(0))]).timeout(SECOND).await;
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(indices(&waited.done), [0, 1, 2]);
    assert_eq!(indices(&waited.pending), [3]);
}

#[tokio::test(start_paused = true)]
async fn futures_that_complete_at_the_timeout_are_done() {
    async fn later(seconds: u32) -> Result<u32, Failed> {
        sleep(seconds * SECOND).await;
        Ok(seconds)
    }
    let waited = wait([later(1), later(2)].map(Box::pin)).timeout(SECOND).await;
    assert_eq!(waited.done, [(0, Ok(1))]);
    assert_eq!(indices(&waited.pending), [1]);
    let waited = wait([std::future::ready(Ok::<_, Failed>(1))]).timeout(Duration::ZERO).await;
    assert_eq!(waited.done, [(0, Ok(1))]);
}

/// A task that ends at the timeout may run before or after it. In both cases its result is there.
#[tokio::test(start_paused = true)]
async fn no_output_is_lost_at_the_timeout() {
    let waited = wait([after(1, Ok(1)), after(2, Ok(2))]).timeout(SECOND).await;
    let mut all = waited.done;
    for (index, task) in waited.pending {
        all.push((index, task.await));
    }
    all.sort_by_key(|(index, _)| *index);
    assert_eq!(all, [(0, Ok(1)), (1, Ok(2))]);
}

#[tokio::test]
async fn without_futures_it_is_ready_at_once() {
    let waited = wait(Vec::<TaskHandle<u32, Failed>>::new()).first_completed().await;
    assert!(waited.done.is_empty() && waited.pending.is_empty());
}

#[tokio::test(start_paused = true)]
async fn borrowed_futures_can_be_waited_for_again() {
    let mut tasks: Vec<_> = [3, 1, 2].map(|n| after(n, Ok(n))).into();
    let mut order = Vec::new();
    while !tasks.is_empty() {
        let waited = wait(tasks.iter_mut()).first_completed().await;
        let (index, result) = waited.done.into_iter().next().unwrap();
        order.push(result.unwrap());
        drop(tasks.remove(index));
    }
    assert_eq!(order, [1, 2, 3]);
}

/// Returns many futures that wake themselves, between two that are ready.
fn ready_among_busy() -> Vec<BoxFuture<'static, Result<u32, Failed>>> {
    let busy = (0..20).map(|_| {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .boxed()
    });
    [ready(Ok(1)).boxed()].into_iter().chain(busy).chain([ready(Ok(2)).boxed()]).collect()
}

#[tokio::test(start_paused = true)]
async fn ready_futures_are_found_among_self_waking_ones() {
    let waited = wait(ready_among_busy()).timeout(Duration::ZERO).await;
    assert_eq!(waited.done, [(0, Ok(1)), (21, Ok(2))]);
    let waited = wait(ready_among_busy()).first_completed().await;
    assert_eq!(waited.done, [(0, Ok(1)), (21, Ok(2))]);
}

#[tokio::test(start_paused = true)]
async fn ready_outputs_are_yielded_before_the_error() {
    let completed: Vec<_> = as_completed(ready_among_busy()).timeout(Duration::ZERO).collect().await;
    assert_eq!(completed[..2], [Ok((0, Ok(1))), Ok((21, Ok(2)))]);
    assert_eq!(completed[2].unwrap_err().to_string(), "20 (of 22) futures unfinished");
}

#[tokio::test]
#[should_panic(expected = "polled after its result was moved out")]
async fn a_completed_future_cannot_be_waited_for_again() {
    let mut tasks = [create_task(async { Ok::<_, Failed>(1) })];
    assert_eq!(wait(tasks.iter_mut()).await.done, [(0, Ok(1))]);
    wait(tasks.iter_mut()).await;
}

/// The errors may borrow.
#[tokio::test]
async fn errors_need_not_be_static() {
    #[derive(Debug, PartialEq)]
    struct Invalid<'a>(&'a str);
    #[expect(
        clippy::unused_async,
        reason = "the test is about errors that borrow, not about pending futures"
    )]
    async fn parse(text: &str) -> Result<u32, Invalid<'_>> {
        text.parse().map_err(|_| Invalid(text))
    }
    let texts = [String::from("1"), String::from("x")];
    let waited = wait(texts.iter().map(|text| Box::pin(parse(text)))).await;
    assert_eq!(waited.done, [(0, Ok(1)), (1, Err(Invalid("x")))]);
}

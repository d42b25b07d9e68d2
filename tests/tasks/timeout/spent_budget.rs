//! Limits of work that spends tokio's cooperative budget, or that blocks its thread: a timer that is polled after such work
//! needs more than the budget that is left.

use std::future::{pending, poll_fn, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, join};
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::consume_budget;
use tokio::task::coop::has_budget_remaining;
use tokio::task::yield_now;
use tokio::time::Instant;
use withal::context::async_with;
use withal::tasks::{TimeoutError, as_completed, timeout, timeout_at, wait};

use super::SECOND;
use super::cpython::crunch_numbers;
use crate::Failed;

/// Work that is always ready, which takes a millisecond of the paused clock each time. It ends after a minute, so that a
/// limit that does not apply is a failure instead of a hang.
async fn busy() {
    for _ in 0..60_000 {
        consume_budget().await;
        crunch_numbers(Duration::from_millis(1));
    }
}

/// Spends the budget of this poll.
fn spend_budget() {
    while has_budget_remaining() {
        assert_eq!(consume_budget().now_or_never(), Some(()));
    }
}

/// A future that spends the budget in each poll, and that never completes.
async fn spends_each_budget() {
    poll_fn(|cx| {
        spend_budget();
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    })
    .await;
}

/// A channel with a message.
fn with_message() -> (mpsc::Sender<u32>, mpsc::Receiver<u32>) {
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(7).unwrap();
    (sender, receiver)
}

fn assert_took(start: Instant, time: Duration) {
    // A poll takes as many milliseconds as it has budget, and the block gets a second poll.
    let late = start.elapsed().checked_sub(time).unwrap();
    assert!(late <= Duration::from_millis(300), "{late:?} late");
}

#[tokio::test(start_paused = true)]
async fn a_block_that_spends_its_budget_times_out() {
    let start = Instant::now();
    assert_eq!(async_with!(_ = timeout(SECOND) => { busy().await }), Err(TimeoutError::Elapsed));
    assert_took(start, SECOND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_drains_a_full_channel_times_out() {
    let (sender, mut receiver) = mpsc::channel(1000);
    // A watchdog: without the limit, the block ends when the producer does.
    let started = Instant::now();
    let producer =
        tokio::spawn(
            async move { while started.elapsed() < 30 * SECOND && sender.send(()).await.is_ok() {} },
        );
    let result =
        async_with!(_ = timeout(Duration::from_millis(20)) => { while receiver.recv().await.is_some() {} });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    drop(receiver);
    producer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_outer_of_two_timeouts_ends_a_block_that_spends_its_budget() {
    let (outer, inner, start) = (timeout(SECOND), timeout(2 * SECOND), Instant::now());
    let result = async_with!(_ = outer.clone() => {
        async_with!(_ = inner.clone() => { busy().await })
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert!(outer.expired() && !inner.expired());
    assert_took(start, SECOND);
}

#[tokio::test(start_paused = true)]
async fn code_beside_the_block_that_spends_the_budget_does_not_disable_the_limit() {
    let start = Instant::now();
    let limited = async {
        let result = async_with!(_ = timeout(SECOND) => { pending::<()>().await });
        assert_eq!(result, Err(TimeoutError::Elapsed));
        assert_took(start, SECOND);
    };
    // Polled in this order: no budget is left for the block.
    tokio::select! {
        biased;
        () = busy() => panic!("the block is not limited"),
        () = limited => {}
    }
}

#[tokio::test(start_paused = true)]
async fn reschedule_to_now_ends_the_block_at_its_next_await() {
    let result = async_with!(limit = timeout(5 * SECOND) => {
        limit.reschedule(Instant::now()).unwrap();
        crunch_numbers(Duration::from_millis(20));
        yield_now().await;
        "never"
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
}

/// By the wall clock, the timer of the runtime is not ready before its next millisecond.
#[tokio::test]
async fn a_timeout_of_zero_ends_the_block_at_its_first_await() {
    for _ in 0..100 {
        let limit = timeout(Duration::ZERO);
        assert_eq!(async_with!(_ = limit.clone() => { yield_now().await }), Err(TimeoutError::Elapsed));
        assert!(limit.expired());
        let result = async_with!(limit = timeout(None) => {
            limit.reschedule(Instant::now()).unwrap();
            yield_now().await;
        });
        assert_eq!(result, Err(TimeoutError::Elapsed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_that_blocks_its_thread_past_the_deadline_times_out_at_its_next_await() {
    let result = async_with!(_ = timeout(SECOND) => {
        crunch_numbers(2 * SECOND);
        yield_now().await;
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(
        async_with!(_ = timeout(SECOND) => { crunch_numbers(2 * SECOND) }),
        Ok(()),
        "without an await"
    );
}

/// The message is there, but tokio does not return it before the next poll.
#[tokio::test(start_paused = true)]
async fn a_block_that_is_pending_only_for_lack_of_budget_is_in_time() {
    let (_sender, mut receiver) = with_message();
    let limit = timeout(Duration::ZERO);
    spend_budget();
    assert_eq!(async_with!(_ = limit.clone() => { receiver.recv().await }), Ok(Some(7)));
    assert!(!limit.expired());
}

#[tokio::test(start_paused = true)]
async fn a_deferred_expiry_does_not_wait_for_a_budget_for_ever() {
    let (limit, mut polls) = (timeout_at(Instant::now()), 0);
    let blocked = async { async_with!(_ = limit.clone() => { pending::<()>().await }) };
    let mut both = Box::pin(join(spends_each_budget(), blocked));
    poll_fn(|cx: &mut Context<'_>| {
        polls += 1;
        assert!(polls <= 2);
        assert!(both.as_mut().poll_unpin(cx).is_pending());
        if limit.expired() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    assert_eq!(polls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_reschedule_after_a_deferred_expiry_is_respected() {
    let (limit, start) = (timeout(Duration::ZERO), Instant::now());
    let is_first = std::cell::Cell::new(true);
    let result = async_with!(limit = limit.clone() => {
        poll_fn(|cx| {
            spend_budget();
            if is_first.replace(false) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            limit.reschedule(start + SECOND).map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        pending::<()>().await;
    });
    assert_eq!(result, Err(TimeoutError::Elapsed));
    assert_eq!(start.elapsed(), SECOND);
}

fn busy_futures() -> [BoxFuture<'static, Result<u32, Failed>>; 2] {
    let is_busy = async {
        busy().await;
        Ok(1)
    };
    [is_busy.boxed(), ready(Ok(2)).boxed()]
}

#[tokio::test(start_paused = true)]
async fn as_completed_ends_while_a_future_spends_the_budget() {
    let start = Instant::now();
    let completed: Vec<_> = as_completed(busy_futures()).timeout(SECOND).collect().await;
    assert_eq!(completed[0], Ok((1, Ok(2))));
    let elapsed = completed[1].unwrap_err();
    assert_eq!((elapsed.unfinished, elapsed.total), (1, 2));
    assert_took(start, SECOND);
}

#[tokio::test(start_paused = true)]
async fn wait_ends_while_a_future_spends_the_budget() {
    let start = Instant::now();
    let waited = wait(busy_futures()).timeout(SECOND).await;
    assert_eq!(waited.done, [(1, Ok(2))]);
    assert_eq!(waited.pending.len(), 1);
    assert_took(start, SECOND);
}

/// The deadline has passed, and the timer of the runtime is not ready.
#[tokio::test(start_paused = true)]
async fn deadlines_are_checked_by_the_clock() {
    let pending = || [pending::<Result<u32, Failed>>()];
    let mut completed = as_completed(pending()).timeout(SECOND);
    let mut waiting = wait(pending()).timeout(SECOND);
    crunch_numbers(2 * SECOND);
    assert!(completed.next().now_or_never().is_some_and(|next| next.unwrap().is_err()));
    assert!((&mut waiting).now_or_never().is_some_and(|waited| waited.done.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn outputs_that_are_ready_are_in_time_although_the_budget_is_spent() {
    let (_sender, mut receiver) = with_message();
    let mut receive = async || receiver.recv().await.ok_or(Failed("closed"));
    spend_budget();
    let waited = wait([Box::pin(receive())]).timeout(Duration::ZERO).await;
    assert_eq!(waited.done, [(0, Ok(7))]);
    let (_sender, mut receiver) = with_message();
    spend_budget();
    let mut completed = as_completed([receiver.recv()]).timeout(Duration::ZERO);
    assert_eq!(completed.next().await, Some(Ok((0, Some(7)))));
}

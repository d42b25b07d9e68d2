//! Yields inside of `join!`, `select!` and `FuturesUnordered`: they do not stall, and no value is lost.

use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::task::Poll;

use futures::future::{join_all, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio_test::{assert_ready_eq, task};
use withal::coroutine::{Error, GeneratorExit, Step, Yielder, coroutine, try_coroutine};

#[test]
fn in_join() {
    let mut body = coroutine(async |mut y| {
        let (sent, ()) = futures::join!(y.yield_(1), tokio::task::yield_now());
        sent
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("joined"), Ok(Step::Complete("joined")));
}

#[test]
fn in_futures_unordered() {
    let mut body = coroutine(async |mut y| {
        let mut replies = Vec::new();
        for n in 0..3 {
            let mut set = FuturesUnordered::from_iter([y.yield_(n)]);
            replies.push(set.next().await.expect("the set has one future")?);
        }
        Ok(replies)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(0)));
    assert_eq!(body.send("a"), Ok(Step::Yielded(1)));
    assert_eq!(body.send("b"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("c"), Ok(Step::Complete(vec!["a", "b", "c"])));
}

#[test]
fn in_join_all_beside_a_pending_future() {
    let mut body = coroutine(async |mut y| {
        let yielding = async { y.yield_(1).await }.boxed_local();
        let waiting = async {
            tokio::task::yield_now().await;
            Ok(9)
        };
        Ok(join_all([yielding, waiting.boxed_local()]).await)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send(8), Ok(Step::Complete(vec![Ok(8), Ok(9)])));
}

#[test]
fn a_throw_reaches_a_yield_in_futures_unordered() {
    let mut body = coroutine(async |mut y| {
        let mut set = FuturesUnordered::from_iter([y.yield_(())]);
        Ok(set.next().await == Some(Err::<(), _>(GeneratorExit)))
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(())));
    assert_eq!(body.close(), Ok(Some(true)));
}

#[test]
fn an_interruptible_await_in_futures_unordered_is_interrupted() {
    let mut body = coroutine(async |mut y: Yielder<'_>| {
        let mut set = FuturesUnordered::from_iter([y.interruptible(pending::<()>())]);
        Ok(set.next().await == Some(Err(GeneratorExit)))
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.close(), Ok(Some(true)));
}

/// Yields a value, and drops the yield in the step in which its reply arrives.
async fn yield_and_drop(y: &mut Yielder<'_, u32, &str>) {
    let mut polls = 0;
    let second = poll_fn(|_| {
        polls += 1;
        if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
    });
    // Polled first, so that it completes first.
    select(pin!(second), y.yield_(1)).await;
}

/// The reply to a dropped yield is discarded, and not received by the next yield.
#[test]
fn a_yield_dropped_in_select_leaves_no_stale_reply() {
    let mut body = coroutine(async |mut y| {
        yield_and_drop(&mut y).await;
        y.yield_(2).await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("fresh"), Ok(Step::Complete("fresh")));
}

#[test]
fn no_stale_reply_when_a_yield_is_polled_twice_in_a_step() {
    let mut body = coroutine(async |mut y| {
        yield_and_drop(&mut y).await;
        let mut yielded = y.yield_(2);
        assert!((&mut yielded).now_or_never().is_none());
        yielded.await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("fresh"), Ok(Step::Complete("fresh")));
}

#[test]
fn a_stale_reply_does_not_hide_a_throw() {
    let mut body = coroutine(async |mut y| {
        yield_and_drop(&mut y).await;
        Ok(y.yield_(2).await)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Ok(Step::Yielded(2)));
    assert_eq!(body.close(), Ok(Some(Err(GeneratorExit))));
}

#[test]
fn values_of_dropped_yields_are_delivered_in_order() {
    let mut body = coroutine(async |mut y| {
        for n in [1, 2] {
            assert!(y.yield_(n).now_or_never().is_none());
        }
        let sent = y.yield_(3).await?;
        Ok(sent)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    // The yields were dropped, so these replies are discarded.
    assert_eq!(body.send("to the first"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("to the second"), Ok(Step::Yielded(3)));
    assert_eq!(body.send("to the third"), Ok(Step::Complete("to the third")));
}

#[test]
fn the_last_values_are_delivered_before_the_end() {
    let mut body = coroutine(async |mut y| {
        for n in [1, 2, 3] {
            assert!(y.yield_(n).now_or_never().is_none());
        }
        Ok("end")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send(()), Ok(Step::Yielded(2)));
    assert_eq!(body.send(()), Ok(Step::Yielded(3)));
    assert_eq!(body.send(()), Ok(Step::Complete("end")));
}

#[test]
fn close_drops_the_values_that_were_not_taken() {
    let two = async |mut y: Yielder<'_, i32>| {
        for n in [1, 2] {
            assert!(y.yield_(n).now_or_never().is_none());
        }
        Ok("end")
    };
    let mut completed = coroutine(two);
    assert_eq!(completed.resume(), Ok(Step::Yielded(1)));
    assert_eq!(completed.close(), Ok(Some("end")));
    let mut suspended = coroutine(async |mut y: Yielder<'_, i32>| {
        assert!(y.yield_(1).now_or_never().is_none());
        assert_eq!(y.yield_(2).await, Err(GeneratorExit));
        Ok("closed")
    });
    assert_eq!(suspended.resume(), Ok(Step::Yielded(1)));
    assert_eq!(suspended.close(), Ok(Some("closed")));
}

#[test]
fn in_futures_unordered_behind_another_value() {
    let mut body = coroutine(async |mut y| {
        assert!(y.yield_(1).now_or_never().is_none());
        let mut set = FuturesUnordered::from_iter([y.yield_(2)]);
        set.next().await.expect("the set has one future")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("to the first"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("to the second"), Ok(Step::Complete("to the second")));
}

/// A discarded reply must not make the driver poll in a busy loop.
#[test]
fn an_interruptible_await_in_futures_unordered_after_a_dropped_yield() {
    let mut body = coroutine(async |mut y| {
        yield_and_drop(&mut y).await;
        let mut set = FuturesUnordered::from_iter([y.interruptible(pending::<()>())]);
        Ok(set.next().await == Some(Err(GeneratorExit)))
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Err(Error::Pending));
    assert_eq!(body.close(), Ok(Some(true)));
}

/// The waker of the driver is woken, so that it polls again.
#[test]
fn in_futures_unordered_by_poll_resume() {
    let mut body = coroutine(async |mut y: Yielder<'_, i32>| {
        let mut set = FuturesUnordered::from_iter([y.yield_(1)]);
        set.next().await.expect("the set has one future")
    });
    let mut step = task::spawn(poll_fn(|cx| body.poll_resume(cx)));
    assert_ready_eq!(step.poll(), Ok(Step::Yielded(1)));
    while step.poll().is_pending() {
        assert!(step.is_woken(), "the driver would stall");
    }
}

#[test]
fn the_last_value_is_delivered_before_the_end() {
    let mut body = coroutine(async |mut y| {
        select(y.yield_(1), ready(())).await;
        Ok("end")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send(()), Ok(Step::Complete("end")));
    assert_eq!(body.send(()), Err(Error::AlreadyAwaited));
}

#[test]
fn throw_between_the_last_value_and_the_end() {
    let body = |outcome: Result<&'static str, &'static str>| {
        try_coroutine(async move |mut y: Yielder<'_, i32, (), _>| {
            select(y.yield_(1), ready(())).await;
            Ok(outcome?)
        })
    };
    let mut returns = body(Ok("end"));
    assert_eq!(returns.resume(), Ok(Step::Yielded(1)));
    assert_eq!(returns.throw("thrown"), Err(Error::Raised("thrown")));
    let mut fails = body(Err("its own"));
    assert_eq!(fails.resume(), Ok(Step::Yielded(1)));
    assert_eq!(fails.throw("thrown"), Err(Error::Raised("its own")), "the error of the body came first");
}

#[test]
fn close_between_the_last_value_and_the_end() {
    let mut body = coroutine(async |mut y: Yielder<'_, i32>| {
        select(y.yield_(1), ready(())).await;
        Ok("end")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.close(), Ok(Some("end")));
}

#[test]
fn a_throw_at_a_dropped_yield_is_raised_at_the_next() {
    let mut body = coroutine(async |mut y| {
        yield_and_drop(&mut y).await;
        Ok(y.yield_(2).await == Err(GeneratorExit))
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.close(), Ok(Some(true)), "the exit is not lost");
}

#[test]
#[should_panic(expected = "`yield_` polled after completion")]
fn a_yield_polled_after_completion_panics() {
    let mut body = coroutine(async |mut y| {
        let mut yielded = y.yield_(());
        (&mut yielded).await?;
        yielded.await
    });
    assert_eq!(body.send(()), Ok(Step::Yielded(())));
    drop(body.send(()));
}

//! A yield inside `join!`, `select!` and `FuturesUnordered`: it works, it never stalls, and no value is lost.

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
        let (answer, ()) = futures::join!(y.yield_(1), tokio::task::yield_now());
        answer
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("joined"), Ok(Step::Complete("joined")));
}

#[test]
fn in_futures_unordered() {
    let mut body = coroutine(async |mut y| {
        let mut answers = Vec::new();
        for n in 0..3 {
            let mut set = FuturesUnordered::from_iter([y.yield_(n)]);
            answers.push(set.next().await.expect("one is in it")?);
        }
        Ok(answers)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(0)));
    assert_eq!(body.send("a"), Ok(Step::Yielded(1)));
    assert_eq!(body.send("b"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("c"), Ok(Step::Complete(vec!["a", "b", "c"])));
}

#[test]
fn in_join_all_beside_what_never_comes() {
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
fn a_wait_in_futures_unordered_is_interrupted() {
    let mut body = coroutine(async |mut y: Yielder<'_>| {
        let mut set = FuturesUnordered::from_iter([y.interruptible(pending::<()>())]);
        Ok(set.next().await == Some(Err(GeneratorExit)))
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.close(), Ok(Some(true)));
}

/// Yields, and lets the yield lose a race in the very step in which its answer comes.
async fn lose(y: &mut Yielder<'_, u32, &str>) {
    let mut turns = 0;
    let second = poll_fn(|_| {
        turns += 1;
        if turns == 2 { Poll::Ready(()) } else { Poll::Pending }
    });
    // Polled first, so that it wins.
    select(pin!(second), y.yield_(1)).await;
}

/// The answer to a yield that lost a race is nobody's: the next yield does not take it for its own.
#[test]
fn a_yield_dropped_in_select_leaves_no_stale_answer() {
    let mut body = coroutine(async |mut y| {
        lose(&mut y).await;
        y.yield_(2).await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("fresh"), Ok(Step::Complete("fresh")));
}

#[test]
fn no_stale_answer_when_it_is_polled_twice_in_a_step() {
    let mut body = coroutine(async |mut y| {
        lose(&mut y).await;
        let mut yielded = y.yield_(2);
        assert!((&mut yielded).now_or_never().is_none());
        yielded.await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("fresh"), Ok(Step::Complete("fresh")));
}

#[test]
fn no_stale_answer_hides_a_throw() {
    let mut body = coroutine(async |mut y| {
        lose(&mut y).await;
        Ok(y.yield_(2).await)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Ok(Step::Yielded(2)));
    assert_eq!(body.close(), Ok(Some(Err(GeneratorExit))));
}

#[test]
fn values_whose_yields_were_dropped_are_delivered_in_order() {
    let mut body = coroutine(async |mut y| {
        for n in [1, 2] {
            assert!(y.yield_(n).now_or_never().is_none());
        }
        let answer = y.yield_(3).await?;
        Ok(answer)
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    // Their yields are gone, so nobody takes these answers.
    assert_eq!(body.send("to the first"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("to the second"), Ok(Step::Yielded(3)));
    assert_eq!(body.send("to the third"), Ok(Step::Complete("to the third")));
}

#[test]
fn the_last_values_come_before_the_end() {
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
fn closing_drops_the_values_that_nobody_took() {
    let two = async |mut y: Yielder<'_, i32>| {
        for n in [1, 2] {
            assert!(y.yield_(n).now_or_never().is_none());
        }
        Ok("end")
    };
    let mut ended = coroutine(two);
    assert_eq!(ended.resume(), Ok(Step::Yielded(1)));
    assert_eq!(ended.close(), Ok(Some("end")));
    let mut under_way = coroutine(async |mut y: Yielder<'_, i32>| {
        assert!(y.yield_(1).now_or_never().is_none());
        assert_eq!(y.yield_(2).await, Err(GeneratorExit));
        Ok("told")
    });
    assert_eq!(under_way.resume(), Ok(Step::Yielded(1)));
    assert_eq!(under_way.close(), Ok(Some("told")));
}

#[test]
fn in_futures_unordered_behind_another_value() {
    let mut body = coroutine(async |mut y| {
        assert!(y.yield_(1).now_or_never().is_none());
        let mut set = FuturesUnordered::from_iter([y.yield_(2)]);
        set.next().await.expect("one is in it")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("to the first"), Ok(Step::Yielded(2)));
    assert_eq!(body.send("to the second"), Ok(Step::Complete("to the second")));
}

/// An answer that nobody is there for is no reason to poll a wait over and over.
#[test]
fn a_wait_in_futures_unordered_after_a_yield_that_was_dropped() {
    let mut body = coroutine(async |mut y| {
        lose(&mut y).await;
        let mut set = FuturesUnordered::from_iter([y.interruptible(pending::<()>())]);
        Ok(set.next().await == Some(Err(GeneratorExit)))
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send("stale"), Err(Error::Pending));
    assert_eq!(body.close(), Ok(Some(true)));
}

/// With a waker, whoever polls is woken to poll again; without, nobody would be.
#[test]
fn in_futures_unordered_by_poll_resume() {
    let mut body = coroutine(async |mut y: Yielder<'_, i32>| {
        let mut set = FuturesUnordered::from_iter([y.yield_(1)]);
        set.next().await.expect("one is in it")
    });
    let mut step = task::spawn(poll_fn(|cx| body.poll_resume(cx)));
    assert_ready_eq!(step.poll(), Ok(Step::Yielded(1)));
    while step.poll().is_pending() {
        assert!(step.is_woken(), "or it would stall");
    }
}

#[test]
fn the_last_value_comes_before_the_end() {
    let mut body = coroutine(async |mut y| {
        select(y.yield_(1), ready(())).await;
        Ok("end")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.send(()), Ok(Step::Complete("end")));
    assert_eq!(body.send(()), Err(Error::AlreadyAwaited));
}

#[test]
fn throwing_between_the_last_value_and_the_end() {
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
    assert_eq!(fails.throw("thrown"), Err(Error::Raised("its own")), "that came first");
}

#[test]
fn closing_between_the_last_value_and_the_end() {
    let mut body = coroutine(async |mut y: Yielder<'_, i32>| {
        select(y.yield_(1), ready(())).await;
        Ok("end")
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.close(), Ok(Some("end")));
}

#[test]
fn a_throw_whose_yield_was_dropped_is_raised_at_the_next() {
    let mut body = coroutine(async |mut y| {
        lose(&mut y).await;
        Ok(y.yield_(2).await == Err(GeneratorExit))
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.close(), Ok(Some(true)), "an exit is not forgotten");
}

#[test]
#[should_panic(expected = "`yield_` polled after completion")]
fn polled_again_after_it_was_done() {
    let mut body = coroutine(async |mut y| {
        let mut yielded = y.yield_(());
        (&mut yielded).await?;
        yielded.await
    });
    assert_eq!(body.send(()), Ok(Step::Yielded(())));
    drop(body.send(()));
}

//! Yields inside `join!`, `select!` and `FuturesUnordered`: they work, they wake the task, and no value is lost.

use std::future::{pending, ready};
use std::pin::pin;

use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::select;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::coroutine::{GeneratorExit, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, Error, generator, try_generator};

#[test]
fn a_yield_in_futures_unordered_is_delivered() {
    let g = generator(async |mut y| {
        for n in 0..3 {
            let mut set = FuturesUnordered::from_iter([y.yield_(n)]);
            set.next().await.expect("the set has one future")?;
        }
        Ok(())
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2]);
}

/// The task that polls the generator is woken when a future inside the set has to be polled again.
#[test]
fn a_yield_in_futures_unordered_wakes_the_task() {
    let mut g = task::spawn(generator(async |mut y| {
        let mut set = FuturesUnordered::from_iter([y.yield_(1)]);
        set.next().await.expect("the set has one future")
    }));
    assert_ready_eq!(g.poll_next(), Some(1));
    let mut polls = 0;
    while g.poll_next().is_pending() {
        assert!(g.is_woken(), "the task is woken, or it would stall");
        polls += 1;
        assert!(polls < 10, "the task is woken without progress");
    }
}

#[test]
fn a_yield_in_futures_unordered_receives_values_errors_and_exits() {
    let body = || {
        Box::pin(try_generator(async |mut y| {
            let mut set = FuturesUnordered::from_iter([y.yield_("ask")]);
            let reply: Result<&str, Thrown<&str>> = set.next().await.expect("the set has one future");
            drop(set);
            y.yield_(reply?).await?;
            Ok(())
        }))
    };
    let mut sent_to = body();
    assert_eq!(block_on(sent_to.start()), Ok(Some("ask")));
    assert_eq!(block_on(sent_to.asend("reply")), Ok(Some("reply")));
    let mut thrown_into = body();
    assert_eq!(block_on(thrown_into.start()), Ok(Some("ask")));
    assert_eq!(block_on(thrown_into.athrow("error")), Err(Error::Raised("error")));
    let mut closed = body();
    assert_eq!(block_on(closed.start()), Ok(Some("ask")));
    assert_eq!(block_on(closed.aclose()), Ok(()));
}

#[test]
fn an_interruptible_await_in_futures_unordered_is_interrupted() {
    let mut g = pin!(generator(async |mut y: Yielder<'_>| {
        let mut set = FuturesUnordered::from_iter([y.interruptible(pending::<()>())]);
        assert_eq!(set.next().await, Some(Err(GeneratorExit)));
        Ok(())
    }));
    assert!(g.anext().now_or_never().is_none());
    assert_eq!(block_on(g.aclose()), Ok(()));
}

/// The set contains another future that is woken later. The yield is woken too, not in its place.
#[test]
fn a_yield_beside_a_future_that_is_woken_later() {
    let (tx, rx) = oneshot::channel();
    let mut g = pin!(generator(async |mut y: Yielder<'_, u32>| {
        let yielding = async { y.yield_(1).await.map(|()| 0) }.boxed_local();
        let waiting = async { Ok(rx.await.expect("sent below")) }.boxed_local();
        let both: Vec<Result<u32, GeneratorExit>> =
            FuturesUnordered::from_iter([yielding, waiting]).collect().await;
        assert_eq!(both, [Ok(0), Ok(9)]);
        Ok(())
    }));
    assert_eq!(block_on(g.anext()), Ok(Some(1)));
    let mut next = task::spawn(g.anext());
    // One poll for the yield, and another one until only the channel is left.
    assert_pending!(next.poll());
    assert!(next.is_woken());
    assert_pending!(next.poll());
    tx.send(9).unwrap();
    assert!(next.is_woken());
    assert_ready_eq!(next.poll(), Ok(None));
}

#[test]
fn a_yield_that_loses_a_race_is_still_delivered() {
    let g = generator(async |mut y| {
        for n in 0..3 {
            select(y.yield_(n), ready(())).await;
        }
        Ok(())
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2]);

    let g = generator(async |mut y| {
        for n in 0..3 {
            select(y.yield_(n), ready(())).await;
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2]);
}

/// A value sent to a dropped yield must not wake the task repeatedly.
#[test]
fn an_interruptible_await_after_a_dropped_yield_does_not_spin() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = task::spawn(generator(async |mut y| {
        select(y.yield_(1), ready(())).await;
        let mut set = FuturesUnordered::from_iter([y.interruptible(rx)]);
        set.next().await.expect("the set has one future")?.expect("sent below");
        drop(set);
        y.yield_(2).await
    }));
    assert_ready_eq!(g.poll_next(), Some(1));
    let mut polls = 0;
    while g.poll_next().is_pending() && g.is_woken() {
        polls += 1;
        assert!(polls < 5, "the task is woken without progress");
    }
    tx.send(()).unwrap();
    assert!(g.is_woken());
    assert_ready_eq!(g.poll_next(), Some(2));
}

#[test]
fn a_yield_in_join_beside_a_slow_future() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = task::spawn(generator(async |mut y| {
        let (yielded, received) = futures::join!(y.yield_(1), rx);
        received.expect("sent below");
        yielded
    }));
    assert_ready_eq!(g.poll_next(), Some(1));
    assert_pending!(g.poll_next());
    tx.send(()).unwrap();
    assert!(g.is_woken());
    assert_ready_eq!(g.poll_next(), None);
}

//! A yield inside `join!`, `select!` and `FuturesUnordered`: it works, it wakes, and no value is lost.

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
fn in_futures_unordered() {
    let g = generator(async |mut y| {
        for n in 0..3 {
            let mut set = FuturesUnordered::from_iter([y.yield_(n)]);
            set.next().await.expect("one is in it")?;
        }
        Ok(())
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2]);
}

/// Who polls the generator is woken when the one inside has to be polled again: nothing else would.
#[test]
fn in_futures_unordered_the_driver_is_woken() {
    let mut g = task::spawn(generator(async |mut y| {
        let mut set = FuturesUnordered::from_iter([y.yield_(1)]);
        set.next().await.expect("one is in it")
    }));
    assert_ready_eq!(g.poll_next(), Some(1));
    let mut polls = 0;
    while g.poll_next().is_pending() {
        assert!(g.is_woken(), "or it would stall");
        polls += 1;
        assert!(polls < 10, "spins");
    }
}

#[test]
fn answers_throws_and_exits_reach_it_there() {
    let body = || {
        Box::pin(try_generator(async |mut y| {
            let mut set = FuturesUnordered::from_iter([y.yield_("ask")]);
            let answer: Result<&str, Thrown<&str>> = set.next().await.expect("one is in it");
            drop(set);
            y.yield_(answer?).await?;
            Ok(())
        }))
    };
    let mut answered = body();
    assert_eq!(block_on(answered.start()), Ok(Some("ask")));
    assert_eq!(block_on(answered.asend("answer")), Ok(Some("answer")));
    let mut thrown_into = body();
    assert_eq!(block_on(thrown_into.start()), Ok(Some("ask")));
    assert_eq!(block_on(thrown_into.athrow("error")), Err(Error::Raised("error")));
    let mut closed = body();
    assert_eq!(block_on(closed.start()), Ok(Some("ask")));
    assert_eq!(block_on(closed.aclose()), Ok(()));
}

#[test]
fn a_wait_there_is_interrupted() {
    let mut g = pin!(generator(async |mut y: Yielder<'_>| {
        let mut set = FuturesUnordered::from_iter([y.interruptible(pending::<()>())]);
        assert_eq!(set.next().await, Some(Err(GeneratorExit)));
        Ok(())
    }));
    assert!(g.anext().now_or_never().is_none());
    assert_eq!(block_on(g.aclose()), Ok(()));
}

/// Something else in the set is woken, and with it, not instead of it, the yield.
#[test]
fn beside_what_is_woken_later() {
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
    // Once for the yield, and again until nothing but the channel is left.
    assert_pending!(next.poll());
    assert!(next.is_woken());
    assert_pending!(next.poll());
    tx.send(9).unwrap();
    assert!(next.is_woken());
    assert_ready_eq!(next.poll(), Ok(None));
}

#[test]
fn a_yield_that_lost_a_race_is_delivered_all_the_same() {
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

/// An answer that nobody is there for is no reason to wake anybody over and over.
#[test]
fn a_wait_after_a_yield_that_was_dropped_does_not_spin() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = task::spawn(generator(async |mut y| {
        select(y.yield_(1), ready(())).await;
        let mut set = FuturesUnordered::from_iter([y.interruptible(rx)]);
        set.next().await.expect("one is in it")?.expect("sent below");
        drop(set);
        y.yield_(2).await
    }));
    assert_ready_eq!(g.poll_next(), Some(1));
    let mut polls = 0;
    while g.poll_next().is_pending() && g.is_woken() {
        polls += 1;
        assert!(polls < 5, "spins");
    }
    tx.send(()).unwrap();
    assert!(g.is_woken());
    assert_ready_eq!(g.poll_next(), Some(2));
}

#[test]
fn in_join_beside_what_is_slow() {
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

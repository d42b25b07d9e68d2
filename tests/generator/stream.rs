//! Generators as streams.

use std::pin::pin;

use futures::channel::oneshot;
use futures::executor::block_on;
use futures::stream::{self, FusedStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::coroutine::{GeneratorExit, Yielder};
use withal::generator::{AsyncGeneratorExt, generator, try_generator};

#[test]
fn items_are_the_yielded_values() {
    let g = generator(async |mut y| {
        for n in 0..3 {
            tokio::task::yield_now().await;
            y.yield_(n).await?;
        }
        Ok(())
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2]);
}

#[test]
fn an_error_is_the_last_item() {
    let g = try_generator(async |mut y| {
        for word in ["1", "x", "3"] {
            y.yield_(word.parse::<i32>()?).await?;
        }
        Ok(())
    });
    let items: Vec<_> = block_on(g.collect());
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], Ok(1));
    assert!(items[1].is_err());
}

#[test]
fn the_stream_is_fused() {
    let mut g = pin!(generator(async |mut y| y.yield_(1).await));
    assert!(!g.is_terminated());
    assert_eq!(block_on(g.next()), Some(1));
    assert!(!g.is_terminated());
    for _ in 0..2 {
        assert_eq!(block_on(g.next()), None);
        assert!(g.is_terminated());
    }
    let mut failed = pin!(try_generator(async |mut y| {
        y.yield_(()).await?;
        Err("failed".into())
    }));
    assert_eq!(block_on(failed.try_next()), Ok(Some(())));
    assert_eq!(block_on(failed.try_next()), Err("failed"));
    assert!(failed.is_terminated());
    assert_eq!(block_on(failed.try_next()), Ok(None));
}

#[test]
fn a_body_that_returns_the_exit_ends_the_stream() {
    let g = generator(async |mut y| {
        y.yield_(1).await?;
        Err(GeneratorExit)
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [1]);
}

#[test]
fn a_closed_generator_is_an_ended_stream() {
    let mut g = pin!(generator(async |mut y| y.yield_(1).await));
    block_on(g.aclose()).unwrap();
    assert_eq!(block_on(g.next()), None);
}

#[test]
fn a_dropped_next_loses_nothing() {
    let mut g = pin!(generator(async |mut y| {
        for n in 0..100 {
            for _ in 0..n % 4 {
                tokio::task::yield_now().await;
            }
            y.yield_(n).await?;
        }
        Ok(())
    }));
    let mut seen = Vec::new();
    while !g.is_terminated() {
        // Each `next` is polled once and then dropped.
        seen.extend(g.next().now_or_never().flatten());
    }
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[test]
fn the_task_is_woken_only_when_the_awaited_future_is_ready() {
    let (tx, rx) = oneshot::channel();
    let mut g = task::spawn(generator(async |mut y| {
        let value: u32 = rx.await.expect("sent below");
        y.yield_(value).await
    }));
    assert_pending!(g.poll_next());
    assert!(!g.is_woken());
    assert_pending!(g.poll_next());
    tx.send(4).unwrap();
    assert!(g.is_woken());
    assert_ready_eq!(g.poll_next(), Some(4));
    assert_ready_eq!(g.poll_next(), None);
}

/// The waker of the latest poll is woken.
#[test]
fn another_task_continues_the_step() {
    let (tx, rx) = oneshot::channel();
    let mut g = Box::pin(generator(async |mut y| {
        let value: u32 = rx.await.expect("sent below");
        y.yield_(value).await
    }));
    let mut first = task::spawn(g.next());
    assert_pending!(first.poll());
    drop(first);
    let mut second = task::spawn(g.next());
    assert_pending!(second.poll());
    tx.send(4).unwrap();
    assert!(second.is_woken());
    assert_ready_eq!(second.poll(), Some(4));
}

#[test]
fn combinators_and_operations_can_be_mixed() {
    let mut g = pin!(generator(async |mut y| {
        for n in 0.. {
            y.yield_(n).await?;
        }
        Ok(())
    }));
    assert_eq!(block_on(g.as_mut().take(2).collect::<Vec<_>>()), [0, 1]);
    assert_eq!(block_on(g.anext()), Ok(Some(2)));
    assert_eq!(block_on(g.next()), Some(3));
    assert_eq!(block_on(g.asend(())), Ok(Some(4)));
    assert_eq!(block_on(g.aclose()), Ok(()));
}

#[test]
fn a_generator_can_iterate_over_another() {
    fn evens(numbers: impl stream::Stream<Item = u32>) -> impl stream::Stream<Item = u32> {
        generator(async move |mut y| {
            let mut numbers = pin!(numbers);
            while let Some(n) = numbers.next().await {
                if n % 2 == 0 {
                    y.yield_(n).await?;
                }
            }
            Ok(())
        })
    }
    let numbers = generator(async |mut y: Yielder<'_, u32>| y.yield_all(stream::iter(0..7)).await);
    assert_eq!(block_on(evens(evens(numbers)).collect::<Vec<_>>()), [0, 2, 4, 6]);
}

/// One of the peer crates transmuted its items. References must keep their lifetime.
#[test]
fn items_can_borrow_from_outside() {
    let words = [String::from("a"), String::from("b")];
    let g = generator(async |mut y| {
        for word in &words {
            y.yield_(word.as_str()).await?;
        }
        Ok(())
    });
    assert_eq!(block_on(g.collect::<Vec<&str>>()).concat(), "ab");
}

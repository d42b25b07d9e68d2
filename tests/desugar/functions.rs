//! `aiter`, `anext`, `anext_or`.

use std::pin::pin;

use futures::channel::mpsc;
use futures::executor::block_on;
use futures::{StreamExt, stream};
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::desugar::{AsyncIterable, aiter, anext, anext_or};
use withal::generator::generator;

#[test]
fn aiter_of_a_stream_is_the_stream() {
    let once = aiter(stream::iter([1, 2]));
    assert_eq!(block_on(aiter(once).collect::<Vec<_>>()), [1, 2]);
}

#[test]
fn aiter_of_a_type_that_implements_async_iterable() {
    struct Squares(u32);
    impl AsyncIterable for Squares {
        type Item = u32;
        type AsyncIter = withal::generator::BoxAsyncGenerator<'static, u32>;
        fn aiter(self) -> Self::AsyncIter {
            generator(async move |mut y| {
                for n in 1..=self.0 {
                    y.yield_(n * n).await?;
                }
                Ok(())
            })
            .boxed()
        }
    }
    assert_eq!(block_on(aiter(Squares(3)).collect::<Vec<_>>()), [1, 4, 9]);
}

#[test]
fn anext_waits_and_is_woken() {
    let (tx, mut rx) = mpsc::unbounded();
    let mut next = task::spawn(anext(&mut rx));
    assert_pending!(next.poll());
    tx.unbounded_send(1).unwrap();
    assert!(next.is_woken());
    assert_ready_eq!(next.poll(), Some(1));
    drop(next);
    // A future that is dropped while pending does not lose the next item.
    let mut dropped = task::spawn(anext(&mut rx));
    assert_pending!(dropped.poll());
    drop(dropped);
    tx.unbounded_send(2).unwrap();
    assert_eq!(block_on(anext(&mut rx)), Some(2));
    drop(tx);
    assert_eq!(block_on(anext(&mut rx)), None);
}

#[test]
fn anext_or_returns_the_default_only_at_the_end() {
    let mut one = pin!(generator(async |mut y| y.yield_(1).await));
    assert_eq!(block_on(anext_or(&mut one, 9)), 1);
    assert_eq!(block_on(anext_or(&mut one, 9)), 9);
    assert_eq!(block_on(anext_or(&mut one, 8)), 8);
}

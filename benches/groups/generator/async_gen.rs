//! The crate async-gen.

use std::future;
use std::hint::black_box;
use std::pin::pin;

use async_gen::r#gen as generator;
use futures::{Stream, StreamExt as _};

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    let body = generator(move |mut y| async move {
        for number in 0..n {
            y.yield_(black_box(number)).await;
        }
        y.return_(())
    });
    body.into_async_iter()
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    let body = generator(move |mut y| async move {
        for number in 0..n {
            let number = future::ready(number).await;
            y.yield_(black_box(number)).await;
        }
        y.return_(())
    });
    body.into_async_iter()
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    relay(relay(relay(innermost(n))))
}

fn innermost(n: u64) -> impl Stream<Item = u64> {
    let body = generator(move |mut y| async move {
        for number in 0..n {
            y.yield_(black_box(number)).await;
        }
        y.return_(())
    });
    body.into_async_iter()
}

fn relay(inner: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    let body = generator(move |mut y| async move {
        let mut inner = pin!(inner);
        while let Some(item) = inner.next().await {
            y.yield_(item).await;
        }
        y.return_(())
    });
    body.into_async_iter()
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    let body = generator(move |mut y| async move {
        y.yield_(black_box(number)).await;
        y.return_(())
    });
    body.into_async_iter()
}

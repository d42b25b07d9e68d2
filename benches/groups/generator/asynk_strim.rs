//! The crate asynk-strim.

use std::future;
use std::hint::black_box;
use std::pin::pin;

use asynk_strim::{Yielder, stream_fn};
use futures::{Stream, StreamExt as _};

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    stream_fn(async move |mut y: Yielder<_>| {
        for number in 0..n {
            y.yield_item(black_box(number)).await;
        }
    })
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    stream_fn(async move |mut y: Yielder<_>| {
        for number in 0..n {
            let number = future::ready(number).await;
            y.yield_item(black_box(number)).await;
        }
    })
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    relay(relay(relay(innermost(n))))
}

fn innermost(n: u64) -> impl Stream<Item = u64> {
    stream_fn(async move |mut y: Yielder<_>| {
        for number in 0..n {
            y.yield_item(black_box(number)).await;
        }
    })
}

fn relay(inner: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    stream_fn(async move |mut y: Yielder<_>| {
        let mut inner = pin!(inner);
        while let Some(item) = inner.next().await {
            y.yield_item(item).await;
        }
    })
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    stream_fn(async move |mut y: Yielder<_>| y.yield_item(black_box(number)).await)
}

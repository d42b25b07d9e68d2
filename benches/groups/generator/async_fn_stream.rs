//! The crate async-fn-stream.

use std::future;
use std::hint::black_box;
use std::pin::pin;

use async_fn_stream::fn_stream;
use futures::{Stream, StreamExt as _};

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    fn_stream(async move |emitter| {
        for number in 0..n {
            emitter.emit(black_box(number)).await;
        }
    })
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    fn_stream(async move |emitter| {
        for number in 0..n {
            let number = future::ready(number).await;
            emitter.emit(black_box(number)).await;
        }
    })
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    relay(relay(relay(innermost(n))))
}

fn innermost(n: u64) -> impl Stream<Item = u64> {
    fn_stream(async move |emitter| {
        for number in 0..n {
            emitter.emit(black_box(number)).await;
        }
    })
}

fn relay(inner: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    fn_stream(async move |emitter| {
        let mut inner = pin!(inner);
        while let Some(item) = inner.next().await {
            emitter.emit(item).await;
        }
    })
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    fn_stream(async move |emitter| emitter.emit(black_box(number)).await)
}

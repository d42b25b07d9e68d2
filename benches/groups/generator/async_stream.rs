//! `stream!` of the crate async-stream.

use std::future;
use std::hint::black_box;
use std::pin::pin;

use async_stream::stream;
use futures::{Stream, StreamExt as _};

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    stream! {
        for number in 0..n {
            yield black_box(number);
        }
    }
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    stream! {
        for number in 0..n {
            let number = future::ready(number).await;
            yield black_box(number);
        }
    }
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    relay(relay(relay(innermost(n))))
}

fn innermost(n: u64) -> impl Stream<Item = u64> {
    stream! {
        for number in 0..n {
            yield black_box(number);
        }
    }
}

fn relay(inner: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    stream! {
        let mut inner = pin!(inner);
        while let Some(item) = inner.next().await {
            yield item;
        }
    }
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    stream! {
        yield black_box(number);
    }
}

//! `unfold` of the crate futures.

use std::future;
use std::hint::black_box;
use std::pin::{Pin, pin};

use futures::stream::{self, Stream, StreamExt as _};

use super::sum;

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    stream::unfold(0..n, async |mut numbers| {
        let number = numbers.next()?;
        Some((black_box(number), numbers))
    })
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    stream::unfold(0..n, async |mut numbers| {
        let number = future::ready(numbers.next()?).await;
        Some((black_box(number), numbers))
    })
}

pub(super) async fn nested(n: u64) -> u64 {
    let first = pin!(innermost(n));
    let second = pin!(relay(first));
    let third = pin!(relay(second));
    sum(relay(third)).await
}

fn innermost(n: u64) -> impl Stream<Item = u64> {
    stream::unfold(0..n, async |mut numbers| {
        let number = numbers.next()?;
        Some((black_box(number), numbers))
    })
}

fn relay<S: Stream<Item = u64>>(inner: Pin<&mut S>) -> impl Stream<Item = u64> {
    stream::unfold(inner, async |mut inner| Some((inner.next().await?, inner)))
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    stream::unfold(Some(number), async |number| Some((black_box(number?), None)))
}

//! The crate fauxgen.

use std::future;
use std::hint::black_box;
use std::pin::pin;

use fauxgen::{GeneratorState, generator};
use futures::{Stream, StreamExt as _};

#[generator(yield = u64)]
pub(super) async fn plain(n: u64) {
    for number in 0..n {
        r#yield!(black_box(number));
    }
}

#[generator(yield = u64)]
pub(super) async fn ready(n: u64) {
    for number in 0..n {
        let number = future::ready(number).await;
        r#yield!(black_box(number));
    }
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    relay(relay(relay(innermost(n))))
}

#[generator(yield = u64)]
async fn innermost(n: u64) {
    for number in 0..n {
        r#yield!(black_box(number));
    }
}

#[generator(yield = u64)]
async fn relay(inner: impl Stream<Item = u64>) {
    let mut inner = pin!(inner);
    while let Some(item) = inner.next().await {
        r#yield!(item);
    }
}

#[generator(yield = u64)]
pub(super) async fn one(number: u64) {
    r#yield!(black_box(number));
}

pub(super) async fn asend(n: u64) -> u64 {
    let mut body = pin!(totals());
    let mut last = 0;
    // The first argument only starts the body, which does not read it.
    body.as_mut().resume(0).await;
    for number in 0..n {
        let GeneratorState::Yielded(total) = body.as_mut().resume(number).await else { unreachable!() };
        last = total;
    }
    last
}

#[generator(yield = u64, arg = u64)]
async fn totals() {
    let mut total = 0;
    loop {
        total += r#yield!(black_box(total));
    }
}

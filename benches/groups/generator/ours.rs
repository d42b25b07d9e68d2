//! Rows of withal.

use std::future;
use std::hint::black_box;
use std::pin::pin;

use futures::{Stream, StreamExt as _};
use withal::coroutine::{GeneratorExit, Yielder};
use withal::generator::{AsyncGenerator, AsyncGeneratorExt as _, GeneratorBody, generator};

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    generator(async move |mut y| {
        for number in 0..n {
            y.yield_(black_box(number)).await?;
        }
        Ok(())
    })
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    generator(async move |mut y| {
        for number in 0..n {
            let number = future::ready(number).await;
            y.yield_(black_box(number)).await?;
        }
        Ok(())
    })
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    relay(relay(relay(innermost(n))))
}

fn innermost(n: u64) -> impl Stream<Item = u64> {
    generator(async move |mut y| {
        for number in 0..n {
            y.yield_(black_box(number)).await?;
        }
        Ok(())
    })
}

fn relay(inner: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    generator(async move |mut y| {
        let mut inner = pin!(inner);
        while let Some(item) = inner.next().await {
            y.yield_(item).await?;
        }
        Ok(())
    })
}

/// The same work in one generator, with nested helper functions that borrow its yielder.
pub(super) fn helped(n: u64) -> impl Stream<Item = u64> {
    generator(async move |mut y| first(&mut y, n).await)
}

async fn first(y: &mut Yielder<'_, u64>, n: u64) -> Result<(), GeneratorExit> {
    second(y, n).await
}

async fn second(y: &mut Yielder<'_, u64>, n: u64) -> Result<(), GeneratorExit> {
    third(y, n).await
}

async fn third(y: &mut Yielder<'_, u64>, n: u64) -> Result<(), GeneratorExit> {
    for number in 0..n {
        y.yield_(black_box(number)).await?;
    }
    Ok(())
}

/// The same work in four generators, each of which delegates to the next.
pub(super) fn delegated(n: u64) -> impl Stream<Item = u64> {
    generator(async move |mut y| {
        let middle = generator(async move |mut y| {
            let inner = generator(async move |mut y| y.yield_from(pin!(source(n))).await);
            y.yield_from(pin!(inner)).await
        });
        y.yield_from(pin!(middle)).await
    })
}

fn source(n: u64) -> AsyncGenerator<impl GeneratorBody<u64>> {
    generator(async move |mut y| {
        for number in 0..n {
            y.yield_(black_box(number)).await?;
        }
        Ok(())
    })
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    generator(async move |mut y| y.yield_(black_box(number)).await)
}

pub(super) async fn asend(n: u64) -> u64 {
    let mut body = pin!(generator(async |mut y| {
        let mut total = 0;
        loop {
            total += y.yield_(black_box(total)).await?;
        }
    }));
    let mut last = 0;
    body.start().await.expect("it begins");
    for number in 0..n {
        last = body.asend(number).await.expect("it never fails").expect("it never ends");
    }
    last
}

//! `CPython`'s tests of `async for` and comprehensions: loops inside a coroutine, and collected streams.

mod comprehensions;
mod loops;

use futures::Stream;
use withal::coroutine::{Coroutine, RawCoroutine, Step};
use withal::generator::generator;

/// `run_async` of the tests: runs a coroutine, and returns the values that it yielded and its return value.
fn run_async<D>(mut coroutine: Coroutine<D>) -> (Vec<D::Yield>, D::Return)
where
    D: RawCoroutine<Sent: Default> + ?Sized,
{
    let mut yielded = Vec::new();
    loop {
        match coroutine.resume().ok().expect("the body neither waits nor fails") {
            Step::Yielded(value) => yielded.push(value),
            Step::Complete(value) => return (yielded, value),
        }
    }
}

/// `f` and `asynciter` of the tests: a generator of the items.
fn asynciter<T>(items: impl IntoIterator<Item = T>) -> impl Stream<Item = T> {
    generator(async |mut y| {
        for item in items {
            y.yield_(item).await?;
        }
        Ok(())
    })
}

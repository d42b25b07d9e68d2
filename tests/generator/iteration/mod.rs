//! `async for` and comprehensions, as `CPython` tests them: a loop inside a coroutine, and what streams collect to.

mod comprehensions;
mod loops;

use futures::Stream;
use withal::coroutine::{Coroutine, RawCoroutine, Step};
use withal::generator::generator;

/// `run_async` of its tests: what was yielded, and what was returned.
fn run_async<D>(mut coroutine: Coroutine<D>) -> (Vec<D::Yield>, D::Return)
where
    D: RawCoroutine<Sent: Default> + ?Sized,
{
    let mut yielded = Vec::new();
    loop {
        match coroutine.resume().ok().expect("neither waits nor fails") {
            Step::Yielded(value) => yielded.push(value),
            Step::Complete(value) => return (yielded, value),
        }
    }
}

/// `f` and `asynciter` of its tests: a generator of what is in there.
fn asynciter<T>(items: impl IntoIterator<Item = T>) -> impl Stream<Item = T> {
    generator(async |mut y| {
        for item in items {
            y.yield_(item).await?;
        }
        Ok(())
    })
}

//! `AsyncGenAsyncioTest`: iteration on an event loop. The clock is paused.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use tokio::time::{Instant, sleep};
use withal::async_for;
use withal::coroutine::{Step, Thrown, Yielder};
use withal::desugar::AsyncIterable;
use withal::generator::{
    AsyncGenerator, AsyncGeneratorExt, BoxAsyncGenerator, GeneratorBody, generator, try_generator,
};

use super::ZeroDivision;

const TICK: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_01_sleeps_and_an_early_return() {
    let began = Instant::now();
    let g = generator(async |mut y| {
        for n in 1..=3 {
            if n == 3 {
                return Ok(());
            }
            y.yield_(n).await?;
            sleep(TICK).await;
        }
        unreachable!("it has returned")
    });
    assert_eq!(g.collect::<Vec<_>>().await, [1, 2]);
    assert_eq!(began.elapsed(), 2 * TICK);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_02_an_error_between_yields() {
    let g = || {
        try_generator(async |mut y| {
            y.yield_(1).await?;
            sleep(TICK).await;
            y.yield_(2).await?;
            Err(ZeroDivision)?;
            y.yield_(3).await
        })
    };
    assert_eq!(g().try_collect::<Vec<_>>().await, Err(ZeroDivision));
    assert_eq!(g().collect::<Vec<_>>().await, [Ok(1), Ok(2), Err(ZeroDivision)]);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_03_a_method_that_gives_a_generator() {
    struct Gen;
    impl AsyncIterable for Gen {
        type Item = u32;
        type AsyncIter = BoxAsyncGenerator<'static, u32>;
        fn aiter(self) -> Self::AsyncIter {
            generator(async |mut y| {
                y.yield_(1).await?;
                sleep(TICK).await;
                y.yield_(2).await
            })
            .boxed()
        }
    }
    let (began, mut res) = (Instant::now(), Vec::new());
    async_for!(i in Gen => {
        res.push(i);
    });
    assert_eq!(res, [1, 2]);
    assert_eq!(began.elapsed(), TICK);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_anext_04_thrown_into_at_a_yield() {
    type Foo<'g> = Yielder<'g, u32, (), Thrown<ZeroDivision>>;
    fn foo() -> AsyncGenerator<impl GeneratorBody<u32, (), Thrown<ZeroDivision>>> {
        try_generator(async |mut y: Foo<'_>| {
            y.yield_(1).await?;
            sleep(TICK).await;
            let outcome = async {
                y.yield_(2).await?;
                y.yield_(3).await
            };
            match outcome.await {
                Err(Thrown::Error(ZeroDivision)) => y.yield_(1000).await?,
                outcome => outcome?,
            }
            sleep(TICK).await;
            y.yield_(4).await
        })
    }

    let mut it = pin!(foo());
    for n in 1..=4 {
        assert_eq!(it.anext().await, Ok(Some(n)));
    }
    assert_eq!(it.anext().await, Ok(None));
    assert_eq!(it.anext().await, Ok(None), "and again");

    let mut it = pin!(foo());
    assert_eq!(it.anext().await, Ok(Some(1)));
    assert_eq!(it.anext().await, Ok(Some(2)));
    assert_eq!(now!(it.athrow(ZeroDivision)), Ok(Some(1000)));
    assert_eq!(it.anext().await, Ok(Some(4)));
    assert_eq!(it.anext().await, Ok(None));
}

#[test]
fn asyncio_anext_06_the_body_returns() {
    let done = Cell::new(0);
    let mut g = pin!(generator(async |mut y| {
        _ = y.yield_(()).await;
        done.set(1);
        Ok(())
    }));
    assert_eq!(now!(g.asend(())), Ok(Some(())));
    assert_eq!(done.get(), 0);
    assert_eq!(now!(g.asend(())), Ok(None));
    assert_eq!(done.get(), 1);
}

#[test]
fn asyncio_anext_tuple_is_plain_data() {
    let mut it = pin!(try_generator(async |mut y| match y.yield_((1,)).await {
        Err(Thrown::Error(ZeroDivision)) => y.yield_((2,)).await,
        outcome => outcome,
    }));
    assert_eq!(now!(it.anext()), Ok(Some((1,))));
    assert_eq!(now!(it.athrow(ZeroDivision)), Ok(Some((2,))));
    assert_eq!(now!(it.anext()), Ok(None));
}

/// A body may yield the errors that mark the end of a coroutine or a generator. They do not end it.
#[test]
fn asyncio_anext_stopiteration_is_plain_data() {
    let mut it = pin!(try_generator(async |mut y| match y.yield_(Step::<(), _>::Complete(1)).await {
        Err(Thrown::Error(ZeroDivision)) => y.yield_(Step::Complete(3)).await,
        outcome => outcome,
    }));
    assert_eq!(now!(it.anext()), Ok(Some(Step::Complete(1))));
    assert_eq!(now!(it.athrow(ZeroDivision)), Ok(Some(Step::Complete(3))));
    assert_eq!(now!(it.anext()), Ok(None));

    let mut it = pin!(generator(async |mut y| y.yield_(None::<u32>).await));
    assert_eq!(now!(it.next()), Some(None));
    assert_eq!(now!(it.next()), None);
}

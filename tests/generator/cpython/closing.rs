//! `aclose` on an event loop: the cleanup of a body.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::channel::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::coroutine::{GeneratorExit, State, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, Error, generator, try_generator};

use super::ZeroDivision;

const TICK: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_aclose_06_a_yield_in_finally() {
    let mut g = pin!(try_generator(async |mut y| {
        let outcome = match y.yield_(1).await {
            Ok(()) => Err(ZeroDivision.into()),
            exit => exit,
        };
        sleep(TICK).await;
        y.yield_(12).await?;
        outcome
    }));
    assert_eq!(g.anext().await, Ok(Some(1)));
    let ignored = g.aclose().await.unwrap_err();
    assert_eq!(ignored.to_string(), "async generator ignored GeneratorExit");
    assert_eq!(ignored, Error::IgnoredExit);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_aclose_07_awaits_in_finally_and_no_more() {
    let (began, done) = (Instant::now(), Cell::new(0));
    let mut g = pin!(try_generator(async |mut y| {
        let outcome = match y.yield_(1).await {
            Ok(()) => Err(Thrown::Error(ZeroDivision)),
            exit => exit,
        };
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(done.get() + 1);
        outcome?;
        done.set(done.get() + 1000);
        Ok(())
    }));
    assert_eq!(g.anext().await, Ok(Some(1)));
    assert_eq!(g.aclose().await, Ok(()));
    assert_eq!(done.get(), 1);
    assert_eq!(began.elapsed(), 2 * TICK);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_aclose_08_before_an_await_that_never_ends() {
    let done = Cell::new(0);
    let (_never, fut) = oneshot::channel::<()>();
    let mut g = pin!(generator(async |mut y| {
        let outcome = async {
            y.yield_(1).await?;
            _ = fut.await;
            done.set(done.get() + 1000);
            y.yield_(2).await
        };
        let outcome = outcome.await;
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(done.get() + 1);
        outcome?;
        done.set(done.get() + 1000);
        Ok(())
    }));
    assert_eq!(g.anext().await, Ok(Some(1)));
    assert_eq!(g.aclose().await, Ok(()));
    assert_eq!(done.get(), 1);
}

/// The drop of the last handle takes the place of garbage collection. Its hook detaches the close.
#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_gc_aclose_09_dropped_it_is_closed() {
    let done = Arc::new(AtomicU32::new(0));
    let sets = Arc::clone(&done);
    let g = generator(async move |mut y| {
        while y.yield_(1).await.is_ok() {}
        yield_now().await;
        sets.store(1, Ordering::Relaxed);
        Err(GeneratorExit)
    })
    .managed();
    assert_eq!(g.anext().await, Ok(Some(1)));
    assert_eq!(g.anext().await, Ok(Some(1)));
    drop(g);
    assert_eq!(done.load(Ordering::Relaxed), 0, "the destructor does not close it");
    cleanup::drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(done.load(Ordering::Relaxed), 1);
}

#[test]
fn asyncio_aclose_10_suppressed_and_a_return() {
    let done = Cell::new(0);
    let mut g = pin!(generator(async |mut y| {
        _ = y.yield_(()).await;
        done.set(1);
        Ok(())
    }));
    assert_eq!(now!(g.asend(())), Ok(Some(())));
    assert_eq!(now!(g.aclose()), Ok(()));
    assert_eq!((done.get(), g.state()), (1, State::Closed));
}

#[test]
fn asyncio_aclose_11_suppressed_and_a_yield() {
    let done = Cell::new(0);
    {
        let mut g = pin!(generator(async |mut y| {
            _ = y.yield_(()).await;
            y.yield_(()).await?;
            done.set(done.get() + 1);
            Ok(())
        }));
        assert_eq!(now!(g.asend(())), Ok(Some(())));
        assert_eq!(now!(g.aclose()), Err(Error::IgnoredExit));
    }
    assert_eq!(done.get(), 0);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_aclose_12_a_task_that_fails_in_finally() {
    async fn target() -> Result<(), ZeroDivision> {
        sleep(TICK).await;
        Err(ZeroDivision)
    }
    let done = Cell::new(0);
    let mut g = pin!(generator(async |mut y: Yielder<'_, u32>| {
        let task = tokio::spawn(target());
        let outcome = y.yield_(1).await;
        if task.await.unwrap() == Err(ZeroDivision) {
            done.set(1);
        }
        outcome
    }));
    assert_eq!(g.anext().await, Ok(Some(1)));
    assert_eq!(g.aclose().await, Ok(()));
    assert_eq!(done.get(), 1);
}

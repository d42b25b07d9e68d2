//! `asend` and `athrow` on an event loop.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use withal::coroutine::{Step, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, Error, generator, try_generator};

use super::ZeroDivision;

const TICK: Duration = Duration::from_millis(10);

/// `asyncio.CancelledError`, for the task that awaits an aborted task.
#[derive(Debug, PartialEq)]
struct Cancelled;

/// Awaits a task that is cancelled after half of `delay`.
async fn sleep_n_crash(delay: Duration) -> Result<(), Cancelled> {
    let fut = tokio::spawn(sleep(delay));
    let abort = fut.abort_handle();
    tokio::spawn(async move {
        sleep(delay / 2).await;
        abort.abort();
    });
    fut.await.map_err(|error| {
        assert!(error.is_cancelled());
        Cancelled
    })
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_asend_01_delivered_at_the_yield() {
    let (began, done) = (Instant::now(), Cell::new(0));
    let mut g = pin!(generator(async |mut y| {
        let outcome = async {
            sleep(TICK).await;
            let v: u32 = y.yield_(1).await?;
            sleep(TICK).await;
            y.yield_(v * 2).await?;
            sleep(TICK).await;
            Ok(())
        };
        let outcome = outcome.await;
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(1);
        outcome
    }));
    assert_eq!(g.start().await, Ok(Some(1)));
    assert_eq!(g.asend(100).await, Ok(Some(200)));
    assert_eq!(done.get(), 0);
    assert_eq!(g.asend(0).await, Ok(None));
    assert_eq!(done.get(), 1);
    assert_eq!(began.elapsed(), 5 * TICK);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_asend_02_an_error_through_finally() {
    async fn sleep_n_crash(delay: Duration) -> Result<(), ZeroDivision> {
        sleep(delay).await;
        Err(ZeroDivision)
    }
    let (began, done) = (Instant::now(), Cell::new(0));
    let mut g = pin!(try_generator(async |mut y| {
        let outcome = async {
            sleep(TICK).await;
            let v: u32 = y.yield_(1).await?;
            sleep_n_crash(TICK).await?;
            done.set(1000);
            y.yield_(v * 2).await.map(drop)
        };
        let outcome = outcome.await;
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(done.get() + 1);
        outcome
    }));
    assert_eq!(g.start().await, Ok(Some(1)));
    assert_eq!(g.asend(100).await, Err(Error::Raised(ZeroDivision)));
    assert_eq!(done.get(), 1);
    assert_eq!(began.elapsed(), 4 * TICK);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_asend_03_a_cancellation_through_finally() {
    let (began, done) = (Instant::now(), Cell::new(0));
    let mut g = pin!(try_generator(async |mut y| {
        let outcome = async {
            sleep(TICK).await;
            let v: u32 = y.yield_(1).await?;
            sleep_n_crash(TICK).await?;
            done.set(1000);
            y.yield_(v * 2).await.map(drop)
        };
        let outcome = outcome.await;
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(done.get() + 1);
        outcome
    }));
    assert_eq!(g.start().await, Ok(Some(1)));
    assert_eq!(g.asend(100).await, Err(Error::Raised(Cancelled)));
    assert_eq!(done.get(), 1);
    assert_eq!(began.elapsed(), 3 * TICK + TICK / 2);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_athrow_01_caught_it_yields_again() {
    #[derive(Debug, PartialEq)]
    struct FooEr;
    let done = Cell::new(0);
    let mut g = pin!(try_generator(async |mut y: Yielder<'_, u32, u32, Thrown<FooEr>>| {
        let outcome = async {
            sleep(TICK).await;
            let v = match y.yield_(1).await {
                Err(Thrown::Error(FooEr)) => {
                    sleep(TICK).await;
                    1000
                }
                reply => reply?,
            };
            y.yield_(v * 2).await?;
            sleep(TICK).await;
            Ok(())
        };
        let outcome = outcome.await;
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(1);
        outcome
    }));
    assert_eq!(g.start().await, Ok(Some(1)));
    assert_eq!(g.athrow(FooEr).await, Ok(Some(2000)));
    assert_eq!(done.get(), 0);
    assert_eq!(g.asend(0).await, Ok(None));
    assert_eq!(done.get(), 1);
}

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_athrow_02_cancelled_while_handling() {
    #[derive(Debug, PartialEq)]
    enum Fault {
        FooEr,
        Cancelled,
    }
    let done = Cell::new(0);
    let mut g = pin!(try_generator(async |mut y: Yielder<'_, u32, u32, Thrown<Fault>>| {
        let outcome = async {
            sleep(TICK).await;
            let v = match y.yield_(1).await {
                Err(Thrown::Error(Fault::FooEr)) => {
                    sleep_n_crash(TICK).await.map_err(|Cancelled| Fault::Cancelled)?;
                    1000
                }
                reply => reply?,
            };
            y.yield_(v * 2).await?;
            sleep(TICK).await;
            Ok(())
        };
        let outcome = outcome.await;
        sleep(TICK).await;
        sleep(TICK).await;
        done.set(1);
        outcome
    }));
    assert_eq!(g.start().await, Ok(Some(1)));
    assert_eq!(g.athrow(Fault::FooEr).await, Err(Error::Raised(Fault::Cancelled)));
    assert_eq!(done.get(), 1);
}

#[test]
fn asyncio_athrow_03_suppressed_and_a_return() {
    let done = Cell::new(0);
    let mut g = pin!(try_generator(async |mut y: Yielder<'_, (), (), Thrown<&str>>| {
        _ = y.yield_(()).await;
        done.set(1);
        Ok(())
    }));
    assert_eq!(now!(g.asend(())), Ok(Some(())));
    assert_eq!(now!(g.athrow("ValueError")), Ok(None));
    assert_eq!(done.get(), 1);
}

#[test]
fn asyncio_athrow_tuple_is_plain_data() {
    let mut g = pin!(try_generator(async |mut y| match y.yield_((1,)).await {
        Err(Thrown::Error(ZeroDivision)) => y.yield_((2,)).await,
        outcome => outcome,
    }));
    assert_eq!(now!(g.asend(())), Ok(Some((1,))));
    assert_eq!(now!(g.athrow(ZeroDivision)), Ok(Some((2,))));
    assert_eq!(now!(g.asend(())), Ok(None));
}

#[test]
fn asyncio_athrow_stopiteration_is_plain_data() {
    let mut g = pin!(try_generator(async |mut y| match y.yield_(Step::Yielded(1)).await {
        Err(Thrown::Error(ZeroDivision)) => y.yield_(Step::Complete(2)).await,
        outcome => outcome,
    }));
    assert_eq!(now!(g.asend(())), Ok(Some(Step::Yielded(1))));
    assert_eq!(now!(g.athrow(ZeroDivision)), Ok(Some(Step::Complete(2))));
    assert_eq!(now!(g.asend(())), Ok(None));
}

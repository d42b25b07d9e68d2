//! `AsyncGenTest`: the protocol, without an event loop.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::task::yield_now;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq, task};
use withal::coroutine::{
    self, Coroutine, GeneratorExit, RawCoroutine, State, Step, Thrown, Yielder, coroutine, try_coroutine,
};
use withal::generator::{
    AsyncGenerator, AsyncGeneratorExt, Error, GeneratorBody, ManagedGenerator, generator, try_generator,
};

use super::{MyError, ZeroDivision};

type Y<'g> = Yielder<'g, u32, (), Thrown<ZeroDivision>>;
type Outcome = Result<(), Thrown<ZeroDivision>>;

#[derive(Debug, PartialEq)]
enum Seen {
    Item(u32),
    Raised,
    Stop,
}
use Seen::{Item, Raised, Stop};

/// Runs a plain and an async generator to their ends, and asserts that their results are equal.
fn compare_generators(
    mut plain: Coroutine<
        impl RawCoroutine<Yield = u32, Sent = (), Return = (), Thrown = Thrown<ZeroDivision>>,
    >,
    generator: AsyncGenerator<impl GeneratorBody<u32, (), Thrown<ZeroDivision>>>,
) -> Vec<Seen> {
    let mut of_plain = Vec::new();
    while of_plain.last() != Some(&Stop) {
        of_plain.push(match plain.resume() {
            Ok(Step::Yielded(item)) => Item(item),
            Ok(Step::Complete(())) | Err(coroutine::Error::AlreadyAwaited) => Stop,
            Err(error) => {
                assert_eq!(error, coroutine::Error::Raised(ZeroDivision));
                Raised
            }
        });
    }
    let mut generator = pin!(generator);
    let mut seen = Vec::new();
    while seen.last() != Some(&Stop) {
        seen.push(match block_on(generator.anext()) {
            Ok(Some(item)) => Item(item),
            Ok(None) => Stop,
            Err(error) => {
                assert_eq!(error, Error::Raised(ZeroDivision));
                Raised
            }
        });
    }
    assert_eq!(of_plain, seen);
    seen
}

#[test]
fn iteration_01_in_order_across_awaits() {
    let g = generator(async |mut y| {
        yield_now().await;
        let () = y.yield_(123).await?;
        yield_now().await;
        y.yield_(456).await?;
        yield_now().await;
        y.yield_(789).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [123, 456, 789]);
}

#[test]
fn iteration_02_suspended_at_the_await() {
    let mut ai = pin!(generator(async |mut y| {
        yield_now().await;
        y.yield_(123).await?;
        yield_now().await;
        Ok(())
    }));
    let mut an = task::spawn(ai.anext());
    assert_pending!(an.poll());
    assert!(an.is_woken());
    assert_ready_eq!(an.poll(), Ok(Some(123)));
    drop(an);
    let mut an = task::spawn(ai.anext());
    assert_pending!(an.poll());
    assert!(an.is_woken());
    assert_ready_eq!(an.poll(), Ok(None));
}

#[test]
fn exception_03_an_inner_await_fails() {
    let mut g = pin!(try_generator(async |mut y| {
        yield_now().await;
        y.yield_(123).await?;
        y.interruptible(pending::<()>()).await?;
        y.yield_(456).await
    }));
    let mut items = Vec::new();
    let iteration = async {
        while let Some(item) = g.try_next().await? {
            items.push(item);
        }
        Ok::<(), MyError>(())
    };
    {
        let mut iteration = task::spawn(iteration);
        while iteration.poll().is_pending() && iteration.is_woken() {}
    }
    assert_eq!(items, [123]);
    assert_eq!(now!(g.athrow(MyError("await"))), Err(Error::Raised(MyError("await"))));
    assert_eq!(now!(g.try_next()), Ok(None));

    // Without a throw: the awaited future fails.
    let g = try_generator(async |mut y| {
        y.yield_(123).await?;
        ready(Err(MyError("await"))).await?;
        y.yield_(456).await
    });
    assert_eq!(block_on(g.try_collect::<Vec<_>>()), Err(MyError("await")));
}

#[test]
fn exception_04_returned_by_the_next_anext() {
    let mut ai = pin!(try_generator(async |mut y: Y<'_>| {
        yield_now().await;
        y.yield_(123).await?;
        Err(ZeroDivision.into())
    }));
    assert_eq!(block_on(ai.anext()), Ok(Some(123)));
    assert_eq!(now!(ai.anext()), Err(Error::Raised(ZeroDivision)));
}

/// The end is `None`. If a body converts it into an error, the error does not end the outer generator as its end would.
#[test]
fn exception_05_the_end_of_an_inner_generator() {
    #[derive(Debug, PartialEq)]
    struct StopAsyncIteration;
    let g = try_generator(async |mut y| {
        let mut inner = pin!(generator(async |_: Yielder<'_, u32>| Ok(())));
        y.yield_(123).await?;
        let item = inner.next().await.ok_or(StopAsyncIteration)?;
        y.yield_(item).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [Ok(123), Err(StopAsyncIteration)]);
}

#[test]
fn exception_06_the_end_of_a_coroutine() {
    let g = try_generator(async |mut y| {
        let mut inner = coroutine(async |_: Yielder<'_>| Ok(()));
        y.yield_(123).await?;
        loop {
            let _: Step<(), ()> = inner.resume()?;
        }
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [Ok(123), Err(coroutine::Error::AlreadyAwaited)]);
}

#[test]
fn exception_07_yields_in_finally_while_an_error_is_pending() {
    async fn body(mut y: Y<'_>) -> Outcome {
        let outcome: Outcome = async {
            y.yield_(1).await?;
            Err(ZeroDivision.into())
        }
        .await;
        y.yield_(2).await?;
        y.yield_(3).await?;
        outcome?;
        y.yield_(100).await
    }
    let seen = compare_generators(try_coroutine(body), try_generator(body));
    assert_eq!(seen, [Item(1), Item(2), Item(3), Raised, Stop]);
}

#[test]
fn exception_08_an_error_in_finally() {
    async fn body(mut y: Y<'_>, awaitable: impl AsyncFn()) -> Outcome {
        let outcome: Outcome = async {
            y.yield_(1).await?;
            awaitable().await;
            Ok(())
        }
        .await;
        awaitable().await;
        y.yield_(2).await?;
        Err(ZeroDivision)?;
        y.yield_(3).await?;
        outcome?;
        y.yield_(100).await
    }
    let plain = try_coroutine(async |y| body(y, async || ()).await);
    let seen = compare_generators(plain, try_generator(async |y| body(y, yield_now).await));
    assert_eq!(seen, [Item(1), Item(2), Raised, Stop]);
}

#[test]
fn exception_09_awaits_in_finally_while_an_error_is_pending() {
    async fn body(mut y: Y<'_>, awaitable: impl AsyncFn()) -> Outcome {
        let outcome: Outcome = async {
            awaitable().await;
            y.yield_(1).await?;
            Err(ZeroDivision.into())
        }
        .await;
        y.yield_(2).await?;
        awaitable().await;
        y.yield_(3).await?;
        outcome?;
        y.yield_(100).await
    }
    let plain = try_coroutine(async |y| body(y, async || ()).await);
    let seen = compare_generators(plain, try_generator(async |y| body(y, yield_now).await));
    assert_eq!(seen, [Item(1), Item(2), Item(3), Raised, Stop]);
}

#[test]
fn exception_10_a_value_sent_before_the_start() {
    let mut g = pin!(generator(async |mut y| {
        let _: u32 = y.yield_(123).await?;
        Ok(())
    }));
    let refused = now!(g.asend(100)).unwrap_err();
    assert_eq!(refused, Error::NotStarted(100));
}

#[test]
fn exception_11_an_exit_thrown_in_is_returned() {
    let plain = try_coroutine(async |mut y: Y<'_>| {
        y.yield_(1).await?;
        let mut inner = coroutine(async |mut y| {
            y.yield_(10).await?;
            y.yield_(20).await
        });
        inner.send(()).unwrap();
        if inner.throw(GeneratorExit) == Err(coroutine::Error::GeneratorExit) {
            y.yield_(2).await?;
        }
        y.yield_(3).await
    });
    let generator = try_generator(async |mut y: Y<'_>| {
        y.yield_(1).await?;
        let mut inner = pin!(generator(async |mut y| {
            y.yield_(10).await?;
            y.yield_(20).await
        }));
        inner.asend(()).await.unwrap();
        if inner.athrow(GeneratorExit).await == Err(Error::GeneratorExit) {
            y.yield_(2).await?;
        }
        y.yield_(3).await
    });
    assert_eq!(compare_generators(plain, generator), [Item(1), Item(2), Item(3), Stop]);
}

#[test]
fn exception_12_anext_of_its_own_generator() {
    let me = Arc::new(Mutex::new(None::<ManagedGenerator<u32, (), Thrown<String>>>));
    let weak = Arc::downgrade(&me);
    let g = try_generator(async move |mut y| {
        let again = weak.upgrade().unwrap().lock().unwrap().as_ref().unwrap().anext();
        again.await.map_err(|error| error.to_string())?;
        y.yield_(123).await
    })
    .managed();
    *me.lock().unwrap() = Some(g.clone());
    let mut an = task::spawn(g.anext());
    let refused = assert_ready!(an.poll());
    assert_eq!(refused, Err(Error::Raised("asynchronous generator is already running".to_owned())));
    super::running::assert_completed(&mut an);
}

/// Python's `close` of an awaitable cannot await, so an await in the body counts as an ignored exit. `aclose` awaits what
/// the body awaits, so only a yield ignores the exit.
#[test]
fn asend_close_runtime_error_exit_ignored() {
    let mut agen = pin!(generator(async |mut y| {
        if y.interruptible(pending::<()>()).await == Err(GeneratorExit) {
            yield_now().await;
            y.yield_(()).await?;
        }
        Ok(())
    }));
    assert!(agen.asend(()).now_or_never().is_none());
    assert_eq!(agen.state(), State::Running);
    let mut close = task::spawn(agen.aclose());
    assert_pending!(close.poll());
    let ignored = assert_ready!(close.poll()).unwrap_err();
    assert_eq!(ignored.to_string(), "async generator ignored GeneratorExit");
    assert_eq!(ignored, Error::<(), _>::IgnoredExit);
}

#[test]
fn athrow_close_runtime_error_exit_ignored() {
    let mut agen = pin!(try_generator(async |mut y| {
        if y.yield_(()).await == Err(Thrown::Error(MyError("caught")))
            && y.interruptible(pending::<()>()).await == Err(Thrown::Exit(GeneratorExit))
        {
            yield_now().await;
            y.yield_(()).await?;
        }
        Ok(())
    }));
    assert_eq!(now!(agen.asend(())), Ok(Some(())));
    assert!(agen.athrow(MyError("caught")).now_or_never().is_none());
    assert_eq!(agen.state(), State::Running);
    let mut close = task::spawn(agen.aclose());
    assert_pending!(close.poll());
    assert_ready_eq!(close.poll(), Err(Error::IgnoredExit));
}

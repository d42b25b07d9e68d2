//! The builtins `anext` and `aiter`: with a default, on any stream, and driven by hand.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::executor::block_on;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use tokio::task::yield_now;
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::coroutine::{State, Thrown, Yielder};
use withal::desugar::{AsyncIterable, aiter, anext, anext_or};
use withal::generator::{
    AsyncGenerator, AsyncGeneratorExt, BoxAsyncGenerator, Error, GeneratorBody, generator, try_generator,
};

use super::{MyError, ZeroDivision};

/// `check_async_iterator_anext`, for a stream that yields 1 and 2.
async fn check_async_iterator_anext(ait: impl Fn() -> Pin<Box<dyn Stream<Item = u32>>>) {
    const DEFAULT: u32 = 99;
    let mut g = ait();
    assert_eq!(anext(&mut g).await, Some(1));
    assert_eq!(anext(&mut g).await, Some(2));
    assert_eq!(anext_or(&mut g, DEFAULT).await, DEFAULT);
    assert_eq!(anext(&mut g).await, None);
    assert_eq!(anext(&mut g).await, None, "and again");

    let mut g = ait();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(anext_or(&mut g, DEFAULT).await);
    }
    assert_eq!(seen, [1, 2, DEFAULT, DEFAULT]);

    assert_eq!(now!(anext_or(&mut ait(), DEFAULT)), 1, "ready at the first poll");
}

#[test]
fn async_generator_anext_with_a_default() {
    fn agen() -> AsyncGenerator<impl GeneratorBody<u32, (), Thrown<MyError>>> {
        try_generator(async |mut y| {
            y.yield_(1).await?;
            y.yield_(2).await
        })
    }
    block_on(check_async_iterator_anext(|| Box::pin(agen().map(Result::unwrap))));

    let mut g = pin!(agen());
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(now!(g.anext()).map(|item| item.unwrap_or(99)));
    }
    assert_eq!(seen, [Ok(1), Ok(2), Ok(99), Ok(99)]);

    // The default stands for the end, not for an error that is thrown into an awaitable that was never awaited.
    let mut g = pin!(agen());
    drop(g.anext().map(|item| item.map(|item| item.unwrap_or(99))));
    let thrown = now!(g.athrow(MyError("syntax"))).map(|item| item.unwrap_or(99));
    assert_eq!(thrown, Err(Error::Raised(MyError("syntax"))));
}

/// A hand-written stream cannot be thrown into. The rest is checked for the stream, and for a generator over it.
#[test]
fn python_async_iterator_anext_with_a_default() {
    struct MyAsyncIter {
        yielded: u32,
    }
    impl Stream for MyAsyncIter {
        type Item = u32;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
            if self.yielded >= 2 {
                return Poll::Ready(None);
            }
            self.yielded += 1;
            Poll::Ready(Some(self.yielded))
        }
    }
    block_on(check_async_iterator_anext(|| Box::pin(MyAsyncIter { yielded: 0 })));
    block_on(check_async_iterator_anext(|| {
        Box::pin(generator(async |mut y| y.yield_all(MyAsyncIter { yielded: 0 }).await))
    }));
}

#[test]
fn aiter_is_a_generator_itself() {
    let mut g = pin!(generator(async |mut y| {
        y.yield_(1).await?;
        y.yield_(2).await
    }));
    assert_eq!(block_on(aiter(g.as_mut()).collect::<Vec<_>>()), [1, 2]);
    assert_eq!(g.state(), State::Closed, "it is the same generator");
}

#[test]
fn aiter_class_gives_a_generator() {
    struct Gen;
    impl AsyncIterable for &Gen {
        type Item = u32;
        type AsyncIter = BoxAsyncGenerator<'static, u32>;
        fn aiter(self) -> Self::AsyncIter {
            generator(async |mut y| {
                y.yield_(1).await?;
                y.yield_(2).await
            })
            .boxed()
        }
    }
    let g = Gen;
    let mut results = Vec::new();
    let mut ait = aiter(&g);
    while let Some(item) = block_on(anext(&mut ait)) {
        results.push(item);
    }
    assert_eq!(results, [1, 2]);
}

#[test]
fn anext_await_raises_with_and_without_a_default() {
    struct Raises;
    impl Stream for Raises {
        type Item = Result<u32, ZeroDivision>;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(Some(Err(ZeroDivision)))
        }
    }
    let raises = || Box::pin(try_generator(async |mut y| y.yield_all(Raises).await));
    assert_eq!(now!(raises().anext()), Err(Error::Raised(ZeroDivision)));
    assert_eq!(now!(raises().anext()).map(|item| item.unwrap_or(99)), Err(Error::Raised(ZeroDivision)));
    assert_eq!(now!(raises().try_next()), Err(ZeroDivision));
    assert_eq!(now!(raises().try_next()).map(|item| item.unwrap_or(99)), Err(ZeroDivision));
}

/// `anext(agen, default)`, driven by hand.
mod anext_iter {
    use super::*;

    type Y<'g> = Yielder<'g, &'static str, (), Thrown<MyError>>;

    const MINE: MyError = MyError("mine");

    /// Awaits for ever. After a throw, awaits a future that is ready at the second poll.
    async fn agenfn(mut y: Y<'_>) -> Result<(), Thrown<MyError>> {
        match y.interruptible(pending::<()>()).await {
            Err(Thrown::Error(_)) => y.interruptible(yield_now()).await,
            other => other,
        }
    }

    async fn or_default<E>(
        anext: impl Future<Output = Result<Option<&'static str>, E>>,
    ) -> Result<&'static str, E> {
        anext.await.map(|item| item.unwrap_or("default"))
    }

    #[test]
    fn caught_and_at_the_end_the_default() {
        let mut agen = pin!(try_generator(agenfn));
        assert!(or_default(agen.anext()).now_or_never().is_none());
        let mut thrown = task::spawn(or_default(agen.athrow(MINE)));
        assert_pending!(thrown.poll());
        assert_ready_eq!(thrown.poll(), Ok("default"));
    }

    #[test]
    fn a_second_throw_propagates() {
        let mut agen = pin!(try_generator(agenfn));
        assert!(or_default(agen.anext()).now_or_never().is_none());
        assert!(or_default(agen.athrow(MINE)).now_or_never().is_none());
        let thrown = now!(or_default(agen.athrow(MyError("second"))));
        assert_eq!(thrown, Err(Error::Raised(MyError("second"))));
    }

    #[test]
    fn closing_it_ends_it() {
        let mut agen = pin!(try_generator(agenfn));
        assert!(or_default(agen.anext()).now_or_never().is_none());
        assert_eq!(now!(agen.aclose()), Ok(()));
        assert_eq!(now!(or_default(agen.anext())), Ok("default"));
    }

    #[test]
    fn a_second_throw_in_the_middle_of_a_longer_await_propagates() {
        async fn twice() {
            yield_now().await;
            yield_now().await;
        }
        let mut agen = pin!(try_generator(async |mut y: Y<'_>| {
            if y.interruptible(twice()).await == Err(MINE.into()) {
                y.interruptible(twice()).await?;
            }
            Ok(())
        }));
        assert!(or_default(agen.anext()).now_or_never().is_none());
        assert!(or_default(agen.athrow(MINE)).now_or_never().is_none());
        let thrown = now!(or_default(agen.athrow(MyError("val"))));
        assert_eq!(thrown, Err(Error::Raised(MyError("val"))));
    }

    #[test]
    fn catching_and_returning_gives_the_default() {
        let mut agen = pin!(try_generator(async |mut y: Y<'_>| {
            if y.interruptible(pending::<()>()).await == Err(MINE.into()) {
                return Ok(());
            }
            y.yield_("aaa").await
        }));
        assert!(or_default(agen.anext()).now_or_never().is_none());
        assert_eq!(now!(or_default(agen.athrow(MINE))), Ok("default"));
    }

    #[test]
    fn a_throw_before_the_start_propagates() {
        let mut agen = pin!(try_generator(async |mut y: Y<'_>| y.yield_("aaa").await));
        drop(or_default(agen.anext()));
        assert_eq!(now!(or_default(agen.athrow(MINE))), Err(Error::Raised(MINE)));
    }
}

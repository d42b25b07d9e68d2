//! Streams, async generators, and `AsyncGetDocs`.

use std::convert::Infallible;
use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use withal::async_for;
use withal::coroutine::Thrown;
use withal::desugar::{aiter, anext, anext_or};
use withal::generator::{AsyncGeneratorExt, Hooks, generator, shutdown_asyncgens, try_generator};
use withal::pages::AsyncGetDocs;

use crate::E;

struct Docs(u32);

impl Stream for Docs {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        self.0 += 1;
        Poll::Ready((self.0 < 4).then_some(self.0))
    }
}

#[tokio::test]
async fn streams() {
    let mut xs = Docs(0);
    let mut sum = 0;
    while let Some(x) = xs.next().await {
        sum += x;
    }
    let xs = Docs(0);
    async_for!(x in xs => { sum += x; } else { sum += 100; });
    assert_eq!(sum, 112);

    let xs = Docs(0);
    let mut xs = aiter(xs);
    assert_eq!(anext(&mut xs).await, Some(1));
    assert_eq!(xs.next().await, Some(2));
    let default = 7;
    assert_eq!(anext_or(&mut xs, default).await, 3);
    assert_eq!(anext_or(&mut xs, default).await, 7);

    let (p, f) = (|x: &u32| future::ready(x % 2 == 1), |x| x * 10);
    let xs = Docs(0);
    let ys: Vec<_> = xs.filter(p).map(f).collect().await;
    assert_eq!(ys, [10, 30]);
}

#[tokio::test]
async fn generators() -> Result<(), Box<dyn Error>> {
    let x = 1;
    let mut g = pin!(generator(async |mut y| {
        y.yield_(x).await?;
        y.yield_(2).await
    }));
    assert_eq!(g.anext().await?, Some(1));
    g.aclose().await?;

    let mut g = pin!(try_generator(async |mut y| {
        let mut answer = "";
        loop {
            match y.yield_(answer).await {
                Ok(next) => answer = next,
                Err(Thrown::Error(E)) => answer = "caught",
                Err(exit) => return Err(exit),
            }
        }
    }));
    let (value, error) = ("value", E);
    assert_eq!(g.start().await?, Some(""));
    assert_eq!(g.asend(value).await?, Some("value"));
    assert_eq!(g.athrow(error).await?, Some("caught"));
    Ok(())
}

#[tokio::test]
async fn delegation() {
    let xs = stream::iter([1, 2]);
    let inner = Box::pin(generator(async |mut y| y.yield_(3).await));
    let outer = generator(async |mut y| {
        y.yield_all(xs).await?;
        y.yield_from(inner).await?;
        Ok(())
    });
    assert_eq!(outer.collect::<Vec<_>>().await, [1, 2, 3]);
}

#[tokio::test]
async fn finalized() -> Result<(), Box<dyn Error>> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let count = || generator(async |mut y| y.yield_(1).await);

    let g = count();
    let g = g.managed();
    assert_eq!(g.anext().await, Ok(Some(1)));
    let s = Duration::from_secs(5);
    shutdown_asyncgens(s).await?;
    assert_eq!(g.anext().await, Ok(None));

    let first = |_: &_| {
        CALLS.fetch_add(1, Ordering::Relaxed);
    };
    let last = |closing| {
        CALLS.fetch_add(10, Ordering::Relaxed);
        drop::<withal::generator::PendingClose>(closing);
    };
    let g = count();
    let hooks = Hooks::default().finalizer(last);
    let hooks = hooks.firstiter(first);
    let g = g.managed_with(hooks);
    assert_eq!(g.anext().await, Ok(Some(1)));
    drop(g);
    assert_eq!(CALLS.load(Ordering::Relaxed), 11);
    Ok(())
}

#[tokio::test]
async fn get_docs() -> Result<(), Box<dyn Error>> {
    let fetch_page =
        async |number: u64| Ok::<_, Infallible>(if number < 2 { vec![number, number] } else { vec![] });
    let mut docs = AsyncGetDocs::new(fetch_page);
    let mut seen = Vec::new();
    while let Some(doc) = docs.try_next().await? {
        seen.push(doc);
    }
    assert_eq!(seen, [0, 0, 1, 1]);
    let again: Vec<_> = AsyncGetDocs::new(fetch_page).try_collect().await?;
    assert_eq!(again, seen);
    Ok(())
}

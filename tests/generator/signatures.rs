//! Generators in all positions: spawned, boxed, in a struct, generic, borrowing, recursive, not `Send`.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;

use futures::executor::block_on;
use futures::{Stream, StreamExt};
use withal::coroutine::{GeneratorExit, Thrown, Yielder};
use withal::generator::{
    AsyncGenerator, AsyncGeneratorExt, BoxAsyncGenerator, GeneratorBody, LocalBoxAsyncGenerator,
    ManagedGenerator, generator, try_generator,
};

fn is_send<T: Send>(value: T) -> T {
    value
}

/// The body holds the yielder across awaits, one of which is interruptible.
fn ticks() -> AsyncGenerator<impl GeneratorBody<u64> + Send> {
    generator(async |mut y| {
        for n in 0..3 {
            tokio::task::yield_now().await;
            y.interruptible(tokio::task::yield_now()).await?;
            y.yield_(n).await?;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(miri, ignore = "a runtime with threads does I/O")]
async fn a_generator_can_be_spawned() {
    let ticks = is_send(ticks());
    assert_eq!(tokio::spawn(ticks.collect::<Vec<_>>()).await.unwrap(), [0, 1, 2]);
    let mut ticks = Box::pin(self::ticks());
    let operated = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Ok(Some(n)) = ticks.anext().await {
            seen.push(n);
            tokio::task::yield_now().await;
        }
        ticks.aclose().await.unwrap();
        seen
    });
    assert_eq!(operated.await.unwrap(), [0, 1, 2]);
}

/// All operations, in a task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(miri, ignore = "a runtime with threads does I/O")]
async fn values_and_errors_are_sent_in_on_a_task() {
    let g = is_send(try_generator(async |mut y| {
        let mut text: String = y.yield_(0).await?;
        loop {
            tokio::task::yield_now().await;
            text = y.yield_(text.len()).await?;
        }
    }));
    let task = tokio::spawn(async move {
        let mut g = pin!(g);
        assert_eq!(g.start().await, Ok(Some(0)));
        assert_eq!(g.asend("abc".to_owned()).await, Ok(Some(3)));
        assert!(g.athrow("enough".to_owned()).await.is_err());
        g.aclose().await.unwrap();
    });
    task.await.unwrap();
}

struct Holder<'a> {
    boxed: BoxAsyncGenerator<'a, u8>,
    local: LocalBoxAsyncGenerator<'a, u8>,
    managed: ManagedGenerator<u8>,
    fallible: BoxAsyncGenerator<'a, u8, String, Thrown<std::io::Error>>,
}

#[test]
fn boxed_generators_can_be_stored() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let mut held = Holder {
        boxed: generator(async |mut y| y.yield_(1).await).boxed(),
        local: generator(async |mut y| y.yield_(2).await).boxed_local(),
        managed: generator(async |mut y| y.yield_(3).await).managed(),
        fallible: try_generator(async |mut y| {
            drop::<String>(y.yield_(4).await?);
            Ok(())
        })
        .boxed(),
    };
    assert_eq!(block_on(held.boxed.next()), Some(1));
    assert_eq!(block_on(held.local.anext()), Ok(Some(2)));
    assert_eq!(block_on(held.managed.anext()), Ok(Some(3)));
    assert_eq!(block_on(held.fallible.start()).unwrap(), Some(4));
    drop(is_send((held.boxed, held.managed, held.fallible)));
}

fn twice<St>(stream: St) -> impl Stream<Item = St::Item>
where
    St: Stream<Item: Clone>,
{
    generator(async move |mut y| {
        let mut stream = pin!(stream);
        while let Some(item) = stream.next().await {
            y.yield_(item.clone()).await?;
            y.yield_(item).await?;
        }
        Ok(())
    })
}

#[test]
fn a_function_can_be_generic_over_a_stream() {
    let g = is_send(twice(futures::stream::iter(["a", "b"])));
    assert_eq!(block_on(g.collect::<String>()), "aabb");
}

/// Takes any generator that yields `u32` and is sent `bool`.
async fn first_two<G>(g: &mut G) -> Vec<u32>
where
    G: AsyncGeneratorExt<Body: GeneratorBody<u32, bool>>,
{
    let first = g.start().await.ok().flatten();
    let second = g.asend(true).await.ok().flatten();
    first.into_iter().chain(second).collect()
}

#[test]
fn a_function_can_be_generic_over_generators() {
    let body = async |mut y: Yielder<'_, u32, bool>| {
        let is_double = y.yield_(1).await?;
        y.yield_(if is_double { 2 } else { 1 }).await?;
        Ok(())
    };
    assert_eq!(block_on(first_two(&mut pin!(generator(body)))), [1, 2]);
    assert_eq!(block_on(first_two(&mut generator(body).boxed())), [1, 2]);
}

#[test]
fn a_body_can_borrow_locals_and_yield_borrows() {
    let words = vec![String::from("a"), String::from("b")];
    let mut count = 0;
    let g = is_send(generator(async |mut y| {
        for word in &words {
            y.yield_(word.as_str()).await?;
            count += 1;
        }
        Ok(())
    }));
    assert_eq!(block_on(g.collect::<String>()), "ab");
    assert_eq!(count, 2);
}

fn walk<'a>(
    y: &'a mut Yielder<'_, u64>,
    from: u64,
) -> Pin<Box<dyn Future<Output = Result<(), GeneratorExit>> + Send + 'a>> {
    Box::pin(async move {
        if from > 0 {
            walk(y, from - 1).await?;
            y.yield_(from).await?;
        }
        Ok(())
    })
}

#[test]
fn a_helper_can_recurse() {
    let g = is_send(generator(async |mut y| walk(&mut y, 3).await));
    assert_eq!(block_on(g.collect::<Vec<_>>()), [1, 2, 3]);
}

#[tokio::test]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn a_body_need_not_be_send() {
    let shared = Rc::new(Cell::new(0));
    let ours = Rc::clone(&shared);
    let mut g = Box::pin(generator(async move |mut y: Yielder<'_, Rc<Cell<u32>>>| {
        ours.set(ours.get() + 1);
        tokio::task::yield_now().await;
        y.yield_(ours).await
    }));
    let local = tokio::task::LocalSet::new();
    let first = local.run_until(async { tokio::task::spawn_local(async move { g.next().await }).await });
    assert_eq!(first.await.unwrap().unwrap().get(), 1);
    assert_eq!(shared.get(), 1);
}

#[test]
fn yielded_and_sent_types_need_no_traits() {
    struct Plain(std::marker::PhantomPinned, Cell<u8>);
    let mut g = pin!(generator(async |mut y: Yielder<'_, Plain, Option<Plain>>| {
        let back = y.yield_(Plain(std::marker::PhantomPinned, 1.into())).await?;
        y.yield_(back.expect("the value is sent back")).await?;
        Ok(())
    }));
    let plain = block_on(g.start()).ok().flatten().expect("the body yields");
    plain.1.set(2);
    let back = block_on(g.asend(Some(plain))).ok().flatten().expect("the body yields");
    assert_eq!(back.1.get(), 2);
}

/// No annotation is needed where a generator is used as a stream, or is sent values.
#[test]
fn the_types_of_sent_values_and_errors_are_inferred() {
    let g = generator(async |mut y| y.yield_(1).await);
    assert_eq!(block_on(g.collect::<Vec<_>>()), [1]);
    let mut g = pin!(generator(async |mut y| y.yield_(1).await));
    assert_eq!(block_on(g.anext()), Ok(Some(1)));
    let mut g = pin!(generator(async |mut y| {
        let n = y.yield_(1).await?;
        y.yield_(n + 1).await?;
        Ok(())
    }));
    assert_eq!(block_on(g.start()), Ok(Some(1)));
    assert_eq!(block_on(g.asend(4)), Ok(Some(5)));
    let mut g = pin!(try_generator(async |mut y| {
        y.yield_("1".parse::<u8>()?).await?;
        Ok(())
    }));
    assert_eq!(block_on(g.anext()), Ok(Some(1)));
}

#[test]
fn debug_does_not_require_debug_of_the_body() {
    struct Plain;
    let mut g = pin!(generator(async |mut y| y.yield_(Plain).await));
    assert_eq!(format!("{g:?}"), "AsyncGenerator { state: Created, .. }");
    assert_eq!(format!("{:?}", g.anext()), "Anext { .. }");
    let managed = generator(async |mut y| y.yield_(Plain).await).managed();
    assert_eq!(format!("{managed:?}"), "ManagedGenerator { state: Some(Created), .. }");
}

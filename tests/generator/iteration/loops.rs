//! Loops.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use withal::async_for;
use withal::coroutine::{Error, Yielder, coroutine, try_coroutine};
use withal::generator::{self, AsyncGeneratorExt, generator, try_generator};

use super::{asynciter, run_async};

#[derive(Debug, PartialEq)]
struct Done;

#[derive(Debug, PartialEq)]
struct ZeroDivision;

/// Yields 1 to 100. At every tenth item, it awaits a future that yields out of the coroutine of the loop.
fn async_iter(outer: &mut Yielder<'_, u32>) -> impl Stream<Item = (u32, u32)> {
    generator(async move |mut y| {
        for i in 1..=100 {
            if i % 10 == 0 {
                outer.yield_(i * 10).await?;
            }
            y.yield_((i, i)).await?;
        }
        Ok(())
    })
}

#[test]
fn for_1_yields_through_the_loop() {
    const WHAT: u32 = 1000;
    const END: u32 = 1001;
    let tens = |to| (1..=to).map(|i| i * 100).collect::<Vec<u32>>();
    let buffer = RefCell::new(Vec::new());
    let test1 = coroutine(async |mut y| {
        async_for!((i1, i2) in async_iter(&mut y) => {
            buffer.borrow_mut().push(i1 + i2);
        });
        Ok(())
    });
    assert_eq!(run_async(test1).0, tens(10));
    assert_eq!(buffer.take(), (1..=100).map(|i| i * 2).collect::<Vec<_>>());

    let test2 = coroutine(async |mut y| {
        async_for!((i, _) in async_iter(&mut y) => {
            buffer.borrow_mut().push(i);
            if i == 20 {
                break;
            }
        } else {
            buffer.borrow_mut().push(WHAT);
        });
        buffer.borrow_mut().push(END);
        Ok(())
    });
    assert_eq!(run_async(test2).0, tens(2));
    assert_eq!(buffer.take(), (1..=20).chain([END]).collect::<Vec<_>>());

    let test3 = coroutine(async |mut y| {
        async_for!((i, _) in async_iter(&mut y) => {
            if i > 20 {
                continue;
            }
            buffer.borrow_mut().push(i);
        } else {
            buffer.borrow_mut().push(WHAT);
        });
        buffer.borrow_mut().push(END);
        Ok(())
    });
    assert_eq!(run_async(test3).0, tens(10));
    assert_eq!(buffer.take(), (1..=20).chain([WHAT, END]).collect::<Vec<_>>());
}

#[test]
fn for_7_the_expression_of_the_stream_fails() {
    fn aiter() -> Result<stream::Empty<()>, ZeroDivision> {
        Err(ZeroDivision)
    }
    let cnt = Cell::new(0);
    let mut foo = try_coroutine(async |_: Yielder<'_, (), (), _>| {
        async_for!(() in aiter()? => {
            cnt.set(cnt.get() + 1);
        });
        cnt.set(cnt.get() + 10);
        Ok(())
    });
    assert_eq!(foo.send(()), Err(Error::Raised(ZeroDivision)));
    assert_eq!(cnt.get(), 0);
}

#[test]
fn for_tuple_an_iterator_that_is_a_stream() {
    struct AIter(Option<u32>);
    impl Stream for AIter {
        type Item = u32;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
            Poll::Ready(self.0.take())
        }
    }
    impl Iterator for AIter {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            unreachable!("an async loop awaits")
        }
    }
    let result = RefCell::new(Vec::new());
    let mut foo = try_coroutine(async |_: Yielder<'_, (), (), _>| {
        async_for!(i in AIter(Some(42)) => {
            result.borrow_mut().push(i);
        });
        Err::<(), _>(Done.into())
    });
    assert_eq!(foo.send(()), Err(Error::Raised(Done)));
    assert_eq!(result.take(), [42]);
}

#[test]
fn for_stop_iteration_a_stream_that_is_the_error() {
    #[derive(Debug, PartialEq)]
    struct AIter(Option<u32>);
    impl Stream for AIter {
        type Item = Result<u32, AIter>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.take().map(Ok))
        }
    }
    let result = RefCell::new(Vec::new());
    let mut foo = try_coroutine(async |_: Yielder<'_, (), (), _>| {
        async_for!(i in try_generator(async |mut y| y.yield_all(AIter(Some(42))).await) => {
            result.borrow_mut().push(i);
        });
        Err::<(), _>(Done.into())
    });
    assert_eq!(foo.send(()), Err(Error::Raised(Done)));
    assert_eq!(result.take(), [Ok(42)]);
}

/// The assignment of an item can fail with an error that looks like the end.
#[derive(Debug, PartialEq)]
struct StopAsyncIteration(u32);

fn set_item(_item: u32) -> Result<(), StopAsyncIteration> {
    Err(StopAsyncIteration(42))
}

#[test]
fn for_assign_raising_stop_async_iteration_does_not_end_the_loop() {
    let run_for = coroutine(async |_: Yielder<'_>| {
        let outcome = async {
            async_for!(item in asynciter([10]) => {
                set_item(item)?;
            });
            Ok(())
        };
        assert_eq!(outcome.await, Err(StopAsyncIteration(42)));
        Ok("end")
    });
    assert_eq!(run_async(run_for), (vec![], "end"));

    let run_list = coroutine(async |_: Yielder<'_>| {
        let list = asynciter([10]).map(|item| set_item(item).map(|()| 0));
        assert_eq!(list.try_collect::<Vec<_>>().await, Err(StopAsyncIteration(42)));
        Ok("end")
    });
    assert_eq!(run_async(run_list), (vec![], "end"));

    let mut run_gen = pin!(try_generator(async |mut y| {
        async_for!(item in asynciter([10]) => {
            set_item(item)?;
            y.yield_(0).await?;
        });
        Ok(())
    }));
    let raised = run_gen.asend(()).now_or_never().expect("the future is ready");
    assert_eq!(raised, Err(generator::Error::Raised(StopAsyncIteration(42))));
}

/// The destructuring of an item can fail with that error too.
#[test]
fn for_assign_raising_stop_async_iteration_2_does_not_end_the_loop() {
    fn pair(item: Result<(u32, u32), StopAsyncIteration>) -> Result<(u32, u32), StopAsyncIteration> {
        item
    }
    let badpairs = || asynciter([Err(StopAsyncIteration(42))]);
    let run_for = coroutine(async |_: Yielder<'_>| {
        let outcome = async {
            async_for!(item in badpairs() => {
                let (_i, _j) = pair(item)?;
            });
            Ok(())
        };
        assert_eq!(outcome.await, Err(StopAsyncIteration(42)));
        Ok("end")
    });
    assert_eq!(run_async(run_for), (vec![], "end"));

    let run_list = coroutine(async |_: Yielder<'_>| {
        let list = badpairs().map(|item| pair(item).map(|(_i, _j)| 0));
        assert_eq!(list.try_collect::<Vec<_>>().await, Err(StopAsyncIteration(42)));
        Ok("end")
    });
    assert_eq!(run_async(run_list), (vec![], "end"));

    let mut run_gen = pin!(try_generator(async |mut y| {
        async_for!(item in badpairs() => {
            let (_i, _j) = pair(item)?;
            y.yield_(0).await?;
        });
        Ok(())
    }));
    let raised = run_gen.asend(()).now_or_never().expect("the future is ready");
    assert_eq!(raised, Err(generator::Error::Raised(StopAsyncIteration(42))));
}

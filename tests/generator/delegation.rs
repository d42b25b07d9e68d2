//! `yield_from` and `yield_all`: values and errors pass in both directions, and either generator may end first.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::pin;

use futures::executor::block_on;
use futures::{FutureExt, StreamExt, stream};
use tokio_test::task;
use withal::coroutine::{GeneratorExit, State, Thrown, Yielder};
use withal::generator::{AsyncGenerator, AsyncGeneratorExt, Error, GeneratorBody, generator, try_generator};

type Log = RefCell<Vec<String>>;
type Y<'g> = Yielder<'g, &'static str, &'static str, Thrown<&'static str>>;

/// Yields two values and logs the results of the yields.
fn inner(log: &Log) -> AsyncGenerator<impl GeneratorBody<&'static str, &'static str, Thrown<&'static str>>> {
    try_generator(async move |mut y: Y<'_>| {
        for value in ["first", "second"] {
            let reply = y.yield_(value).await;
            log.borrow_mut().push(format!("{value}: {reply:?}"));
            match reply {
                Err(Thrown::Error("soft")) => {}
                Err(Thrown::Error("suppressed")) => return Ok(()),
                reply => _ = reply?,
            }
        }
        Ok(())
    })
}

#[test]
fn items_sent_values_and_thrown_errors_pass_through() {
    let log = Log::default();
    let mut outer = pin!(try_generator(async |mut y: Y<'_>| {
        y.yield_from(pin!(inner(&log))).await?;
        y.yield_("after").await?;
        Ok(())
    }));
    assert_eq!(block_on(outer.start()), Ok(Some("first")));
    assert_eq!(block_on(outer.asend("hello")), Ok(Some("second")));
    assert_eq!(block_on(outer.athrow("soft")), Ok(Some("after")));
    assert_eq!(block_on(outer.asend("bye")), Ok(None));
    assert_eq!(*log.borrow(), ["first: Ok(\"hello\")", "second: Err(Error(\"soft\"))"]);
}

#[test]
fn an_error_of_the_inner_generator_is_raised_in_the_outer_one() {
    let log = Log::default();
    let mut outer = pin!(try_generator(async |mut y: Y<'_>| {
        let failed = y.yield_from(pin!(inner(&log))).await;
        assert_eq!(failed, Err(Thrown::Error("hard")));
        y.yield_("caught").await?;
        Ok(())
    }));
    assert_eq!(block_on(outer.start()), Ok(Some("first")));
    assert_eq!(block_on(outer.athrow("hard")), Ok(Some("caught")));
}

#[test]
fn closing_the_outer_generator_closes_the_inner_one_first() {
    let log = Log::default();
    let mut outer = pin!(try_generator(async |mut y: Y<'_>| {
        let closed = y.yield_from(pin!(inner(&log))).await;
        log.borrow_mut().push(format!("outer: {closed:?}"));
        closed
    }));
    assert_eq!(block_on(outer.start()), Ok(Some("first")));
    assert_eq!(block_on(outer.aclose()), Ok(()));
    assert_eq!(*log.borrow(), ["first: Err(Exit(GeneratorExit))", "outer: Err(Exit(GeneratorExit))"]);
}

/// Python closes the inner generator, and raises the exit again.
#[test]
fn an_exit_that_the_inner_generator_suppresses_is_still_raised_in_the_outer_one() {
    let mut outer = pin!(generator(async |mut y: Yielder<'_, u8>| {
        let suppresses = generator(async |mut y: Yielder<'_, u8>| {
            assert_eq!(y.yield_(1).await, Err(GeneratorExit));
            Ok(())
        });
        assert_eq!(y.yield_from(pin!(suppresses)).await, Err(GeneratorExit));
        Ok(())
    }));
    assert_eq!(block_on(outer.anext()), Ok(Some(1)));
    assert_eq!(block_on(outer.aclose()), Ok(()));
}

#[test]
fn an_exit_that_the_inner_generator_ignores_is_ignored_by_the_outer_one() {
    let mut outer = pin!(generator(async |mut y: Yielder<'_, u8>| {
        let ignores = generator(async |mut y: Yielder<'_, u8>| {
            assert_eq!(y.yield_(1).await, Err(GeneratorExit));
            y.yield_(2).await
        });
        y.yield_from(pin!(ignores)).await
    }));
    assert_eq!(block_on(outer.anext()), Ok(Some(1)));
    assert_eq!(block_on(outer.aclose()), Err(Error::IgnoredExit));
    assert_eq!(block_on(outer.anext()), Err(Error::GeneratorExit), "the exit is still raised at the end");
}

#[test]
fn an_error_that_the_inner_generator_suppresses_is_not_raised_in_the_outer_one() {
    let log = Log::default();
    let mut outer = pin!(try_generator(async |mut y: Y<'_>| {
        y.yield_from(pin!(inner(&log))).await?;
        y.yield_("after").await?;
        Ok(())
    }));
    assert_eq!(block_on(outer.start()), Ok(Some("first")));
    assert_eq!(block_on(outer.athrow("suppressed")), Ok(Some("after")));
}

#[test]
fn an_inner_generator_that_returns_the_exit_ends_the_outer_one() {
    let mut outer = pin!(generator(async |mut y: Yielder<'_, u8>| {
        y.yield_from(pin!(generator(async |_: Yielder<'_, u8>| Err(GeneratorExit)))).await
    }));
    assert_eq!(block_on(outer.anext()), Err(Error::GeneratorExit));
}

#[test]
fn an_inner_generator_that_awaits_is_awaited() {
    let g = generator(async |mut y: Yielder<'_, u8>| {
        let slow = generator(async |mut y: Yielder<'_, u8>| {
            for n in 0..3 {
                tokio::task::yield_now().await;
                y.yield_(n).await?;
            }
            Ok(())
        });
        y.yield_from(pin!(slow)).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2]);
}

#[test]
fn a_borrowed_generator_continues_its_step_in_progress() {
    let mut borrowed = Box::pin(generator(async |mut y: Yielder<'_, u8>| {
        tokio::task::yield_now().await;
        y.yield_(1).await?;
        y.yield_(2).await
    }));
    assert!(borrowed.anext().now_or_never().is_none());
    let mut outer = Box::pin(generator(async |mut y: Yielder<'_, u8>| y.yield_from(borrowed.as_mut()).await));
    assert_eq!(block_on(outer.anext()), Ok(Some(1)));
    drop(outer);
    assert_eq!(borrowed.state(), State::Suspended);
    assert_eq!(block_on(borrowed.anext()), Ok(Some(2)));
}

#[test]
fn delegating_to_a_closed_generator_yields_nothing() {
    let g = generator(async |mut y: Yielder<'_, u8>| {
        let mut ended = pin!(generator(async |_: Yielder<'_, u8>| Ok(())));
        assert_eq!(ended.anext().await, Ok(None));
        y.yield_from(ended).await?;
        y.yield_(1).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [1]);
}

/// As Python sends `None`.
#[test]
fn a_generator_suspended_at_a_yield_receives_the_default_value() {
    let g = generator(async |mut y: Yielder<'_, u32>| {
        let mut inner =
            pin!(generator(async |mut y: Yielder<'_, u32>| y.yield_all(stream::iter(0..4)).await));
        assert_eq!(inner.anext().await, Ok(Some(0)));
        y.yield_from(inner.as_mut()).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [1, 2, 3]);
}

#[test]
fn a_delegation_that_loses_a_race_can_be_repeated() {
    let g = generator(async |mut y: Yielder<'_, u32>| {
        let mut inner =
            pin!(generator(async |mut y: Yielder<'_, u32>| y.yield_all(stream::iter(0..4)).await));
        loop {
            let mut other = pin!(tokio::task::yield_now());
            match futures::future::select(&mut other, pin!(y.yield_from(inner.as_mut()))).await {
                futures::future::Either::Left(_) => {}
                futures::future::Either::Right((ended, _)) => return ended,
            }
        }
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [0, 1, 2, 3]);
}

#[test]
fn an_interruptible_await_of_the_inner_generator_is_interrupted() {
    let body = || {
        try_generator(async |mut y: Y<'_>| {
            let waits = try_generator(async |mut y: Y<'_>| {
                assert_eq!(y.interruptible(pending::<()>()).await, Err(Thrown::Error("soft")));
                y.yield_("caught").await?;
                y.interruptible(pending::<()>()).await
            });
            y.yield_from(pin!(waits)).await
        })
    };
    let mut thrown_into = pin!(body());
    assert!(thrown_into.start().now_or_never().is_none());
    assert_eq!(block_on(thrown_into.athrow("soft")), Ok(Some("caught")));
    assert!(thrown_into.asend("continue").now_or_never().is_none());
    assert_eq!(block_on(thrown_into.aclose()), Ok(()));
}

#[test]
fn boxed_generators_can_recurse() {
    fn countdown(from: u8) -> withal::generator::BoxAsyncGenerator<'static, u8> {
        generator(async move |mut y| {
            if from > 0 {
                y.yield_(from).await?;
                y.yield_from(countdown(from - 1)).await?;
            }
            Ok(())
        })
        .boxed()
    }
    assert_eq!(block_on(countdown(3).collect::<Vec<_>>()), [3, 2, 1]);
}

#[test]
fn yield_all_yields_every_item_of_a_stream() {
    let g = generator(async |mut y| {
        y.yield_all(stream::iter([1, 2])).await?;
        y.yield_(3).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [1, 2, 3]);
}

#[test]
fn yield_all_raises_an_error_item() {
    let mut g = pin!(try_generator(async |mut y: Yielder<'_, i32, (), Thrown<&str>>| {
        let raised = y.yield_all(stream::iter([Ok(1), Err("broken"), Ok(2)])).await;
        assert_eq!(raised, Err(Thrown::Error("broken")));
        y.yield_(3).await?;
        raised
    }));
    let items: Vec<_> = block_on(g.as_mut().collect());
    assert_eq!(items, [Ok(1), Ok(3), Err("broken")]);
}

#[test]
fn a_thrown_error_drops_the_stream_and_is_raised() {
    struct Held<'a>(&'a Cell<bool>);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Cell::new(false);
    let mut g = pin!(try_generator(async |mut y: Yielder<'_, i32, (), Thrown<&str>>| {
        let held = Held(&dropped);
        let endless = stream::repeat_with(move || {
            let _held = &held;
            Ok(1)
        });
        assert_eq!(y.yield_all(endless).await, Err(Thrown::Error("enough")));
        assert!(dropped.get());
        Ok(())
    }));
    assert_eq!(block_on(g.anext()), Ok(Some(1)));
    assert!(!dropped.get());
    assert_eq!(block_on(g.athrow("enough")), Ok(None));
}

#[test]
fn yield_all_awaits_a_pending_stream() {
    let (tx, rx) = futures::channel::mpsc::unbounded();
    let mut g = task::spawn(generator(async |mut y: Yielder<'_, u8>| y.yield_all(rx).await));
    assert!(g.poll_next().is_pending());
    tx.unbounded_send(5).unwrap();
    assert!(g.is_woken());
    tokio_test::assert_ready_eq!(g.poll_next(), Some(5));
    drop(tx);
    tokio_test::assert_ready_eq!(g.poll_next(), None);
}

#[test]
fn a_pending_stream_is_interrupted_and_loses_no_item() {
    let (tx, mut rx) = futures::channel::mpsc::unbounded();
    {
        let mut g = pin!(generator(async |mut y: Yielder<'_, u8>| y.yield_all(&mut rx).await));
        assert!(g.anext().now_or_never().is_none());
        tx.unbounded_send(5).unwrap();
        assert_eq!(block_on(g.aclose()), Ok(()));
    }
    assert_eq!(block_on(rx.next()), Some(5), "the item stays in the stream");

    let mut never = pin!(generator(async |mut y: Yielder<'_, u8>| y.yield_all(stream::pending()).await));
    assert!(never.anext().now_or_never().is_none());
    assert_eq!(block_on(never.aclose()), Ok(()));
}

/// An error and then an exit are thrown before the delegation. Both are raised in the inner generator.
#[test]
fn errors_thrown_before_the_delegation_are_passed_on_in_order() {
    let (tx, rx) = futures::channel::oneshot::channel::<()>();
    let log = Log::default();
    let mut inner = Box::pin(inner(&log));
    assert_eq!(block_on(inner.start()), Ok(Some("first")));
    let mut outer = Box::pin(try_generator(async |mut y: Y<'_>| {
        rx.await.expect("sent below");
        y.yield_from(inner.as_mut()).await
    }));
    assert!(outer.start().now_or_never().is_none());
    assert!(outer.athrow("soft").now_or_never().is_none());
    assert!(outer.aclose().now_or_never().is_none());
    tx.send(()).unwrap();
    assert_eq!(block_on(outer.aclose()), Ok(()));
    drop(outer);
    assert_eq!(*log.borrow(), ["first: Err(Error(\"soft\"))", "second: Err(Exit(GeneratorExit))"]);
}

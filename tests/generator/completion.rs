//! The end of a generator by a panic or a drop, and yields in destructors.

use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Waker};

use futures::executor::block_on;
use futures::{Stream, StreamExt};
use withal::coroutine::{State, Yielder};
use withal::generator::{AsyncGeneratorExt, generator};

#[test]
fn a_panic_closes_the_generator_and_propagates() {
    let held = Rc::new(());
    let mut g = pin!(generator(async |mut y| {
        let _held = Rc::clone(&held);
        let sent: u8 = y.yield_(1).await?;
        assert_eq!(sent, 0, "unexpected value");
        Ok(())
    }));
    block_on(g.start()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(g.asend(7)))).is_err());
    assert_eq!(Rc::strong_count(&held), 1, "the body has been dropped");
    assert_eq!(g.state(), State::Closed);
    assert_eq!(block_on(g.start()), Ok(None));
    assert_eq!(block_on(g.asend(8)), Ok(None));
    assert_eq!(block_on(g.aclose()), Ok(()));
}

#[test]
fn a_panic_ends_the_stream() {
    let mut g = pin!(generator(async |mut y| {
        y.yield_(1).await?;
        panic!("in the body")
    }));
    assert_eq!(block_on(g.next()), Some(1));
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(g.next()))).is_err());
    assert_eq!(block_on(g.next()), None);
}

#[test]
fn a_panic_during_a_close_propagates() {
    let mut g = pin!(generator(async |mut y| {
        _ = y.yield_(1).await;
        panic!("during cleanup")
    }));
    block_on(g.anext()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(g.aclose()))).is_err());
    assert_eq!(block_on(g.aclose()), Ok(()));
}

#[test]
fn dropping_the_generator_drops_the_body_without_resuming_it() {
    let held = Rc::new(Cell::new("started"));
    let mut g = Box::pin(generator(async |mut y| {
        let inside = Rc::clone(&held);
        _ = y.yield_(()).await;
        inside.set("not reached");
        Ok(())
    }));
    block_on(g.anext()).unwrap();
    assert_eq!(Rc::strong_count(&held), 2);
    drop(g);
    assert_eq!((Rc::strong_count(&held), held.get()), (1, "started"));
}

#[test]
fn a_closed_generator_has_dropped_its_body() {
    let held = Rc::new(());
    let mut fresh = pin!(generator({
        let held = Rc::clone(&held);
        async move |mut y| {
            y.yield_(Rc::clone(&held)).await?;
            Ok(())
        }
    }));
    assert_eq!(Rc::strong_count(&held), 2);
    block_on(fresh.aclose()).unwrap();
    assert_eq!(Rc::strong_count(&held), 1, "the generator itself is still alive");
}

/// Yields when it is dropped, in any state of the body. One of the peer crates then wrote to freed memory.
struct YieldsInDrop<'g>(Yielder<'g, Box<u64>>);

impl Drop for YieldsInDrop<'_> {
    fn drop(&mut self) {
        let mut yielded = pin!(self.0.yield_(Box::new(7)));
        _ = yielded.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

#[test]
fn a_local_may_yield_in_its_destructor() {
    let mut g: Pin<Box<dyn Stream<Item = Box<u64>>>> = Box::pin(generator(async |y| {
        let mut guard = YieldsInDrop(y);
        guard.0.yield_(Box::new(1)).await?;
        pending::<()>().await;
        Ok(())
    }));
    assert_eq!(block_on(g.next()), Some(Box::new(1)));
    drop(g);
}

#[test]
fn a_value_yielded_in_a_destructor_at_the_end_is_delivered() {
    let g = generator(async |y| {
        let mut guard = YieldsInDrop(y);
        guard.0.yield_(Box::new(1)).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [Box::new(1), Box::new(7)]);
}

#[test]
fn leaking_a_generator_is_sound() {
    let mut g = Box::pin(generator(async |mut y| y.yield_(Box::new(1)).await));
    assert_eq!(block_on(g.next()), Some(Box::new(1)));
    std::mem::forget(g);
}

/// A leaked yielder outlives the step in which it was created. In one of the peer crates it then yielded into another
/// generator that reused the memory.
#[test]
fn a_leaked_yielder_yields_into_its_own_generator() {
    let mut first = Box::pin(generator(async |y: Yielder<'_, Box<u32>>| {
        let y = Box::leak(Box::new(y));
        y.yield_(Box::new(1)).await?;
        y.yield_(Box::new(2)).await
    }));
    assert_eq!(block_on(first.next()), Some(Box::new(1)));
    let second = generator(async |mut y| y.yield_(Box::new(3)).await);
    assert_eq!(block_on(second.collect::<Vec<_>>()), [Box::new(3)]);
    assert_eq!(block_on(first.next()), Some(Box::new(2)));
}

#[test]
fn a_generator_may_move_before_it_is_pinned() {
    let mut generators: Vec<_> = (0..4).map(|n| generator(async move |mut y| y.yield_(n).await)).collect();
    generators.rotate_left(2);
    let all: Vec<_> = generators.into_iter().map(|g| block_on(Box::pin(g).next())).collect();
    assert_eq!(all, [Some(2), Some(3), Some(0), Some(1)]);
}

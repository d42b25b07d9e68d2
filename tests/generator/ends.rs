//! How a generator ends: by a panic, by being dropped; and what destructors may do then.

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
fn a_panic_ends_it_and_goes_out() {
    let held = Rc::new(());
    let mut g = pin!(generator(async |mut y| {
        let _held = Rc::clone(&held);
        let answer: u8 = y.yield_(1).await?;
        assert_eq!(answer, 0, "no such answer");
        Ok(())
    }));
    block_on(g.start()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(g.asend(7)))).is_err());
    assert_eq!(Rc::strong_count(&held), 1, "the body is gone");
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
fn a_panic_while_it_is_closed() {
    let mut g = pin!(generator(async |mut y| {
        _ = y.yield_(1).await;
        panic!("on the way out")
    }));
    block_on(g.anext()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(g.aclose()))).is_err());
    assert_eq!(block_on(g.aclose()), Ok(()));
}

#[test]
fn dropping_it_drops_the_body_at_once_and_runs_no_more_of_it() {
    let held = Rc::new(Cell::new("begun"));
    let mut g = Box::pin(generator(async |mut y| {
        let inside = Rc::clone(&held);
        _ = y.yield_(()).await;
        inside.set("not reached");
        Ok(())
    }));
    block_on(g.anext()).unwrap();
    assert_eq!(Rc::strong_count(&held), 2);
    drop(g);
    assert_eq!((Rc::strong_count(&held), held.get()), (1, "begun"));
}

#[test]
fn a_closed_one_holds_nothing_of_its_body() {
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
    assert_eq!(Rc::strong_count(&held), 1, "while the generator is still there");
}

/// Yields whatever its body is doing, as it is dropped: one of the peers then wrote to what was gone.
struct YieldsInDrop<'g>(Yielder<'g, Box<u64>>);

impl Drop for YieldsInDrop<'_> {
    fn drop(&mut self) {
        let mut yielded = pin!(self.0.yield_(Box::new(7)));
        _ = yielded.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

#[test]
fn a_local_that_yields_in_drop() {
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
fn what_is_yielded_in_drop_on_the_way_to_the_end_is_delivered() {
    let g = generator(async |y| {
        let mut guard = YieldsInDrop(y);
        guard.0.yield_(Box::new(1)).await
    });
    assert_eq!(block_on(g.collect::<Vec<_>>()), [Box::new(1), Box::new(7)]);
}

#[test]
fn a_leaked_generator_is_only_leaked() {
    let mut g = Box::pin(generator(async |mut y| y.yield_(Box::new(1)).await));
    assert_eq!(block_on(g.next()), Some(Box::new(1)));
    std::mem::forget(g);
}

/// A yielder that outlives the step it was made in, in memory that another generator takes over: one of the peers then
/// yielded into the other.
#[test]
fn a_leaked_yielder_stays_with_its_own_generator() {
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
fn an_unpinned_one_may_move_before_it_begins() {
    let mut made: Vec<_> = (0..4).map(|n| generator(async move |mut y| y.yield_(n).await)).collect();
    made.rotate_left(2);
    let all: Vec<_> = made.into_iter().map(|g| block_on(Box::pin(g).next())).collect();
    assert_eq!(all, [Some(2), Some(3), Some(0), Some(1)]);
}

//! The ways in which a body ends: panics, drops, throws before the start, and yields in destructors.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use futures::FutureExt;
use withal::coroutine::{Error, GeneratorExit, State, Step, Thrown, Yielder, coroutine, try_coroutine};

#[test]
fn a_panic_closes_the_coroutine_and_unwinds_out_of_the_step() {
    let held = Rc::new(());
    let mut body = coroutine(async |mut y| {
        let _held = Rc::clone(&held);
        let sent: u8 = y.yield_(1).await?;
        assert_eq!(sent, 0, "panics");
        Ok(())
    });
    body.resume().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(body.send(7)))).is_err());
    assert_eq!(Rc::strong_count(&held), 1, "the body is dropped");
    assert_eq!(body.state(), State::Closed);
    assert_eq!(body.send(8), Err(Error::AlreadyAwaited));
    assert_eq!(body.resume(), Err(Error::AlreadyAwaited));
    assert_eq!(body.close(), Ok(None));
}

#[test]
fn a_panic_before_the_first_yield() {
    let mut body = coroutine(async |_: Yielder<'_>| -> Result<(), GeneratorExit> { panic!("at once") });
    assert!(catch_unwind(AssertUnwindSafe(|| drop(body.resume()))).is_err());
    assert_eq!(body.resume(), Err(Error::AlreadyAwaited));
}

#[test]
fn dropping_a_coroutine_drops_its_body_at_once() {
    let held = Rc::new(Cell::new("started"));
    let mut body = coroutine(async |mut y: Yielder<'_>| {
        let inner = Rc::clone(&held);
        y.yield_(()).await?;
        inner.set("not reached");
        Ok(())
    });
    body.resume().unwrap();
    assert_eq!(Rc::strong_count(&held), 2);
    drop(body);
    assert_eq!((Rc::strong_count(&held), held.get()), (1, "started"));
}

#[test]
fn a_throw_before_the_start_closes_without_running_the_body() {
    let ran = Cell::new(false);
    let mut body = try_coroutine(async |_: Yielder<'_, (), (), Thrown<&str>>| {
        ran.set(true);
        Ok(())
    });
    assert_eq!(body.throw("early"), Err(Error::Raised("early")));
    assert_eq!(body.resume(), Err(Error::AlreadyAwaited));
    assert!(!ran.get());
}

#[test]
fn a_thrown_exit_is_not_a_close() {
    let mut body = coroutine(async |mut y| {
        let sent: Result<(), GeneratorExit> = y.yield_(1).await;
        assert_eq!(sent, Err(GeneratorExit));
        y.yield_(2).await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.throw(GeneratorExit), Ok(Step::Yielded(2)));
    assert_eq!(body.throw(GeneratorExit), Err(Error::GeneratorExit));
}

/// Yields three values when it is dropped, in any state of the body.
struct YieldsInDrop<'g>(Yielder<'g, Box<u32>, Box<u32>>);

impl Drop for YieldsInDrop<'_> {
    fn drop(&mut self) {
        for n in 10..13 {
            let mut yielded = pin!(self.0.yield_(Box::new(n)));
            drop(yielded.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        }
    }
}

#[test]
fn a_local_variable_that_yields_in_drop() {
    let body = || {
        coroutine(async |y: Yielder<'_, Box<u32>, Box<u32>>| {
            let mut guard = YieldsInDrop(y);
            guard.0.yield_(Box::new(1)).await?;
            pending::<()>().await;
            Ok(())
        })
    };
    drop(body());
    for steps in 1..3 {
        let mut body = body();
        assert_eq!(body.resume(), Ok(Step::Yielded(Box::new(1))));
        if steps == 2 {
            assert_eq!(body.send(Box::new(2)), Err(Error::Pending));
        }
        drop(body);
    }
    // What it yields while the body ends is delivered before the returned value.
    let mut ends = coroutine(async |y: Yielder<'_, Box<u32>, Box<u32>>| {
        let _guard = YieldsInDrop(y);
        Ok("end")
    });
    assert_eq!(ends.resume(), Ok(Step::Yielded(Box::new(10))));
    assert_eq!(ends.send(Box::new(0)), Ok(Step::Yielded(Box::new(11))));
    assert_eq!(ends.send(Box::new(0)), Ok(Step::Yielded(Box::new(12))));
    assert_eq!(ends.send(Box::new(0)), Ok(Step::Complete("end")));
}

/// The mailbox outlives the body, and is dropped once, with all that destructors have put into it.
#[test]
fn values_that_destructors_yield_are_dropped_once() {
    struct YieldsInDrop<'g>(Yielder<'g, Rc<()>, Box<u32>>, Rc<()>);
    impl Drop for YieldsInDrop<'_> {
        fn drop(&mut self) {
            let value = Rc::clone(&self.1);
            let mut yielded = pin!(self.0.yield_(value));
            drop(yielded.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        }
    }
    let held = Rc::new(());
    let mut body = coroutine(async |y| {
        let mut guard = YieldsInDrop(y, Rc::clone(&held));
        let value = Rc::clone(&held);
        // Polled once and dropped: the reply is discarded.
        assert!(guard.0.yield_(value).now_or_never().is_none());
        pending::<()>().await;
        Ok(())
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(Rc::new(()))));
    assert_eq!(body.send(Box::new(1)), Err(Error::Pending));
    drop(body);
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn a_leaked_yielder_can_still_yield() {
    let mut body = coroutine(async |y: Yielder<'_, Box<u32>, Box<u32>>| {
        let y = Box::leak(Box::new(y));
        y.yield_(Box::new(1)).await?;
        y.yield_(Box::new(2)).await?;
        Ok(())
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(Box::new(1))));
    assert_eq!(body.send(Box::new(3)), Ok(Step::Yielded(Box::new(2))));
}

#[test]
fn a_leaked_coroutine_is_sound() {
    let mut body = coroutine(async |mut y| y.yield_(Box::new(1)).await);
    assert_eq!(body.send(()), Ok(Step::Yielded(Box::new(1))));
    std::mem::forget(body);
}

#[test]
fn moving_a_coroutine_does_not_move_its_body() {
    let mut bodies: Vec<_> =
        (0..9).map(|n| coroutine(async move |mut y| Ok([y.yield_(n).await?, y.yield_(n).await?]))).collect();
    for (n, body) in bodies.iter_mut().enumerate() {
        assert_eq!(body.resume(), Ok(Step::Yielded(n)));
    }
    let mut moved: Vec<_> = bodies.into_iter().rev().map(Box::new).collect();
    moved.rotate_left(4);
    for body in &mut moved {
        drop(body.send(String::from("a")).unwrap());
        assert_eq!(body.send(String::from("b")), Ok(Step::Complete(["a".to_owned(), "b".to_owned()])));
    }
}

#[test]
fn the_yielder_of_an_outer_body_in_an_inner_body() {
    let seen = RefCell::new(Vec::new());
    let mut outer = coroutine(async |mut y: Yielder<'_, u32>| {
        let mut inner = coroutine(async |mut i: Yielder<'_, u8>| {
            i.yield_(1).await?;
            y.yield_(10).await?;
            i.yield_(2).await
        });
        // Driven with the outer context, so the outer yield is pending in the outer body.
        loop {
            let step = std::future::poll_fn(|cx| inner.poll_resume(cx)).await;
            match step {
                Ok(Step::Yielded(value)) => seen.borrow_mut().push(value),
                Ok(Step::Complete(())) => return Ok(()),
                Err(error) => unreachable!("{error}"),
            }
        }
    });
    assert_eq!(outer.resume(), Ok(Step::Yielded(10)));
    assert_eq!(outer.resume(), Ok(Step::Complete(())));
    assert_eq!(*seen.borrow(), [1, 2]);
}

#[test]
fn a_yielder_can_be_lent_to_another_thread() {
    let mut body = coroutine(async |mut y: Yielder<'_, Box<u32>, Box<u32>>| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut yielded = pin!(y.yield_(Box::new(1)));
                assert!(yielded.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            });
        });
        y.yield_(Box::new(2)).await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(Box::new(1))));
    assert_eq!(body.send(Box::new(0)), Ok(Step::Yielded(Box::new(2))));
    // The whole coroutine can move to another thread, too.
    let mut body = body.boxed();
    std::thread::spawn(move || assert_eq!(body.send(Box::new(5)), Ok(Step::Complete(Box::new(5)))))
        .join()
        .unwrap();
}

/// Invariant 5 of `body_cell`, checked by Miri: the body borrows its variable exclusively, while its driver reads the state.
#[test]
fn a_variable_borrowed_across_a_yield_while_the_state_is_read() {
    let mut body = coroutine(async |mut y| {
        let mut total = 0;
        let borrowed = &mut total;
        for _ in 0..3 {
            let sent: u32 = y.yield_(*borrowed).await?;
            *borrowed += sent;
        }
        Ok(total)
    });
    assert_eq!(body.state(), State::Created);
    assert_eq!(body.resume(), Ok(Step::Yielded(0)));
    for (sent, total) in [(1, 1), (2, 3)] {
        assert_eq!(body.state(), State::Suspended);
        assert_eq!(body.send(sent), Ok(Step::Yielded(total)));
    }
    assert_eq!(format!("{body:?}"), "Coroutine { state: Suspended, .. }");
    assert_eq!(body.send(3), Ok(Step::Complete(6)));
}

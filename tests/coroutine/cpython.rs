use std::cell::{Cell, RefCell};
use std::future::ready;
use std::rc::Rc;

use withal::coroutine::{
    Coroutine, Error, GeneratorExit, LocalBoxCoroutine, RawCoroutine, State, Step, Throw, Thrown, Yielder,
    coroutine, try_coroutine,
};

/// Python's `await inner`: its values are yielded, and what is sent or thrown in is passed on.
async fn through<D>(
    y: &mut Yielder<'_, D::Yield, D::Sent, D::Thrown>,
    inner: &mut Coroutine<D>,
) -> Result<D::Return, Error<D::Sent, <D::Thrown as Throw>::Error>>
where
    D: RawCoroutine<Sent: Default> + ?Sized,
{
    let mut step = inner.resume();
    loop {
        step = match step? {
            Step::Complete(value) => return Ok(value),
            Step::Yielded(value) => match y.yield_(value).await {
                Ok(sent) => inner.send(sent),
                Err(thrown) => inner.throw(thrown),
            },
        }
    }
}

/// `run_async` of the tests of `CPython`: the yielded values and the returned value.
fn run_async<D>(mut coroutine: Coroutine<D>) -> (Vec<D::Yield>, D::Return)
where
    D: RawCoroutine<Sent: Default> + ?Sized,
{
    let mut yielded = Vec::new();
    loop {
        match coroutine.resume().ok().expect("a step that is neither pending nor failed") {
            Step::Yielded(value) => yielded.push(value),
            Step::Complete(value) => return (yielded, value),
        }
    }
}

#[test]
fn func_1_one_step_to_the_value() {
    let foo = coroutine(async |_: Yielder<'_>| Ok((10,)));
    assert_eq!(run_async(foo), (vec![], (10,)));
}

#[test]
fn func_2_the_end_of_an_inner_body_does_not_end_the_outer() {
    let mut outer = try_coroutine(async |_: Yielder<'_, (), (), Thrown<Error<(), _>>>| {
        let mut inner = coroutine(async |_: Yielder<'_>| Ok(1));
        let _: Step<(), i32> = inner.resume()?;
        // `?` carries the error of the completed inner body out.
        Ok(inner.resume()?)
    });
    assert_eq!(outer.resume(), Err(Error::Raised(Error::AlreadyAwaited)));
    // An exit without a close is not an end either.
    let mut exits = coroutine(async |_: Yielder<'_>| Err::<(), _>(GeneratorExit));
    assert_eq!(exits.resume(), Err(Error::GeneratorExit));
    assert_eq!(exits.resume(), Err(Error::AlreadyAwaited));
}

#[test]
fn func_3_debug_requires_no_bounds() {
    struct Plain;
    let mut body = coroutine(async |mut y| y.yield_(Plain).await);
    assert_eq!(format!("{body:?}"), "Coroutine { state: Created, .. }");
    let _: Step<_, ()> = body.resume().ok().unwrap();
    assert_eq!(format!("{body:?}"), "Coroutine { state: Suspended, .. }");
}

#[test]
fn func_6_values_are_yielded_in_order() {
    let mut f = coroutine(async |mut y| {
        y.yield_(1).await?;
        y.yield_(2).await
    });
    assert_eq!(f.send(()), Ok(Step::Yielded(1)));
    assert_eq!(f.send(()), Ok(Step::Yielded(2)));
    assert_eq!(f.send(()), Ok(Step::Complete(())));
}

#[test]
fn func_10_send_throw_close_reach_the_yield() {
    #[derive(Debug, PartialEq)]
    struct ZeroDivision;
    let n = Cell::new(0);
    let generator = async |y: &mut Yielder<'_, i32, i32, Thrown<ZeroDivision>>| {
        let result = async {
            let a = y.yield_(0).await?;
            y.yield_(a * a).await
        };
        let result = result.await;
        if result == Err(Thrown::Error(ZeroDivision)) {
            n.set(n.get() + 100);
        }
        n.set(n.get() + 1);
        result
    };
    let mut first = try_coroutine(async |mut y| generator(&mut y).await);
    first.resume().unwrap();
    assert_eq!(first.send(10), Ok(Step::Yielded(100)));
    assert_eq!(n.get(), 0);
    assert_eq!(first.close(), Ok(None));
    assert_eq!(n.get(), 1);

    let mut second = try_coroutine(async |mut y| generator(&mut y).await);
    second.resume().unwrap();
    assert_eq!(second.throw(ZeroDivision), Err(Error::Raised(ZeroDivision)));
    assert_eq!(n.get(), 102);
}

#[test]
fn func_12_a_body_cannot_step_itself() {
    let me = Rc::new(RefCell::new(None::<LocalBoxCoroutine<'static>>));
    let (weak, refused) = (Rc::downgrade(&me), Rc::new(Cell::new(false)));
    let set = Rc::clone(&refused);
    let body = coroutine(async move |_| {
        // The only way to try this needs a run-time borrow, which fails.
        set.set(weak.upgrade().unwrap().try_borrow_mut().is_err());
        Ok(())
    });
    *me.borrow_mut() = Some(body.boxed_local());
    assert_eq!(me.borrow_mut().as_mut().unwrap().send(()), Ok(Step::Complete(())));
    assert!(refused.get());
}

#[test]
fn func_12_send_during_a_step() {
    let mut body = coroutine(async |mut y| {
        tokio::task::yield_now().await;
        y.yield_(()).await
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    let running = body.send(5).unwrap_err();
    assert_eq!(running.to_string(), "coroutine already executing: `resume` continues the current step");
    assert_eq!(running, Error::Running(5), "the value is returned");
    assert_eq!(body.resume(), Ok(Step::Yielded(())));
    assert_eq!(body.send(6), Ok(Step::Complete(6)));
}

#[test]
fn func_13_the_first_send_carries_no_value() {
    let mut g = coroutine(async |mut y| y.yield_(()).await);
    let refused = g.send("spam").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`send` before `resume`: the coroutine has not reached its first `yield`"
    );
    assert_eq!(refused, Error::NotStarted("spam"), "the value is returned");
    assert_eq!(g.state(), State::Created);
    assert_eq!(g.resume(), Ok(Step::Yielded(())));
    assert_eq!(g.send("spam"), Ok(Step::Complete("spam")));
    g.close().unwrap();
}

/// `start` requires no default value.
#[test]
fn func_13_started_without_a_default() {
    #[derive(Debug, PartialEq)]
    struct Bare(u8);
    let mut g = coroutine(async |mut y| {
        tokio::task::yield_now().await;
        y.yield_(()).await
    });
    assert_eq!(g.start(), Err(Error::Pending));
    assert_eq!(g.start(), Ok(Step::Yielded(())));
    assert_eq!(g.start(), Err(Error::ValueExpected));
    assert_eq!(g.send(Bare(1)), Ok(Step::Complete(Bare(1))));
    assert_eq!(g.start(), Err(Error::AlreadyAwaited));
}

#[test]
fn func_14_ignored_exit() {
    let mut c = coroutine(async |mut y| {
        if y.yield_(1).await == Err(GeneratorExit) {
            y.yield_(2).await?;
        }
        Ok("late")
    });
    c.send(()).unwrap();
    let ignored = c.close().unwrap_err();
    assert_eq!(ignored.to_string(), "coroutine ignored GeneratorExit");
    assert_eq!(ignored, Error::IgnoredExit);
    // As in Python, the coroutine can be resumed.
    assert_eq!(c.send(()), Ok(Step::Complete("late")));
}

#[test]
fn func_15_awaited_again_after_completion() {
    let mut spammer = coroutine(async |_: Yielder<'_>| Ok("spam"));
    let mut reader = coroutine(async |mut y| Ok(through(&mut y, &mut spammer).await));
    assert_eq!(reader.send(()), Ok(Step::Complete(Ok("spam"))));
    drop(reader);
    let mut reader = coroutine(async |mut y| Ok(through(&mut y, &mut spammer).await));
    assert_eq!(reader.send(()), Ok(Step::Complete(Err(Error::AlreadyAwaited))));
}

#[test]
fn func_16_awaited_again_after_a_throw() {
    type Y<'g> = Yielder<'g, (), (), Thrown<&'static str>>;
    let mut spammer = try_coroutine(async |mut y: Y<'_>| {
        y.yield_(()).await?;
        Ok("spam")
    });
    let mut reader = try_coroutine(async |mut y: Y<'_>| {
        y.yield_(()).await?;
        Ok(through(&mut y, &mut spammer).await)
    });
    assert_eq!(reader.send(()), Ok(Step::Yielded(())));
    assert_eq!(reader.send(()), Ok(Step::Yielded(())));
    assert_eq!(reader.throw("ham"), Ok(Step::Complete(Err(Error::Raised("ham")))));
    assert_eq!(reader.throw("wat"), Err(Error::AlreadyAwaited));
    drop(reader);
    let mut reader = try_coroutine(async |mut y: Y<'_>| Ok(through(&mut y, &mut spammer).await));
    assert_eq!(reader.send(()), Ok(Step::Complete(Err(Error::AlreadyAwaited))));
}

#[test]
fn func_17_steps_after_completion() {
    let mut coro = try_coroutine(async |_: Yielder<'_, (), (), Thrown<&str>>| Ok("spam"));
    assert_eq!(coro.send(()), Ok(Step::Complete("spam")));
    for _ in 0..2 {
        assert_eq!(coro.send(()).unwrap_err().to_string(), "cannot reuse already awaited coroutine");
        assert_eq!(coro.resume(), Err(Error::AlreadyAwaited));
        assert_eq!(coro.throw("wat"), Err(Error::AlreadyAwaited));
    }
    assert_eq!(coro.close(), Ok(None));
    assert_eq!(coro.close(), Ok(None));
}

#[test]
fn func_19_caught_exit() {
    let checked = Cell::new(0);
    let mut coro = coroutine(async |mut y| {
        y.yield_(()).await?;
        if y.yield_(()).await == Err(GeneratorExit) {
            checked.set(checked.get() + 1);
        }
        Ok("caught")
    });
    coro.send(()).unwrap();
    coro.send(()).unwrap();
    assert_eq!(coro.close(), Ok(Some("caught")));
    for _ in 0..3 {
        assert_eq!(coro.close(), Ok(None));
        assert_eq!(checked.get(), 1);
    }
}

#[test]
fn send_stop_iterator_a_returned_error_is_a_value() {
    let foo = coroutine(async |_: Yielder<'_>| Ok(Error::<(), ()>::AlreadyAwaited));
    assert_eq!(run_async(foo), (vec![], Error::AlreadyAwaited));
}

#[test]
fn cr_await_states() {
    let mut b = coroutine(async |mut y| {
        y.yield_(()).await?;
        tokio::task::yield_now().await;
        Ok(())
    });
    assert_eq!(b.state(), State::Created);
    assert_eq!(b.send(()), Ok(Step::Yielded(())));
    assert_eq!(b.state(), State::Suspended);
    assert_eq!(b.send(()), Err(Error::Pending));
    assert_eq!(b.state(), State::Running);
    assert_eq!(b.resume(), Ok(Step::Complete(())));
    assert_eq!(b.state(), State::Closed);
}

#[test]
fn await_3_a_helper_yields() {
    async fn each(y: &mut Yielder<'_, i32>) -> Result<i32, GeneratorExit> {
        for n in [1, 2, 3] {
            y.yield_(n).await?;
        }
        Ok(100)
    }
    let foo = coroutine(async |mut y| each(&mut y).await);
    assert_eq!(run_async(foo), (vec![1, 2, 3], 100));
}

#[test]
fn await_9_awaits_are_expressions() {
    let bar = async || 42;
    let foo = coroutine(async |_: Yielder<'_>| {
        let nested = ready(ready(ready(42)));
        Ok((nested.await.await.await + bar().await * 1000, -bar().await, (bar().await, "ham")))
    });
    assert_eq!(run_async(foo), (vec![], (42042, -42, (42, "ham"))));
}

#[test]
fn await_14_through_a_chain() {
    type Y<'g> = Yielder<'g, (), &'static str, Thrown<&'static str>>;
    async fn bottom(y: &mut Y<'_>) -> Result<&'static str, Thrown<&'static str>> {
        match y.yield_(()).await {
            Err(Thrown::Error("ZeroDivisionError")) => Err("Marker".into()),
            other => other,
        }
    }
    async fn middle(y: &mut Y<'_>) -> Result<&'static str, Thrown<&'static str>> {
        bottom(y).await
    }
    let mut c = try_coroutine(async |mut y| middle(&mut y).await);
    assert_eq!(c.resume(), Ok(Step::Yielded(())));
    assert_eq!(c.send("spam"), Ok(Step::Complete("spam")));

    let mut c = try_coroutine(async |mut y| middle(&mut y).await);
    assert_eq!(c.resume(), Ok(Step::Yielded(())));
    assert_eq!(c.throw("ZeroDivisionError"), Err(Error::Raised("Marker")));
}

#[test]
fn throw_is_caught_at_the_bottom() {
    type Y<'g> = Yielder<'g, i32, (), Thrown<&'static str>>;
    let mut bottom = try_coroutine(async |mut y: Y<'_>| {
        if y.yield_(1).await.is_err() {
            y.yield_(2).await?;
        }
        Ok(3)
    });
    let mut top = try_coroutine(async |mut y: Y<'_>| Ok(through(&mut y, &mut bottom).await));
    assert_eq!(top.resume(), Ok(Step::Yielded(1)));
    assert_eq!(top.throw("ZeroDivisionError"), Ok(Step::Yielded(2)));
    assert_eq!(top.resume(), Ok(Step::Complete(Ok(3))));
}

#[test]
fn cr_frame_after_close_the_body_is_dropped() {
    let held = Rc::new(());
    let mut fresh = coroutine({
        let held = Rc::clone(&held);
        async move |_: Yielder<'_>| {
            drop(held);
            Ok(())
        }
    });
    assert_eq!(Rc::strong_count(&held), 2);
    fresh.close().unwrap();
    assert_eq!(Rc::strong_count(&held), 1, "before the coroutine is dropped");
    assert_eq!(fresh.resume(), Err(Error::AlreadyAwaited));
}

//! `start`, `anext`, `asend`, `athrow`, `aclose`: the result of each in each state, and after it was dropped half-way.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;

use futures::FutureExt;
use futures::channel::oneshot;
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::coroutine::{GeneratorExit, State, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, Error, generator, try_generator};

/// Returns the output of a future that is ready at the first poll.
macro_rules! now {
    ($operation:expr) => {
        $operation.now_or_never().expect("the future is ready")
    };
}

type Text<'g> = Yielder<'g, u32, &'static str, Thrown<&'static str>>;

/// Yields the lengths of the strings that it is sent. "end" ends it, and "wait" makes it wait for ever, interruptibly.
async fn lengths(mut y: Text<'_>) -> Result<(), Thrown<&'static str>> {
    let mut length = 0;
    loop {
        let text = match y.yield_(length).await {
            Err(Thrown::Error("soft")) => "caught",
            reply => reply?,
        };
        match text {
            "end" => return Ok(()),
            "wait" => y.interruptible(pending::<()>()).await?,
            text => length = u32::try_from(text.len()).unwrap(),
        }
    }
}

#[test]
fn operations_before_the_start() {
    let fresh = || Box::pin(try_generator(lengths));
    let mut g = fresh();
    assert_eq!(g.state(), State::Created);
    assert_eq!(now!(g.asend("abc")), Err(Error::NotStarted("abc")), "the value is returned");
    assert_eq!(g.state(), State::Created);
    assert_eq!(now!(g.start()), Ok(Some(0)));

    let mut g = fresh();
    assert_eq!(now!(g.athrow("early")), Err(Error::Raised("early")));
    assert_eq!((g.state(), now!(g.start())), (State::Closed, Ok(None)));

    let mut g = fresh();
    assert_eq!(now!(g.athrow(Thrown::Exit(GeneratorExit))), Err(Error::GeneratorExit));
    assert_eq!(g.state(), State::Closed);

    let mut g = fresh();
    assert_eq!(now!(g.aclose()), Ok(()));
    assert_eq!((g.state(), now!(g.start())), (State::Closed, Ok(None)));
}

/// `()` may be sent first, as `None` in Python.
#[test]
fn unit_may_be_sent_first() {
    let mut g = pin!(generator(async |mut y| {
        y.yield_(1).await?;
        y.yield_(2).await
    }));
    assert_eq!(now!(g.asend(())), Ok(Some(1)));
    assert_eq!(now!(g.asend(())), Ok(Some(2)));
    assert_eq!(now!(g.anext()), Ok(None));
}

/// A zero-sized type with a destructor is not unit-like.
#[test]
fn a_type_with_a_destructor_may_not_be_sent_first() {
    #[derive(Debug, PartialEq)]
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {}
    }
    let mut g = pin!(generator(async |mut y| {
        let _guard: Guard = y.yield_(1).await?;
        Ok(())
    }));
    assert_eq!(now!(g.asend(Guard)), Err(Error::NotStarted(Guard)));
}

#[test]
fn operations_at_a_yield() {
    let mut g = pin!(try_generator(lengths));
    assert_eq!(now!(g.start()), Ok(Some(0)));
    assert_eq!(now!(g.start()), Err(Error::ValueExpected));
    assert_eq!(g.state(), State::Suspended);
    assert_eq!(now!(g.asend("abc")), Ok(Some(3)));
    assert_eq!(now!(g.athrow("soft")), Ok(Some(6)), "caught, and the body continued");
    assert_eq!(now!(g.athrow("hard")), Err(Error::Raised("hard")));
    assert_eq!(g.state(), State::Closed);
}

#[test]
fn operations_after_the_end() {
    let mut g = pin!(try_generator(lengths));
    assert_eq!(now!(g.start()), Ok(Some(0)));
    assert_eq!(now!(g.asend("end")), Ok(None));
    for _ in 0..2 {
        assert_eq!(g.state(), State::Closed);
        assert_eq!(now!(g.start()), Ok(None));
        assert_eq!(now!(g.asend("more")), Ok(None));
        assert_eq!(now!(g.athrow("more")), Ok(None));
        assert_eq!(now!(g.aclose()), Ok(()));
    }
}

#[test]
fn closing_awaits_the_cleanup_of_the_body() {
    let (tx, rx) = oneshot::channel::<()>();
    let done = Cell::new(false);
    let mut g = pin!(generator(async |mut y| {
        let exit = y.yield_(()).await;
        rx.await.expect("sent below");
        done.set(true);
        exit
    }));
    assert_eq!(now!(g.anext()), Ok(Some(())));
    let mut close = task::spawn(g.aclose());
    assert_pending!(close.poll());
    assert!(!done.get());
    tx.send(()).unwrap();
    assert!(close.is_woken());
    assert_ready_eq!(close.poll(), Ok(()));
    assert!(done.get());
}

#[test]
fn suppressing_the_exit_and_returning_is_a_clean_close() {
    let mut g = pin!(generator(async |mut y| {
        assert_eq!(y.yield_(1).await, Err::<(), _>(GeneratorExit));
        Ok(())
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    assert_eq!(now!(g.aclose()), Ok(()));
}

#[test]
fn a_body_that_ignores_the_exit_stays_suspended() {
    let mut g = pin!(generator(async |mut y| {
        for n in 1.. {
            if y.yield_(n).await.is_err() && n > 1 {
                break;
            }
        }
        Ok(())
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    let ignored = now!(g.aclose()).unwrap_err();
    assert_eq!(ignored, Error::IgnoredExit);
    assert_eq!(ignored.to_string(), "async generator ignored GeneratorExit");
    assert_eq!(g.state(), State::Suspended, "at the yield whose value was dropped");
    assert_eq!(now!(g.anext()), Ok(Some(3)));
    assert_eq!(now!(g.aclose()), Ok(()));
}

#[test]
fn closing_returns_another_error_of_the_body() {
    let mut g = pin!(try_generator(async |mut y| match y.yield_(1).await {
        Ok(()) => Ok(()),
        Err(_) => Err(Thrown::Error("could not clean up")),
    }));
    assert_eq!(now!(g.start()), Ok(Some(1)));
    assert_eq!(now!(g.aclose()), Err(Error::Raised("could not clean up")));
    assert_eq!(g.state(), State::Closed);
}

#[test]
fn an_operation_does_nothing_before_its_first_poll() {
    let mut g = pin!(try_generator(lengths));
    drop(g.start());
    assert_eq!(g.state(), State::Created);
    drop(g.athrow("never polled"));
    drop(g.aclose());
    assert_eq!(now!(g.start()), Ok(Some(0)));
    drop(g.asend("never polled"));
    drop(g.athrow("never polled"));
    drop(g.aclose());
    assert_eq!(now!(g.asend("abcd")), Ok(Some(4)));
}

#[test]
fn anext_continues_the_step_of_a_dropped_operation() {
    let (tx, rx) = oneshot::channel();
    let mut g = pin!(generator(async |mut y| {
        let value: u32 = rx.await.expect("sent below");
        y.yield_(value).await
    }));
    for _ in 0..2 {
        let mut next = task::spawn(g.anext());
        assert_pending!(next.poll());
        drop(next);
        assert_eq!(g.state(), State::Running);
    }
    tx.send(7).unwrap();
    assert_eq!(now!(g.anext()), Ok(Some(7)));
}

#[test]
fn the_value_of_a_dropped_asend_is_delivered_once() {
    let mut g = pin!(generator(async |mut y| {
        let mut total = 0;
        loop {
            total += y.yield_(total).await?;
            tokio::task::yield_now().await;
        }
    }));
    assert_eq!(now!(g.start()), Ok(Some(0)));
    assert!(g.asend(5).now_or_never().is_none());
    let refused = now!(g.asend(100)).unwrap_err();
    assert_eq!(refused.to_string(), "asynchronous generator is already running");
    assert_eq!(refused, Error::Running(Some(100)), "the value is returned");
    assert_eq!(now!(g.start()), Ok(Some(5)));
}

#[test]
fn a_throw_or_a_close_interrupts_the_step_of_a_dropped_operation() {
    let mut g = pin!(try_generator(lengths));
    assert_eq!(now!(g.start()), Ok(Some(0)));
    assert!(g.asend("wait").now_or_never().is_none());
    assert_eq!(now!(g.athrow("hurry")), Err(Error::Raised("hurry")));

    let mut g = pin!(try_generator(lengths));
    assert_eq!(now!(g.start()), Ok(Some(0)));
    assert!(g.asend("wait").now_or_never().is_none());
    assert_eq!(now!(g.aclose()), Ok(()));
}

#[test]
fn a_throw_into_another_await_is_raised_at_the_next_yield() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = pin!(try_generator(async |mut y| {
        rx.await.expect("sent below");
        let raised = y.yield_("never yielded").await;
        assert_eq!(raised, Err(Thrown::Error("late")));
        y.yield_("yielded").await
    }));
    assert!(g.anext().now_or_never().is_none());
    let mut throw = task::spawn(g.athrow("late"));
    assert_pending!(throw.poll());
    tx.send(()).unwrap();
    assert!(throw.is_woken());
    assert_ready_eq!(throw.poll(), Ok(Some("yielded")));
}

#[test]
fn a_throw_without_another_yield_is_returned_at_the_end() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = pin!(try_generator(async |mut y| {
        y.yield_(1).await?;
        rx.await.expect("sent below");
        Ok(())
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    assert!(g.anext().now_or_never().is_none());
    assert!(g.athrow("not raised").now_or_never().is_none());
    tx.send(()).unwrap();
    assert_eq!(now!(g.anext()), Err(Error::Raised("not raised")));
}

#[test]
fn a_close_continues_a_dropped_close() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = pin!(generator(async |mut y| {
        let exit = y.yield_(1).await;
        rx.await.expect("sent below");
        exit
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    assert!(g.aclose().now_or_never().is_none());
    assert_eq!(g.state(), State::Running);
    tx.send(()).unwrap();
    assert_eq!(now!(g.aclose()), Ok(()));
}

#[test]
fn a_second_close_does_not_interrupt_the_cleanup_of_the_first() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut g = pin!(generator(async |mut y| {
        let exit = y.yield_(1).await;
        y.interruptible(rx).await.expect("the second close does not interrupt").expect("sent below");
        exit
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    assert!(g.aclose().now_or_never().is_none());
    assert!(g.aclose().now_or_never().is_none());
    tx.send(()).unwrap();
    assert_eq!(now!(g.aclose()), Ok(()));
}

#[test]
fn the_exit_is_raised_again_after_the_body_ignored_it() {
    let mut g = pin!(generator(async |mut y| {
        assert_eq!(y.yield_(1).await, Err(GeneratorExit));
        y.yield_(2).await?;
        y.interruptible(pending::<()>()).await
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    assert_eq!(now!(g.aclose()), Err(Error::IgnoredExit));
    assert!(g.anext().now_or_never().is_none());
    assert_eq!(now!(g.aclose()), Ok(()), "the exit interrupts the body");
}

#[test]
fn an_error_interrupts_the_cleanup_of_a_close() {
    let mut g = pin!(try_generator(async |mut y| {
        let exit = y.yield_(1).await;
        y.interruptible(pending::<()>()).await?;
        exit
    }));
    assert_eq!(now!(g.start()), Ok(Some(1)));
    assert!(g.aclose().now_or_never().is_none());
    assert_eq!(now!(g.athrow("hurry")), Err(Error::<(), _>::Raised("hurry")));
}

#[test]
fn a_body_that_returns_the_exit() {
    let mut g = pin!(generator(async |mut y| {
        y.yield_(1).await?;
        Err(GeneratorExit)
    }));
    assert_eq!(now!(g.anext()), Ok(Some(1)));
    let exited = now!(g.anext()).unwrap_err();
    assert_eq!(exited, Error::GeneratorExit);
    assert!(exited.is_generator_exit() && !exited.is_running());
    assert_eq!(exited.to_string(), "async generator raised GeneratorExit");
    assert_eq!(now!(g.anext()), Ok(None));
}

#[test]
fn errors_have_a_source_and_a_message() {
    let mut g = pin!(try_generator(async |mut y| {
        let text: String = y.yield_(0).await?;
        y.yield_(text.parse::<i32>()?).await?;
        Ok(())
    }));
    let early = now!(g.asend("1".to_owned())).unwrap_err();
    assert_eq!(early.to_string(), "`asend` before `start`: the generator has not reached its first `yield`");
    assert_eq!(now!(g.start()), Ok(Some(0)));
    assert_eq!(
        now!(g.start()).unwrap_err().to_string(),
        "async generator is suspended at a yield that expects a value: call `asend`"
    );
    let raised = now!(g.asend("x".to_owned())).unwrap_err();
    assert_eq!(raised.to_string(), "async generator raised an error");
    let source = std::error::Error::source(&raised).expect("the error has a source");
    assert!(source.is::<std::num::ParseIntError>());
}

/// An operation that has completed panics when it is polled again, and names its method.
mod polled_after_completion {
    use super::*;

    fn panics<F: Future + Unpin>(name: &str, mut operation: F) {
        (&mut operation).now_or_never().expect("the operation is ready");
        let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| operation.now_or_never()));
        let payload = again.err().expect("the second poll panics");
        let message = payload.downcast_ref::<String>().expect("the panic has a message");
        assert_eq!(*message, format!("`{name}` polled after completion"));
    }

    #[test]
    fn each_operation() {
        let mut g = pin!(try_generator(lengths));
        panics("asend", g.asend("refused"));
        panics("start", g.start());
        panics("start", g.start());
        panics("asend", g.asend("abc"));
        panics("athrow", g.athrow("hard"));
        panics("asend", g.asend("after the end"));
        panics("aclose", g.aclose());
        let mut g = pin!(generator(async |mut y| y.yield_(1).await));
        panics("anext", g.anext());
        panics("aclose", g.aclose());
    }
}

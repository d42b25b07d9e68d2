//! Bodies that await something that is not ready: `Error::Pending`, wakers, and throws during a step.

use std::future::{pending, poll_fn};

use futures::channel::oneshot;
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::coroutine::{Error, GeneratorExit, State, Step, Thrown, Yielder, coroutine, try_coroutine};

#[test]
fn send_reports_pending_and_resume_continues() {
    let (tx, rx) = oneshot::channel();
    let mut body = coroutine(async |mut y| {
        let first: u32 = y.yield_(0).await?;
        let second = rx.await.expect("sent below");
        y.yield_(first + second).await
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(0)));
    assert_eq!(body.send(3), Err(Error::Pending), "the value is delivered, and then the body is pending");
    assert_eq!(body.resume(), Err(Error::Pending));
    tx.send(4).unwrap();
    assert_eq!(body.resume(), Ok(Step::Yielded(7)));
}

#[test]
fn poll_resume_registers_the_waker() {
    let (tx, rx) = oneshot::channel();
    let mut body = coroutine(async |mut y: Yielder<'_, u32>| {
        let value = rx.await.expect("sent below");
        y.yield_(value).await
    });
    let mut step = task::spawn(poll_fn(|cx| body.poll_resume(cx)));
    assert_pending!(step.poll());
    tx.send(4).unwrap();
    assert!(step.is_woken());
    assert_ready_eq!(step.poll(), Ok(Step::Yielded(4)));
}

#[test]
fn throw_and_close_interrupt_an_interruptible_await() {
    let mut body = try_coroutine(async |mut y: Yielder<'_, u8, (), _>| {
        let interrupted = y.interruptible(pending::<()>()).await;
        assert_eq!(interrupted, Err(Thrown::Error("hurry")));
        y.interruptible(pending::<()>()).await
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.throw("hurry"), Err(Error::Pending));
    assert_eq!(body.close(), Ok(None));
    assert_eq!(body.state(), State::Closed);
}

#[test]
fn an_interruptible_await_returns_the_output() {
    let mut body = coroutine(async |mut y: Yielder<'_>| {
        let value = y.interruptible(async { 5 }).await?;
        y.interruptible(tokio::task::yield_now()).await?;
        Ok(value)
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.resume(), Ok(Step::Complete(5)));
}

#[test]
fn a_throw_during_a_step_is_raised_at_the_next_yield() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = try_coroutine(async |mut y| {
        rx.await.expect("sent below");
        let raised = y.yield_("not delivered").await;
        assert_eq!(raised, Err(Thrown::Error("late")));
        y.yield_("delivered").await
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.throw("late"), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.resume(), Ok(Step::Yielded("delivered")));
    let _: Step<_, ()> = body.send(()).unwrap();
}

#[test]
fn a_throw_without_a_next_yield_is_returned_at_the_end() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = try_coroutine(async |_: Yielder<'_, (), (), Thrown<&str>>| {
        rx.await.expect("sent below");
        Ok("unaware")
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.throw("not raised"), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.resume(), Err(Error::Raised("not raised")));
}

#[test]
fn a_pending_close_is_continued_by_close() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = coroutine(async |mut y| {
        rx.await.expect("sent below");
        let raised: Result<(), _> = y.yield_(1).await;
        assert_eq!(raised, Err(GeneratorExit));
        Ok("cleaned up")
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.close(), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.close(), Ok(Some("cleaned up")));
}

#[test]
fn a_second_close_does_not_interrupt_the_cleanup_of_the_first() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = coroutine(async |mut y| {
        let exit: Result<(), GeneratorExit> = y.yield_(()).await;
        y.interruptible(rx).await.expect("not interrupted").expect("sent below");
        exit
    });
    body.resume().unwrap();
    assert_eq!(body.close(), Err(Error::Pending));
    assert_eq!(body.close(), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.close(), Ok(None));
}

#[test]
fn a_close_does_not_replace_a_pending_error() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = try_coroutine(async |mut y: Yielder<'_, u8, (), _>| {
        rx.await.expect("sent below");
        assert_eq!(y.yield_(1).await, Err(Thrown::Error("first")));
        y.interruptible(pending::<()>()).await
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.throw("first"), Err(Error::Pending));
    assert_eq!(body.close(), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.close(), Ok(None), "the exit is raised after the error");

    let (tx, rx) = oneshot::channel::<()>();
    let mut unaware = try_coroutine(async |_: Yielder<'_, (), (), Thrown<&str>>| {
        rx.await.expect("sent below");
        Ok(())
    });
    assert_eq!(unaware.resume(), Err(Error::Pending));
    assert_eq!(unaware.throw("not raised"), Err(Error::Pending));
    assert_eq!(unaware.close(), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(unaware.close(), Err(Error::Raised("not raised")));
}

#[test]
fn an_exit_without_a_next_yield_is_a_clean_close() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = coroutine(async |_: Yielder<'_>| {
        rx.await.expect("sent below");
        Ok("unaware")
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.close(), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.close(), Ok(Some("unaware")));
}

#[test]
fn an_error_does_not_replace_a_pending_exit() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = try_coroutine(async |mut y: Yielder<'_, u8, (), _>| {
        rx.await.expect("sent below");
        assert_eq!(y.yield_(1).await, Err(Thrown::Error("second")));
        y.interruptible(pending::<()>()).await
    });
    assert_eq!(body.resume(), Err(Error::Pending));
    assert_eq!(body.close(), Err(Error::Pending));
    assert_eq!(body.throw("second"), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.resume(), Err(Error::GeneratorExit), "the exit is raised after the error");
}

#[test]
fn an_error_that_was_not_raised_is_returned_by_a_body_that_exits() {
    let (tx, rx) = oneshot::channel::<()>();
    let mut body = try_coroutine(async |mut y: Yielder<'_, u8, (), _>| {
        let exit = y.yield_(1).await;
        rx.await.expect("sent below");
        exit
    });
    assert_eq!(body.resume(), Ok(Step::Yielded(1)));
    assert_eq!(body.close(), Err(Error::Pending));
    assert_eq!(body.throw("not raised"), Err(Error::Pending));
    tx.send(()).unwrap();
    assert_eq!(body.resume(), Err(Error::Raised("not raised")));
}

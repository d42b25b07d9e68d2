//! A second operation while one is suspended. It takes a managed generator, which can be shared.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_test::task::{self, Spawn};
use tokio_test::{assert_pending, assert_ready};
use withal::coroutine::{Thrown, Yielder};
use withal::generator::{Error, ManagedGenerator, try_generator};

use super::MyError;

const RUNNING: &str = "asynchronous generator is already running";
const MINE: MyError = MyError("mine");

type Y<'g> = Yielder<'g, (), (), Thrown<MyError>>;
type Agen = ManagedGenerator<(), (), Thrown<MyError>>;

/// A second `await` of a future does not compile. Polling it by hand panics.
pub(super) fn assert_completed<F: Future>(future: &mut Spawn<F>) {
    assert!(catch_unwind(AssertUnwindSafe(|| drop(future.poll()))).is_err());
}

/// Awaits for ever, and counts the errors that it catches.
async fn awaits(y: &mut Y<'_>, caught: &AtomicU32) -> Result<(), Thrown<MyError>> {
    loop {
        match y.interruptible(pending::<()>()).await {
            Err(Thrown::Error(_)) => caught.fetch_add(1, Ordering::Relaxed),
            other => return other,
        };
    }
}

/// A generator that awaits from the start.
fn awaiting() -> (Agen, Arc<AtomicU32>) {
    let caught = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&caught);
    (try_generator(async move |mut y| awaits(&mut y, &counter).await).managed(), caught)
}

/// A generator that yields once, and awaits after an error was thrown in.
fn yielding() -> (Agen, Arc<AtomicU32>) {
    let caught = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&caught);
    let agen = try_generator(async move |mut y: Y<'_>| {
        if y.yield_(()).await == Err(Thrown::Error(MINE)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        awaits(&mut y, &counter).await
    });
    (agen.managed(), caught)
}

/// Python's `gen2.throw(error)` while `gen` is suspended: refused, then completed, and not raised in the body.
fn assert_throw_is_refused<F: Future>(first: &mut Spawn<F>, agen: &Agen, caught: &AtomicU32) {
    let before = caught.load(Ordering::Relaxed);
    let mut gen2 = task::spawn(agen.athrow(MINE));
    let refused = assert_ready!(gen2.poll()).unwrap_err();
    assert_eq!(refused.to_string(), RUNNING);
    assert_eq!(refused, Error::Running(None));
    assert_completed(&mut gen2);
    assert!(first.poll().is_pending());
    assert_eq!(caught.load(Ordering::Relaxed), before);
}

#[test]
fn asend_throw_concurrent_with_send_is_refused() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let (agen, caught) = awaiting();
    let mut first = task::spawn(agen.asend(()));
    assert_pending!(first.poll());
    drop(agen.asend(()));
    assert_throw_is_refused(&mut first, &agen, &caught);
}

#[test]
fn athrow_throw_concurrent_with_send_is_refused() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let (agen, caught) = awaiting();
    let mut first = task::spawn(agen.asend(()));
    assert_pending!(first.poll());
    drop(agen.athrow(MyError("never polled")));
    assert_throw_is_refused(&mut first, &agen, &caught);
}

#[test]
fn asend_throw_concurrent_with_throw_is_refused() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let (agen, caught) = yielding();
    assert!(now!(agen.asend(())).is_ok());
    let mut first = task::spawn(agen.athrow(MINE));
    assert_pending!(first.poll());
    assert_eq!(caught.load(Ordering::Relaxed), 1, "by the yield");
    drop(agen.asend(()));
    assert_throw_is_refused(&mut first, &agen, &caught);
}

#[test]
fn athrow_throw_concurrent_with_throw_is_refused() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let (agen, caught) = yielding();
    assert!(now!(agen.asend(())).is_ok());
    let mut first = task::spawn(agen.athrow(MINE));
    assert_pending!(first.poll());
    assert_eq!(caught.load(Ordering::Relaxed), 1, "by the yield");
    drop(agen.athrow(MyError("never polled")));
    assert_throw_is_refused(&mut first, &agen, &caught);
}

#[test]
fn asend_send_already_running_is_refused() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let (agen, _) = awaiting();
    let mut first = task::spawn(agen.asend(()));
    assert_pending!(first.poll());
    let refused = now!(agen.asend(())).unwrap_err();
    assert_eq!(refused.to_string(), RUNNING);
    assert_eq!(refused, Error::Running(Some(())), "the value is returned");
    assert_pending!(first.poll());
}

#[test]
fn athrow_send_already_running_is_refused() {
    withal_test_support::expect_reports("async generator was abandoned: no runtime");
    let (agen, caught) = awaiting();
    let mut first = task::spawn(agen.asend(()));
    assert_pending!(first.poll());
    let refused = now!(agen.athrow(MINE)).unwrap_err();
    assert_eq!(refused.to_string(), RUNNING);
    assert_pending!(first.poll());
    assert_eq!(caught.load(Ordering::Relaxed), 0);
}

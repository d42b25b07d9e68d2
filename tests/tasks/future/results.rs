//! Results, and the ways to wait for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_test::{assert_pending, assert_ready, task};
use withal::tasks::{Error, InvalidState, Promise, TaskHandle};

use super::{LONG, new, with_exception, with_result};
use crate::Failed;

#[test]
fn repr() {
    let (promise, future) = new();
    assert_eq!(format!("{future:?}"), "TaskHandle { state: pending, .. }");
    assert!(promise.set_running());
    assert_eq!(format!("{future:?}"), "TaskHandle { state: running, .. }");
    promise.set_result(5).unwrap();
    assert_eq!(format!("{future:?}"), "TaskHandle { state: finished, .. }");
    assert_eq!(format!("{:?}", with_exception()), "TaskHandle { state: finished, .. }");
    let (_promise, future) = new();
    future.cancel();
    assert_eq!(format!("{future:?}"), "TaskHandle { state: cancelled, .. }");
}

#[test]
fn cancel() {
    let (promise, future) = new();
    assert!(future.cancel(), "pending");
    assert!(future.cancelled());
    assert!(promise.cancelled());
    assert!(!promise.set_running(), "the work must not start");
    assert!(!future.cancel(), "cancelled: false as in asyncio; PEP 3148 returns true");

    let (promise, future) = new();
    assert!(promise.set_running());
    assert!(!future.cancel(), "running");
    assert!(!future.cancelled());
    promise.set_result(5).unwrap();
    assert!(!future.cancel(), "finished");
    assert_eq!(future.result(), Ok(&5));
    assert!(!with_exception().cancel(), "failed");
}

#[test]
fn cancelled_done_and_running() {
    let (promise, future) = new();
    assert_eq!((future.cancelled(), future.done(), future.running()), (false, false, false));
    assert!(promise.set_running());
    assert_eq!((future.cancelled(), future.done(), future.running()), (false, false, true));
    promise.set_result(5).unwrap();
    assert_eq!((future.cancelled(), future.done(), future.running()), (false, true, false));
    let (_promise, future) = new();
    future.cancel();
    assert_eq!((future.cancelled(), future.done(), future.running()), (true, true, false));
    let future = with_exception();
    assert_eq!((future.cancelled(), future.done(), future.running()), (false, true, false));
}

#[test]
fn work_can_be_started_only_once() {
    let (promise, future) = new();
    assert!(promise.set_running());
    assert!(!promise.set_running(), "only the first call starts the work");
    assert!(future.running());
}

#[test]
fn result_with_timeout() {
    let (promise, future) = new();
    assert_eq!(future.blocking_result_timeout(Duration::ZERO), Err(Error::TimedOut));
    assert!(promise.set_running());
    assert_eq!(future.blocking_result_timeout(Duration::from_millis(1)), Err(Error::TimedOut));
    assert_eq!(with_result(5).blocking_result_timeout(Duration::ZERO), Ok(&5));
    assert_eq!(with_exception().blocking_result_timeout(Duration::ZERO), Err(Error::Raised(&Failed("test"))));
    future.cancel();
    drop(promise);
    assert_eq!(future.blocking_result_timeout(Duration::MAX), Err(Error::Cancelled));
}

#[test]
fn result_with_success() {
    let (promise, future) = new();
    let thread = std::thread::spawn(move || promise.set_result(42));
    assert_eq!(future.blocking_result_timeout(LONG), Ok(&42));
    assert_eq!(future.blocking_result(), Ok(&42), "the result can be borrowed any number of times");
    thread.join().unwrap().unwrap();
}

#[test]
fn result_with_cancel() {
    let (_promise, future) = new();
    let abort_handle = future.abort_handle();
    let thread = std::thread::spawn(move || abort_handle.cancel());
    assert_eq!(future.blocking_result_timeout(LONG), Err(Error::Cancelled));
    assert!(thread.join().unwrap());
    assert_eq!(future.result(), Err(Error::Cancelled));
    assert_eq!(future.exception(), Err(Error::Cancelled), "Python raises it, too");
}

#[test]
fn exception_with_success() {
    assert_eq!(with_exception().exception(), Ok(Some(Error::Raised(&Failed("test")))));
    assert_eq!(with_result(5).exception(), Ok(None));
    let (_promise, future) = new();
    assert_eq!(future.exception(), Err(Error::NotReady));
}

#[test]
fn errors_can_be_matched_by_predicates() {
    let predicates = |error: &Error<&Failed>| (error.is_cancelled(), error.is_panic(), error.is_timeout());
    let (promise, future) = new();
    assert_eq!(
        predicates(&future.blocking_result_timeout(Duration::ZERO).unwrap_err()),
        (false, false, true)
    );
    assert_eq!(predicates(&future.result().unwrap_err()), (false, false, false), "not ready");
    drop(promise);
    assert_eq!(predicates(&future.result().unwrap_err()), (true, false, false));
    assert_eq!(predicates(&with_exception().result().unwrap_err()), (false, false, false));
}

#[test]
fn the_result_of_pending_work_is_not_ready() {
    let (_promise, future) = new();
    let error = future.result().unwrap_err();
    assert_eq!((error.to_string().as_str(), error), ("result is not ready", Error::NotReady));
}

#[test]
fn into_result_moves_the_result_out() {
    assert_eq!(with_result(5).into_result(), Ok(5));
    let future = with_exception();
    assert!(future.result().is_err());
    assert_eq!(future.into_result(), Err(Error::Raised(Failed("test"))), "also after it was borrowed");
    let (_promise, future) = new();
    assert_eq!(future.into_result(), Err(Error::NotReady));
}

#[test]
fn a_result_after_the_cancel_is_returned_to_the_caller() {
    let (promise, future) = new();
    future.cancel();
    let refused = promise.set_result(7).unwrap_err();
    assert_eq!(refused, InvalidState(7));
    assert_eq!(refused.to_string(), "invalid state: the future was cancelled");
    let (promise, future) = new();
    future.cancel();
    assert_eq!(promise.set_exception(Failed("late")), Err(InvalidState(Failed("late"))));
}

#[test]
fn dropping_the_promise_cancels_the_handle() {
    let (promise, future) = new();
    let mut waits = task::spawn(future);
    assert_pending!(waits.poll());
    drop(promise);
    assert!(waits.is_woken());
    assert_eq!(assert_ready!(waits.poll()), Err(Error::Cancelled));
}

#[test]
fn await_moves_the_value_out_even_after_it_was_borrowed() {
    let mut future = with_result(5);
    assert_eq!(future.result(), Ok(&5));
    assert_eq!(assert_ready!(task::spawn(&mut future).poll()), Ok(5));
    assert_eq!(future.result(), Err(Error::AlreadyAwaited));
    assert_eq!(Error::<Failed>::AlreadyAwaited.to_string(), "cannot reuse already awaited future");
}

#[test]
#[should_panic(expected = "polled after its result was moved out")]
fn awaiting_twice_panics() {
    let mut future = with_result(5);
    drop(assert_ready!(task::spawn(&mut future).poll()));
    drop(task::spawn(&mut future).poll());
}

/// A `select!` whose other branch wins loses no result.
#[test]
fn awaiting_a_borrowed_handle_is_cancel_safe() {
    let (promise, mut future) = new();
    assert_pending!(task::spawn(&mut future).poll());
    promise.set_result(5).unwrap();
    assert_eq!(assert_ready!(task::spawn(&mut future).poll()), Ok(5));
}

#[test]
fn many_threads_borrow_the_same_result() {
    let (promise, future) = Promise::<String, Failed>::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| std::ptr::from_ref(future.blocking_result().unwrap()) as usize))
            .collect();
        promise.set_result("one".to_owned()).unwrap();
        let addresses: std::collections::HashSet<_> =
            threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(addresses.len(), 1);
    });
}

/// A waker that owns a user of the handle, as the wakers of executors own their tasks.
struct OwnsAbortHandle(Mutex<Option<withal::tasks::AbortHandle>>);

impl std::task::Wake for OwnsAbortHandle {
    fn wake(self: Arc<Self>) {}
}

impl Drop for OwnsAbortHandle {
    fn drop(&mut self) {
        if let Some(abort_handle) = self.0.get_mut().unwrap().take() {
            abort_handle.cancel();
        }
    }
}

#[test]
fn a_replaced_waker_may_use_the_handle_when_it_is_dropped() {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    let (promise, mut future) = new();
    let waker = Waker::from(Arc::new(OwnsAbortHandle(Mutex::new(Some(future.abort_handle())))));
    let poll = |future: &mut TaskHandle<u32, Failed>, waker: &Waker| {
        Future::poll(Pin::new(future), &mut Context::from_waker(waker))
    };
    assert!(poll(&mut future, &waker).is_pending());
    drop(waker);
    assert!(poll(&mut future, Waker::noop()).is_pending());
    assert!(promise.cancelled());
}

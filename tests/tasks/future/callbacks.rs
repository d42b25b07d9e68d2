//! Callbacks of handles.

use std::sync::{Arc, mpsc};

use tokio_test::{assert_pending, assert_ready, task};
use withal::tasks::Error;

use super::{LONG, callback_of, new, with_exception, with_result};
use crate::{Failed, Log, LogOnDrop};

#[test]
fn done_callback_with_result() {
    let (promise, future) = new();
    let seen = callback_of(&future);
    promise.set_result(5).unwrap();
    assert_eq!(*seen.lock().unwrap(), [Ok(5)]);
}

#[test]
fn done_callback_with_exception() {
    let (promise, future) = new();
    let seen = callback_of(&future);
    promise.set_exception(Failed("test")).unwrap();
    assert_eq!(*seen.lock().unwrap(), [Err(Error::Raised(Failed("test")))]);
}

#[test]
fn done_callback_with_cancel() {
    let (_promise, future) = new();
    let seen = callback_of(&future);
    assert!(future.cancel());
    assert_eq!(*seen.lock().unwrap(), [Err(Error::Cancelled)]);
}

#[test]
fn done_callback_raises_and_the_next_is_called() {
    let (promise, future) = new();
    future.add_done_callback(|_| panic!("doh!"));
    let seen = callback_of(&future);
    promise.set_result(5).unwrap();
    assert_eq!(*seen.lock().unwrap(), [Ok(5)]);
    assert_eq!(future.result(), Ok(&5), "the handle is not affected");
}

#[test]
fn done_callback_already_successful() {
    assert_eq!(*callback_of(&with_result(5)).lock().unwrap(), [Ok(5)]);
}

#[test]
fn done_callback_already_failed() {
    assert_eq!(*callback_of(&with_exception()).lock().unwrap(), [Err(Error::Raised(Failed("test")))]);
}

#[test]
fn done_callback_already_cancelled() {
    let (_promise, future) = new();
    assert!(future.cancel());
    assert_eq!(*callback_of(&future).lock().unwrap(), [Err(Error::Cancelled)]);
}

#[test]
fn done_callback_raises_already_succeeded() {
    let future = with_result(5);
    future.add_done_callback(|_| panic!("doh!"));
    assert_eq!(future.result(), Ok(&5));
}

#[test]
fn callbacks_are_called_in_order_and_before_waiting_tasks_are_woken() {
    let (promise, mut future) = new();
    let log = Log::default();
    for n in 0..3 {
        let log = log.clone();
        future.add_done_callback(move |_| log.push(n));
    }
    {
        let mut waits = task::spawn(&mut future);
        assert_pending!(waits.poll());
        promise.set_result(5).unwrap();
        assert!(waits.is_woken());
    }
    assert_eq!(log.take(), ["0", "1", "2"]);
}

#[test]
fn a_callback_added_after_the_await_is_not_called() {
    let mut future = with_result(5);
    assert_eq!(assert_ready!(task::spawn(&mut future).poll()), Ok(5));
    assert!(callback_of(&future).lock().unwrap().is_empty());
}

#[test]
fn the_payload_of_a_panicking_callback_may_panic_on_drop() {
    let (promise, future) = new();
    future.add_done_callback(|_| std::panic::panic_any(crate::PanicOnDrop));
    promise.set_result(1).unwrap();
    assert_eq!(future.blocking_result_timeout(LONG).unwrap(), &1);
}

#[test]
fn in_a_callback_the_handle_is_not_done_and_does_not_block() {
    let (promise, future) = new();
    let future = Arc::new(future);
    let (sender, seen) = mpsc::channel();
    let own = Arc::clone(&future);
    future.add_done_callback(move |result| {
        let waited = own.blocking_result().copied().map_err(|error| error.is_cancelled());
        let in_time = own.blocking_result_timeout(LONG).is_ok();
        sender.send((result.clone(), own.done(), waited, in_time)).unwrap();
    });
    promise.set_result(5).unwrap();
    assert_eq!(seen.recv(), Ok((Ok(5), false, Err(false), false)));
    assert_eq!(future.blocking_result(), Ok(&5));
}

#[test]
fn the_payload_of_a_panicking_callback_is_dropped() {
    let ((promise, future), log) = (new(), Log::default());
    let noted = LogOnDrop::new("dropped", &log);
    future.add_done_callback(move |_| std::panic::panic_any(noted));
    promise.set_result(5).unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

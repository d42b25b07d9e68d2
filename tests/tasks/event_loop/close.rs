//! Closing a loop, and what that drops.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::thread;

use withal::tasks::{Error, EventLoop, LoopError};

use super::{SECOND, new, yield_once};
use crate::{Failed, Log, LogOnDrop, PanicOnDrop};

#[test]
fn close() {
    let (event_loop, log) = (new(), Log::default());
    assert!(!event_loop.is_closed());
    let (noted, in_callback) = (LogOnDrop::new("task", &log), LogOnDrop::new("call", &log));
    let task = event_loop.create_task(async move {
        let _noted = noted;
        pending::<Result<(), Infallible>>().await
    });
    event_loop.call_soon(move || drop(in_callback)).unwrap();
    event_loop.close().unwrap();
    assert!(event_loop.is_closed());
    let mut dropped = log.take();
    dropped.sort();
    assert_eq!(dropped, ["call", "task"]);
    assert_eq!(task.unwrap().result(), Err(Error::Cancelled));
    event_loop.close().unwrap();

    assert_eq!(event_loop.run_forever(), Err(LoopError::Closed));
    assert_eq!(event_loop.run_until_complete(async {}), Err(LoopError::Closed));
    assert_eq!(event_loop.call_soon(|| ()).unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.call_later(SECOND, || ()).unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.time().unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.create_task(async { Ok::<_, Failed>(()) }).unwrap_err(), LoopError::Closed);
    assert_eq!(event_loop.handle().call_soon_threadsafe(|| ()), Err(LoopError::Closed));
    assert_eq!(LoopError::Closed.to_string(), "event loop is closed");
    assert!(LoopError::Closed.is_closed() && !LoopError::Closed.is_stopped());
}

#[test]
fn dropping_the_last_clone_closes_the_loop() {
    let (event_loop, log) = (new(), Log::default());
    let (clone, noted) = (event_loop.clone(), LogOnDrop::new("dropped", &log));
    let handle = event_loop.call_later(SECOND, move || drop(noted)).unwrap();
    drop(event_loop);
    assert!(log.take().is_empty());
    drop(clone);
    assert_eq!(log.take(), ["dropped"], "a callback handle does not keep the loop open");
    handle.cancel();
    assert!(handle.cancelled());
}

#[test]
fn close_drops_the_exception_handler() {
    let (event_loop, log) = (new(), Log::default());
    let (noted, inside) = (LogOnDrop::new("handler", &log), event_loop.clone());
    event_loop.set_exception_handler(move |_| {
        let _held = (&noted, &inside);
    });
    event_loop.close().unwrap();
    assert_eq!(log.take(), ["handler"]);
}

#[test]
fn close_cancels_all_tasks_despite_panicking_destructors() {
    let event_loop = new();
    let task = |_| {
        let bomb = PanicOnDrop;
        let work = async move {
            let _bomb = bomb;
            pending::<Result<(), Failed>>().await
        };
        event_loop.create_task(work).unwrap()
    };
    let tasks: Vec<_> = (0..3).map(task).collect();
    let bomb = PanicOnDrop;
    event_loop.call_soon(move || drop(bomb)).unwrap();
    event_loop.close().unwrap();
    assert!(tasks.iter().all(withal::tasks::TaskHandle::done));
}

#[test]
fn close_drops_everything_despite_panicking_destructors() {
    let (event_loop, log) = (new(), Log::default());
    for _ in 0..2 {
        let (bomb, noted) = (PanicOnDrop, LogOnDrop::new("later", &log));
        event_loop.call_later(SECOND, move || drop((bomb, noted))).unwrap();
        let (bomb, noted) = (PanicOnDrop, LogOnDrop::new("sent", &log));
        event_loop.handle().call_soon_threadsafe(move || drop((bomb, noted))).unwrap();
    }
    let (bomb, noted) = (PanicOnDrop, LogOnDrop::new("handler", &log));
    event_loop.set_exception_handler(move |_| {
        let _held = (&bomb, &noted);
    });
    event_loop.close().unwrap();
    let mut dropped = log.take();
    dropped.sort();
    assert_eq!(dropped, ["handler", "later", "later", "sent", "sent"]);
}

thread_local!(static KEPT: RefCell<Option<EventLoop>> = const { RefCell::new(None) });

#[test]
fn a_loop_in_a_thread_local_closes_with_its_thread() {
    let log = Log::default();
    let noted = LogOnDrop::new("dropped", &log);
    let thread = thread::spawn(move || {
        // Thread-locals are destroyed in the reverse order of their initialization: this one last.
        KEPT.set(None);
        let event_loop = new();
        event_loop.call_later(SECOND, move || drop(noted)).unwrap();
        event_loop.run_until_complete(yield_once()).unwrap();
        KEPT.set(Some(event_loop));
    });
    thread.join().unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

/// Looks up the current loop when it is dropped, and logs the error.
struct LooksUpLoop(Log);

impl Drop for LooksUpLoop {
    fn drop(&mut self) {
        self.0.push(EventLoop::current().unwrap_err());
    }
}

thread_local!(static LOOKUP: RefCell<Option<LooksUpLoop>> = const { RefCell::new(None) });

#[test]
fn current_fails_while_a_thread_ends() {
    let log = Log::default();
    let lookup = LooksUpLoop(log.clone());
    let thread = thread::spawn(move || {
        // Thread-locals are destroyed in the reverse order of their initialization: this one last.
        LOOKUP.set(Some(lookup));
        new().run_until_complete(yield_once()).unwrap();
    });
    thread.join().unwrap();
    assert_eq!(log.take(), ["no running event loop"]);
}

#[tokio::test]
async fn a_closed_loop_reports_that_before_anything_else() {
    let event_loop = new();
    event_loop.close().unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Err(LoopError::Closed));
    assert_eq!(event_loop.run_forever(), Err(LoopError::Closed));
}

/// The loop and its callback form a reference cycle, which leaks.
#[test]
fn a_clone_held_by_a_callback_keeps_the_loop_open() {
    let (event_loop, log) = (new(), Log::default());
    let held = (event_loop.clone(), LogOnDrop::new("dropped", &log));
    event_loop.call_later(SECOND, move || drop(held)).unwrap();
    drop(event_loop);
    assert!(log.take().is_empty());
}

//! What a loop drops when it is closed.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::thread;

use withal::tasks::{Error, EventLoop, LoopError};

use super::{SECOND, new, yield_once};
use crate::{Bomb, Failed, Log, Noted};

#[test]
fn close() {
    let (event_loop, log) = (new(), Log::default());
    assert!(!event_loop.is_closed());
    let (noted, of_call) = (Noted::new("task", &log), Noted::new("call", &log));
    let task = event_loop.create_task(async move {
        let _noted = noted;
        pending::<Result<(), Infallible>>().await
    });
    event_loop.call_soon(move || drop(of_call)).unwrap();
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
}

#[test]
fn the_last_handle_closes_it() {
    let (event_loop, log) = (new(), Log::default());
    let (clone, noted) = (event_loop.clone(), Noted::new("dropped", &log));
    let handle = event_loop.call_later(SECOND, move || drop(noted)).unwrap();
    drop(event_loop);
    assert!(log.take().is_empty());
    drop(clone);
    assert_eq!(log.take(), ["dropped"], "that of a callback does not count");
    handle.cancel();
    assert!(handle.cancelled());
}

#[test]
fn close_drops_the_exception_handler() {
    let (event_loop, log) = (new(), Log::default());
    let (noted, inside) = (Noted::new("handler", &log), event_loop.clone());
    event_loop.set_exception_handler(move |_| {
        let _held = (&noted, &inside);
    });
    event_loop.close().unwrap();
    assert_eq!(log.take(), ["handler"]);
}

#[test]
fn close_cancels_all_also_where_a_drop_panics() {
    let event_loop = new();
    let task = |_| {
        let bomb = Bomb;
        let work = async move {
            let _bomb = bomb;
            pending::<Result<(), Failed>>().await
        };
        event_loop.create_task(work).unwrap()
    };
    let tasks: Vec<_> = (0..3).map(task).collect();
    let bomb = Bomb;
    event_loop.call_soon(move || drop(bomb)).unwrap();
    event_loop.close().unwrap();
    assert!(tasks.iter().all(withal::tasks::TaskHandle::done));
}

#[test]
fn close_drops_callbacks_and_the_handler_also_where_a_drop_panics() {
    let (event_loop, log) = (new(), Log::default());
    for _ in 0..2 {
        let (bomb, noted) = (Bomb, Noted::new("later", &log));
        event_loop.call_later(SECOND, move || drop((bomb, noted))).unwrap();
        let (bomb, noted) = (Bomb, Noted::new("sent", &log));
        event_loop.handle().call_soon_threadsafe(move || drop((bomb, noted))).unwrap();
    }
    let (bomb, noted) = (Bomb, Noted::new("handler", &log));
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
fn it_may_end_with_its_thread() {
    let log = Log::default();
    let noted = Noted::new("dropped", &log);
    let ends = thread::spawn(move || {
        // It ends last that is there first.
        KEPT.set(None);
        let event_loop = new();
        event_loop.call_later(SECOND, move || drop(noted)).unwrap();
        event_loop.run_until_complete(yield_once()).unwrap();
        KEPT.set(Some(event_loop));
    });
    ends.join().unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

/// Asks for the loop that runs as its thread ends.
struct Asks(Log);

impl Drop for Asks {
    fn drop(&mut self) {
        self.0.push(EventLoop::current().unwrap_err());
    }
}

thread_local!(static ASKS: RefCell<Option<Asks>> = const { RefCell::new(None) });

#[test]
fn no_loop_runs_as_a_thread_ends() {
    let log = Log::default();
    let asks = Asks(log.clone());
    let ends = thread::spawn(move || {
        // It ends last that is there first.
        ASKS.set(Some(asks));
        new().run_until_complete(yield_once()).unwrap();
    });
    ends.join().unwrap();
    assert_eq!(log.take(), ["no running event loop"]);
}

#[tokio::test]
async fn closed_it_says_so_wherever_it_is_to_run() {
    let event_loop = new();
    event_loop.close().unwrap();
    assert_eq!(event_loop.run_until_complete(yield_once()), Err(LoopError::Closed));
    assert_eq!(event_loop.run_forever(), Err(LoopError::Closed));
}

/// A circle of `Rc`s, which nobody can break then.
#[test]
fn a_handle_that_it_holds_itself_keeps_it_from_being_closed() {
    let (event_loop, log) = (new(), Log::default());
    let held = (event_loop.clone(), Noted::new("dropped", &log));
    event_loop.call_later(SECOND, move || drop(held)).unwrap();
    drop(event_loop);
    assert!(log.take().is_empty());
}

//! What a loop drops when it is closed.

use std::convert::Infallible;
use std::future::pending;

use withal::tasks::{Error, LoopError};

use super::{SECOND, new};
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
    assert_eq!(event_loop.threadsafe().call_soon_threadsafe(|| ()), Err(LoopError::Closed));
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
    assert!(tasks.iter().all(withal::tasks::Future::done));
}

#[test]
fn close_drops_callbacks_and_the_handler_also_where_a_drop_panics() {
    let (event_loop, log) = (new(), Log::default());
    for _ in 0..2 {
        let (bomb, noted) = (Bomb, Noted::new("later", &log));
        event_loop.call_later(SECOND, move || drop((bomb, noted))).unwrap();
        let (bomb, noted) = (Bomb, Noted::new("sent", &log));
        event_loop.threadsafe().call_soon_threadsafe(move || drop((bomb, noted))).unwrap();
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

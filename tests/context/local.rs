//! Managers that are not `Send`: on a current-thread runtime, in a `LocalSet`, beside managers that are.

#![allow(clippy::items_after_statements, reason = "each item stands where it is used")]

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::Mutex;
use tokio::task::{LocalSet, spawn_local, yield_now};
use withal::cleanup::drain;
use withal::context::{
    AsyncExitStack, Detach, Error, ExitKind, ExitReason, LocalAsyncContextManager, LocalAsyncGuard,
    async_with, async_with_local, local, on_exit,
};
use withal_test_support::event_log::{EventLog, kind};
use withal_test_support::probes;

use crate::managers::drop_while_pending;

probes!(Detached: Detach);

type Log = Rc<RefCell<Vec<String>>>;

/// Records its exit, in a log that is not `Send`.
struct Session {
    log: Log,
    name: &'static str,
    enter: Result<(), &'static str>,
    exit: Result<bool, &'static str>,
}

fn session(log: &Log, name: &'static str) -> Session {
    Session { log: log.clone(), name, enter: Ok(()), exit: Ok(false) }
}

impl LocalAsyncContextManager for Session {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, &'static str> {
        yield_now().await;
        self.enter.map(|()| self)
    }
}

impl LocalAsyncGuard for Session {
    type Target = Log;
    type Error = &'static str;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Log {
        &mut self.log
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, &'static str> {
        self.log.borrow_mut().push(format!("<{}:{}", self.name, kind(&exit)));
        yield_now().await;
        self.log.borrow_mut().push(format!("{}>", self.name));
        self.exit
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.log.borrow_mut().push(format!("~{}", self.name));
    }
}

fn entries(log: &Log) -> String {
    log.take().join(" ")
}

#[tokio::test]
async fn the_exit_is_awaited_on_every_path() {
    let log = Log::default();
    let value = async_with!(log = local(session(&log, "a")) => { log.borrow_mut().push("block".into()); 7 });
    assert_eq!((value, entries(&log)), (Ok(Some(7)), "block <a:ok a> ~a".into()));

    async fn fails(log: &Log, suppresses: bool) -> Result<Option<u32>, &'static str> {
        let mut session = session(log, "a");
        session.exit = Ok(suppresses);
        async_with!(_ = local(session) => { Err("block")? })
    }
    assert_eq!((fails(&log, false).await, entries(&log)), (Err("block"), "<a:error a> ~a".into()));
    assert_eq!((fails(&log, true).await, entries(&log)), (Ok(None), "<a:error a> ~a".into()));

    async fn jumps(log: &Log) -> Result<u32, &'static str> {
        for n in 0..3 {
            async_with!(loop; _ = local(session(log, "a")) => {
                if n == 0 { continue } else if n == 1 { break }
            })?;
        }
        async_with!(_ = local(session(log, "b")) => { return Ok(7) })?;
        Ok(1)
    }
    assert_eq!((jumps(&log).await, entries(&log)), (Ok(7), "<a:ok a> ~a <a:ok a> ~a <b:ok b> ~b".into()));

    let panics = log.clone();
    let set = LocalSet::new();
    let task = set.spawn_local(async move {
        let _ = async_with!(-> (); _ = local(session(&panics, "a")) => { panic!("in the block") });
    });
    set.await;
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(entries(&log), "<a:panic a> ~a");
}

#[tokio::test]
async fn the_errors_of_the_enter_and_the_exit_are_returned() {
    let log = Log::default();
    let mut failing = session(&log, "a");
    failing.enter = Err("enter");
    assert_eq!(async_with!(_ = local(failing) => {}), Err("enter"));
    let mut failing = session(&log, "b");
    failing.exit = Err("exit");
    assert_eq!(async_with!(_ = local(failing) => {}), Err("exit"));
    let mut failing = session(&log, "c");
    failing.exit = Err("exit");
    let result = async_with_local(failing, async |_| Err::<(), _>("block")).await;
    assert!(matches!(result, Err(Error::Exit { error: "exit", context: Some("block"), .. })));
    let result =
        async_with_local(session(&log, "d"), async |log| Ok::<_, Infallible>(log.borrow().len())).await;
    assert_eq!(result, Ok(Some(7)));
    assert_eq!(entries(&log), "~a <b:ok b> ~b <c:error c> ~c <d:ok d> ~d");
}

/// A dropped block exits its guard as a cleanup, and a dropped exit continues.
#[tokio::test]
async fn a_dropped_block_exits_the_guard() {
    let log = Log::default();
    drop_while_pending(async { async_with!(_ = local(session(&log, "a")) => { pending::<()>().await }) })
        .await;
    assert_eq!(log.take(), [""; 0]);
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(entries(&log), "<a:cancelled a> ~a");
    let mut exiting = Box::pin(async { async_with!(_ = local(session(&log, "b")) => {}) });
    assert!(futures::poll!(&mut exiting).is_pending());
    assert!(futures::poll!(&mut exiting).is_pending());
    drop(exiting);
    assert_eq!(entries(&log), "<b:ok");
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(entries(&log), "b> ~b");
}

/// Beside managers that are `Send`, in one macro, in either order, and around nested cleanups.
#[tokio::test]
async fn local_managers_are_entered_beside_others() {
    let (log, events, mutex) = (Log::default(), EventLog::new(), Mutex::new(1));
    let value = async_with!(n = &mutex, log = local(session(&log, "a")), m = Detached::new(&events, "b") => {
        log.borrow_mut().push(format!("block {}", *n + *m));
    });
    assert_eq!(value.unwrap(), Some(()));
    assert_eq!((entries(&log), events.entries()), ("block 8 <a:ok a> ~a".into(), "+b <b:ok b>".into()));

    // The exit of a cancelled block inside ends before the exit of the local manager begins.
    let value = async_with!(log = local(session(&log, "a")) => {
        drop_while_pending(async { async_with!(_ = Detached::new(&events, "c") => { pending::<()>().await }) }).await;
        log.borrow_mut().push("dropped".into());
    });
    assert_eq!(value.unwrap(), Some(()));
    assert_eq!(entries(&log), "dropped <a:ok a> ~a");
    assert!(events.entries().ends_with("<c:cancelled c>"));
    drain(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn local_managers_run_in_a_local_set() {
    let set = LocalSet::new();
    let log = Log::default();
    let used = log.clone();
    set.spawn_local(async move {
        let tasks = ["a", "b"].map(|name| {
            let log = used.clone();
            spawn_local(async move {
                async_with!(log = local(session(&log, name)) => { yield_now().await; log.borrow().len() })
            })
        });
        for task in tasks {
            assert!(task.await.unwrap().unwrap().is_some());
        }
    });
    set.await;
    let mut entries = log.take();
    entries.sort();
    assert_eq!(entries, ["<a:ok", "<b:ok", "a>", "b>", "~a", "~b"]);
}

/// A value that is not `Send`, with an async closure; a stack of `Send` managers inside.
#[tokio::test]
async fn a_value_that_is_not_send_has_an_async_exit() {
    let log = Rc::new(RefCell::new(Vec::<ExitKind>::new()));
    let exit = on_exit(Rc::clone(&log), async |log, exit| {
        yield_now().await;
        log.borrow_mut().push(exit);
    });
    let n = async_with!(log = local(exit) => {
        let entered = async_with!(_ = AsyncExitStack::new() => { yield_now().await; }).unwrap();
        assert_eq!(entered, Some(()));
        log.borrow().len()
    });
    assert_eq!((n, log.take()), (0, vec![ExitKind::Ok]));
}

/// A plain closure runs when it is called, before it returns the future of the body.
#[tokio::test]
async fn a_closure_that_panics_when_it_is_called() {
    let log = Log::default();
    let result =
        async_with_local(session(&log, "a"), |_: &mut Log| -> std::future::Ready<Result<(), Infallible>> {
            panic!("called")
        });
    let panic = AssertUnwindSafe(result).catch_unwind().await.unwrap_err();
    assert_eq!((panic.downcast_ref(), entries(&log)), (Some(&"called"), "<a:panic a> ~a".into()));
}

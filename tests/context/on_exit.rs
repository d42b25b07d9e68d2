//! Managers made of a value and an async closure.

#![allow(clippy::items_after_statements, reason = "each item stands where it is used")]

use std::future::pending;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::yield_now;
use withal::cleanup::drain;
use withal::context::{AsyncExitStack, Error, ExitKind, OnExit, async_with, on_exit};

use crate::managers::drop_while_pending;

type Log = Arc<Mutex<Vec<(u32, ExitKind)>>>;

/// A session whose logout takes the session itself.
struct Session(u32);

impl Session {
    async fn logout(self, exit: ExitKind, log: Log) {
        yield_now().await;
        log.lock().unwrap().push((self.0, exit));
    }
}

macro_rules! session {
    ($log:ident) => {{
        let log = Log::clone(&$log);
        on_exit(Session(6), async move |session, exit| session.logout(exit, log).await)
    }};
}

#[tokio::test]
async fn the_closure_receives_the_value_and_the_way_in_which_the_block_was_left() {
    let log = Log::default();
    let n = async_with!(session = session!(log) => { session.0 += 1; session.0 });
    assert_eq!(n, 7);
    let result = async {
        async_with!(_ = session!(log) => { Err::<(), _>(io::Error::other("refused"))? });
        Ok(())
    };
    let result: io::Result<()> = result.await;
    assert!(result.is_err());
    let panicked = session!(log);
    let task = tokio::spawn(async move { async_with!(-> (); _ = panicked => { panic!("in the block") }) });
    assert!(task.await.unwrap_err().is_panic());
    drop_while_pending(async { async_with!(_ = session!(log) => { pending::<()>().await }) }).await;
    drain(Duration::from_secs(60)).await.unwrap();
    let log = log.lock().unwrap();
    assert_eq!(log[0], (7, ExitKind::Ok));
    assert!(log[1].1.is::<io::Error>());
    assert!(log[2].1.is_panic());
    assert!(log[3].1.is_cancelled());
    assert_eq!(log.len(), 4);
}

#[tokio::test]
async fn the_closure_may_fail_and_may_suppress() {
    let result = async_with!(_ = on_exit((), async |(), _| Err::<(), _>("exit")) => {});
    assert_eq!(result, Err("exit"));
    async fn parse(text: &str) -> Result<Option<u32>, std::num::ParseIntError> {
        let or_none = on_exit((), async |(), exit| {
            Ok::<_, std::num::ParseIntError>(exit.is::<std::num::ParseIntError>())
        });
        async_with!(_ = or_none => { text.parse::<u32>()? })
    }
    assert_eq!(parse("7").await, Ok(Some(7)));
    assert_eq!(parse("seven").await, Ok(None));
    let result = async_with(on_exit(7, async |_, _| {}), async |n| Ok::<_, io::Error>(*n)).await;
    assert_eq!(result.map_err(Error::into_inner).unwrap(), 7);
}

#[tokio::test]
async fn an_exit_that_is_dropped_continues() {
    let log = Log::default();
    let mut scope = Box::pin(async { async_with!(_ = session!(log) => {}) });
    assert!(futures::poll!(&mut scope).is_pending());
    drop(scope);
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*log.lock().unwrap(), [(6, ExitKind::Ok)]);
}

/// The manager can be a field or a return type, and its closure can be a function.
#[tokio::test]
async fn a_function_returns_the_manager() {
    fn session(log: Log) -> OnExit<Session, impl AsyncFnOnce(Session, ExitKind)> {
        on_exit(Session(1), async move |session, exit| session.logout(exit, log).await)
    }
    drop(session(Log::default()));
    async fn close(_value: u32, exit: ExitKind) -> io::Result<()> {
        assert!(exit.is_ok());
        Ok(())
    }
    async_with!(n = on_exit(7, close) => { assert_eq!(*n, 7) }).unwrap();
}

/// The output of a closure that only panics has to be named.
#[tokio::test]
async fn a_closure_that_only_panics() {
    let exit = on_exit((), async |(), _exit| -> () { panic!("in the exit") });
    let scope = async { async_with!(_ = exit => {}) };
    let panic = AssertUnwindSafe(scope).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"in the exit"));
    let scope = async {
        async_with!(stack = AsyncExitStack::new() => {
            stack.push_async_callback(async || -> () { panic!("in the callback") });
        })
    };
    let panic = AssertUnwindSafe(scope).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"in the callback"));
}

//! Helpers for the tests of this section.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::sleep;
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason};

/// The error of work that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed: {0}")]
pub(crate) struct Failed(pub(crate) &'static str);

/// The events of a test, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, event: impl Display) {
        self.0.lock().unwrap().push(event.to_string());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A value whose destructor panics, unless the thread is panicking already.
pub(crate) struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "bomb");
    }
}

/// A value that logs its name when it is dropped.
pub(crate) struct LogOnDrop(&'static str, Log);

impl LogOnDrop {
    pub(crate) fn new(name: &'static str, log: &Log) -> Self {
        Self(name, log.clone())
    }

    pub(crate) fn log(&self, event: impl Display) {
        self.1.push(event);
    }
}

impl Drop for LogOnDrop {
    fn drop(&mut self) {
        self.1.push(self.0);
    }
}

/// A context manager with a slow exit, which logs the exit reason, and fails if it was given an error.
pub(crate) struct Slow<E = Infallible> {
    name: &'static str,
    duration: Duration,
    log: Log,
    error: Option<E>,
}

impl Slow {
    pub(crate) fn new(name: &'static str, duration: Duration, log: &Log) -> Self {
        Self { name, duration, log: log.clone(), error: None }
    }

    pub(crate) fn failing<E>(self, error: E) -> Slow<E> {
        Slow { name: self.name, duration: self.duration, log: self.log, error: Some(error) }
    }
}

impl<E: std::fmt::Debug + Send + 'static> AsyncContextManager for Slow<E> {
    type Guard = Self;
    async fn aenter(self) -> Result<Self, E> {
        Ok(self)
    }
}

impl<E: std::fmt::Debug + Send + 'static> AsyncGuard for Slow<E> {
    type Target = Self;
    type Error = E;
    type Suppression = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), E> {
        if !self.duration.is_zero() {
            sleep(self.duration).await;
        }
        self.log.push(format!("{} {exit:?}", self.name));
        self.error.take().map_or(Ok(()), Err)
    }
}

/// asyncio's `sleep(0)`: lets the other ready tasks run first.
pub(crate) async fn yield_once() {
    let mut is_woken = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(crate) fn waker_that_panics() -> Waker {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("awake");
        }
    }

    Waker::from(Arc::new(Panics))
}

//! What the tests of this section share.

use std::fmt::Display;
use std::sync::{Arc, Mutex};

/// An error like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed: {0}")]
pub(crate) struct Failed(pub(crate) &'static str);

/// What has happened, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, what: impl Display) {
        self.0.lock().unwrap().push(what.to_string());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Its drop panics.
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "bomb");
    }
}

/// Logs its drop.
pub(crate) struct Noted(&'static str, Log);

impl Noted {
    pub(crate) fn new(name: &'static str, log: &Log) -> Self {
        Self(name, log.clone())
    }

    pub(crate) fn log(&self, what: impl Display) {
        self.1.push(what);
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.1.push(self.0);
    }
}

//! The macros beside the expansions of PEP 492, written out by hand: the same programs, event for event.
//!
//! What a program does is written down in a [`Log`]: what it was asked, entered, exited, when it was dropped, and each
//! part of its blocks. The blocks are the same text in both; what is around them is not.

mod async_for;
mod async_with;
mod cancelled;
mod managers;
mod steps;

use std::fmt::Display;
use std::sync::{Arc, Mutex};

/// What happened, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn record(&self, event: impl Display) {
        self.0.lock().unwrap().push(event.to_string());
    }

    /// What happened since it was asked before.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

//! Compares the macros with the expansions of PEP 492, written by hand: both run the same programs, and have to produce the
//! same events.
//!
//! A program records its events in a [`Log`]: each call of a method, each enter and exit, each drop, and each part of its
//! blocks. The blocks are the same code in both forms; only the code around them differs.

mod async_for;
mod async_with;
mod cancelled;
mod managers;
mod steps;

use std::fmt::Display;
use std::sync::{Arc, Mutex};

/// The recorded events, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn record(&self, event: impl Display) {
        self.0.lock().unwrap().push(event.to_string());
    }

    /// Returns the events since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

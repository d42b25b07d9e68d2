//! `withal::tasks`, guarantee by guarantee.
//!
#![doc = include_str!("CPYTHON.md")]
#![expect(clippy::unit_arg, reason = "work that only logs is one expression")]

mod as_completed;
mod box_error;
mod cancel;
mod cpython_coverage;
mod event_loop;
mod executor;
mod future;
mod gather;
mod group;
mod in_place;
mod interrupts;
mod local_in_place;
mod sched;
mod support;
mod task;
mod timeout;
mod unretrieved;
mod wait;

use self::support::{Failed, Log, LogOnDrop, PanicOnDrop, Slow};

//! `withal::tasks`, promise by promise.
#![expect(clippy::unit_arg, reason = "work that logs and is fine is one expression")]

mod as_completed;
mod event_loop;
mod executor;
mod future;
mod gather;
mod group;
mod support;
mod task;
mod timeout;
mod wait;

use self::support::{Failed, Log, Noted};

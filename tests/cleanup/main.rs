//! Cleanups: their outcomes, the observers, the runtimes that they run on, and draining them.

mod completion;
mod drain;
mod graceful_shutdown;
mod lost_errors;
mod metrics;
mod moved;
mod observers;
mod outcomes;
mod recorded;
mod reports;
mod run_main;
mod runtimes;
mod shutdown;
#[cfg(unix)]
mod signals;
mod spans;

use self::recorded::RecordedEvents;

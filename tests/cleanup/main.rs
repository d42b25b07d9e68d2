//! Cleanups: their outcomes, the observers, the runtimes that they run on, and draining them.

mod completion;
mod drain;
mod metrics;
mod observers;
mod recorded;
mod runtimes;
mod shutdown;

use self::recorded::RecordedEvents;

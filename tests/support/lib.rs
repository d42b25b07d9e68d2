//! Test utilities that several test binaries of `withal` use.
//!
//! | module | contents |
//! |---|---|
//! | [`api`] | a paginated API in memory, which records its requests |
//! | [`throughput`] | the pages per second of an engine of a fleet |
//! | [`trace`] | the items and errors of a stream as one line of text |
//! | [`event_log`] | a log of enters and exits, and context managers ([`probes!`]) that write to it |
//! | [`reports`] | a function that runs a program, and returns the reports of its lost errors and panics |
//! | [`counting_allocator`] | an allocator that counts the bytes in use |
//! | [`poll_then_drop`] | [`cancel_at_every_await`](withal::testing::cancel_at_every_await) with a check, as one function |
//! | [`expected_reports`] | the reports of failures that tests provoke, which are not printed |
//! | [`chaos`] | the driver of the processes of a fleet, which kills, stops and terminates them |
//! | [`child_process`] | a function that runs a program in a child process, and returns what it prints |
//! | [`faults`] | coroutine bodies in which each call into user code panics once |
//! | [`fleet_model`] | random interleavings of the calls of a fleet's engine, compared with a trivial model |
//! | [`random`] | seeded random numbers |
//! | [`script`] | coroutine bodies that follow a random script |
//! | [`server`] | real servers, which end with their test |
//! | [`span_recorder`] | a `tracing` subscriber that records spans and events |

pub mod api;
pub mod chaos;
pub mod child_process;
pub mod counting_allocator;
pub mod event_log;
pub mod expected_reports;
pub mod faults;
pub mod fleet_model;
pub mod poll_then_drop;
pub mod random;
pub mod reports;
pub mod script;
#[cfg(unix)]
pub mod server;
pub mod span_recorder;
pub mod throughput;
pub mod trace;

pub use self::expected_reports::expect_reports;

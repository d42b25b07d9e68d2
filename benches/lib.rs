//! withal beside its peers: the groups of rows, and the harness that measures them.
//!
//! A group is one file under `groups/` with one table of rows, and a line in `groups/mod.rs`.

mod groups;
mod harness;

use std::process::ExitCode;

/// The main function of `cargo bench`; `counter` is the path of the program that counts allocations.
#[must_use]
pub fn compare(counter: &str) -> ExitCode {
    harness::compare(&groups::all(), counter)
}

/// The main function of the program that counts allocations; `allocated` is how many there were so far.
pub fn count_allocations(allocated: impl Fn() -> usize) -> ExitCode {
    harness::count_allocations(&groups::all(), allocated)
}

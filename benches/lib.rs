//! Compares withal with other crates: the groups of rows, and the harness that measures them.
//!
//! A group is a file under `groups/` with a table of rows, and a line in `groups/mod.rs`.

mod groups;
mod harness;

use std::process::ExitCode;

/// The main function of `cargo bench`; `counter` is the path of the program that counts allocations.
#[must_use]
pub fn compare(counter: &str) -> ExitCode {
    harness::compare(&groups::all(), counter)
}

/// The main function of the program that counts allocations; `allocated` returns the number of allocations so far.
pub fn count_allocations(allocated: impl Fn() -> usize) -> ExitCode {
    harness::count_allocations(&groups::all(), allocated)
}

//! `count-allocations GROUP`: prints the allocations per operation of each row of the group, one number per line.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    withal_benches::count_allocations(|| {
        let seen = COUNTING.stats();
        seen.allocations + seen.reallocations
    })
}

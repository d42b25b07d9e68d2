//! `count-allocations GROUP`: what each row of the group allocates an operation, one number a line.

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

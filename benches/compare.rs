//! Prints one table per group and writes `target/compare.json`; see `Cargo.toml` for the arguments.

use std::process::ExitCode;

fn main() -> ExitCode {
    withal_benches::compare(env!("CARGO_BIN_EXE_count-allocations"))
}

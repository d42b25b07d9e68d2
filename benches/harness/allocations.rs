//! Allocations per operation, counted by the program `count-allocations`.

use std::path::Path;
use std::process::Command;

use super::Group;

/// Returns the allocations per operation of each row, or `None` if the counter failed.
pub(super) fn measure(group: &str, counter: &Path) -> Option<Vec<f64>> {
    let run = Command::new(counter).arg(group).output().ok()?;
    if !run.status.success() {
        eprintln!("{group}: no allocations, {}", String::from_utf8_lossy(&run.stderr).trim());
        return None;
    }
    String::from_utf8(run.stdout).ok()?.lines().map(|line| line.parse().ok()).collect()
}

/// Prints the allocations of each row, one number per line. This runs in the counter.
pub(super) fn print(group: &Group, allocated: impl Fn() -> usize) {
    let (small, large) = group.sizes();
    for row in &group.rows {
        let allocations_of = |size| {
            let before = allocated();
            row.run(size);
            allocated() - before
        };
        // The first run also counts what is created once, such as the runtime.
        row.run(small);
        let (few, many) = (allocations_of(small), allocations_of(large));
        println!("{}", group.per_operation(few as u64, many as u64));
    }
}

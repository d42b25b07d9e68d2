//! Measures rows: time, instructions and allocations per operation.
//!
//! All figures come from one run of the program, since only figures from the same machine and time are comparable. Time is
//! the median of samples, taken from the rows in turn. Instructions (by callgrind, repeatable on a noisy machine) and
//! allocations are the difference between two runs of different sizes, which excludes the setup of a row.

mod allocations;
mod arguments;
mod group;
mod instructions;
mod report;
mod target;
mod time;

use std::path::Path;
use std::process::ExitCode;

use arguments::{Mode, Speed};
pub(crate) use group::{Clock, Group, Row};
use report::{Measured, Report};

pub(crate) fn compare(groups: &[Group], counter: &str) -> ExitCode {
    match arguments::parse(std::env::args().skip(1), groups) {
        Ok(Mode::List) => groups.iter().for_each(|group| println!("{}: benchmark", group.name)),
        Ok(Mode::Once { group, row, size }) => return once(groups, &group, &row, size),
        Ok(Mode::Check(chosen)) => chosen.iter().for_each(|&group| check(group)),
        Ok(Mode::Compare(chosen, speed)) => return measure(&chosen, speed, Path::new(counter)),
        Err(message) => return fail(&message),
    }
    ExitCode::SUCCESS
}

pub(crate) fn count_allocations(groups: &[Group], allocated: impl Fn() -> usize) -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    match groups.iter().find(|group| group.name == wanted) {
        Some(group) => allocations::print(group, allocated),
        None => return fail(&format!("no group {wanted:?}")),
    }
    ExitCode::SUCCESS
}

/// Runs every row once and briefly, for `cargo test`. Each row asserts that it received every item.
fn check(group: &Group) {
    for row in &group.rows {
        println!("{} {}", group.name, row.name);
        row.run(group.sizes().0);
    }
}

/// Runs one row, for callgrind.
fn once(groups: &[Group], group: &str, row: &str, size: u64) -> ExitCode {
    let rows = groups.iter().filter(|g| g.name == group).flat_map(|g| &g.rows);
    match rows.into_iter().find(|r| r.name == row) {
        Some(row) => _ = row.run(size),
        None => return fail(&format!("no row {row:?} in a group {group:?}")),
    }
    ExitCode::SUCCESS
}

fn measure(groups: &[&Group], speed: Speed, counter: &Path) -> ExitCode {
    let callgrind = instructions::Callgrind::find();
    if let Err(reason) = &callgrind {
        println!("Ir: null everywhere, {reason}\n");
    }
    let mut reports = Vec::new();
    for &group in groups {
        let times = time::measure(group, speed);
        let allocations = allocations::measure(&group.name, counter);
        let counts = callgrind.as_ref().ok().map(|callgrind| callgrind.measure(group));
        let rows = group.rows.iter().enumerate().map(|(at, row)| Measured {
            name: row.name,
            ir: counts.as_ref().and_then(|counts| counts[at]),
            ns: times[at],
            allocs: allocations.as_ref().and_then(|allocations| allocations.get(at).copied()),
        });
        let report = Report::new(group, rows.collect());
        println!("{report}");
        reports.push(report);
    }
    match report::write(&reports) {
        Ok(path) => println!("{}", path.display()),
        Err(error) => return fail(&format!("failed to write compare.json: {error}")),
    }
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

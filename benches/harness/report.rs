//! The tables, and `compare.json`.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::{Clock, Group, target};

/// The row that the others are compared with.
const BASE: &str = "hand-written";

#[derive(Serialize)]
pub(super) struct Report {
    group: String,
    rows: Vec<Measured>,
    #[serde(skip)]
    per: &'static str,
    #[serde(skip)]
    clock: Clock,
}

/// The figures of a row, per operation.
#[derive(Serialize)]
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) ir: Option<f64>,
    pub(super) ns: f64,
    pub(super) allocs: Option<f64>,
}

impl Report {
    pub(super) fn new(group: &Group, mut rows: Vec<Measured>) -> Self {
        for row in &mut rows {
            row.ns = round(row.ns);
            row.ir = row.ir.map(round);
            row.allocs = row.allocs.map(round);
        }
        Report { group: group.name.clone(), rows, per: group.per, clock: group.clock }
    }

    fn base(&self) -> Option<&Measured> {
        self.rows.iter().find(|row| row.name == BASE)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        writeln!(f, "{}, per {}", self.group, self.per)?;
        match self.clock {
            Clock::Wall => {
                let base = self.base().and_then(|row| row.ir);
                writeln!(
                    f,
                    "  {:width$}  {:>9}  {:>14}  {:>9}  {:>7}",
                    "", "Ir", "x hand-written", "ns", "allocs"
                )?;
                for row in &self.rows {
                    let ratio = row.ir.zip(base).map(|(ir, base)| ir / base);
                    let (ir, ratio, allocs) = (cell(row.ir, 1), cell(ratio, 2), cell(row.allocs, 2));
                    writeln!(f, "  {:width$}  {ir:>9}  {ratio:>14}  {:>9.1}  {allocs:>7}", row.name, row.ns)?;
                }
            }
            Clock::Paused { least, called } => {
                let ratio_of = format!("x {called}");
                writeln!(f, "  {:width$}  {:>9}  {ratio_of:>20}  {:>7}", "", "ms", "allocs")?;
                for row in &self.rows {
                    let (ms, ratio) = (row.ns / 1e6, row.ns / (least.as_secs_f64() * 1e9));
                    let allocs = cell(row.allocs, 2);
                    writeln!(f, "  {:width$}  {ms:>9.2}  {ratio:>20.2}  {allocs:>7}", row.name)?;
                }
                writeln!(f, "  Virtual time, exact. Ir is null: it would be that of the timer.")?;
            }
        }
        Ok(())
    }
}

fn cell(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}

/// Rounds a figure to its significant digits.
fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// Writes `compare.json` into the target directory of the workspace.
pub(super) fn write(reports: &[Report]) -> io::Result<PathBuf> {
    let path = target::directory()?.join("compare.json");
    fs::write(&path, serde_json::to_string_pretty(reports)? + "\n")?;
    Ok(path)
}

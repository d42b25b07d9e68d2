//! Instructions per operation: the program runs itself under callgrind, once per row and size.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tempfile::TempDir;

use super::arguments::ONCE;
use super::{Clock, Group};

pub(super) struct Callgrind {
    this_program: PathBuf,
    /// The directory of the output files, removed on drop.
    outputs: TempDir,
}

impl Callgrind {
    /// Finds valgrind, or returns the reason why it cannot be used.
    pub(super) fn find() -> Result<Self, String> {
        let found =
            Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            return Err("since valgrind is not installed".to_owned());
        }
        let this_program = env::current_exe().map_err(|error| error.to_string())?;
        let outputs = tempfile::tempdir().map_err(|error| error.to_string())?;
        Ok(Callgrind { this_program, outputs })
    }

    /// Returns the instructions per operation of each row.
    pub(super) fn measure(&self, group: &Group) -> Vec<Option<f64>> {
        if group.clock != Clock::Wall {
            return vec![None; group.rows.len()];
        }
        let (name, (small, large)) = (&group.name, group.sizes());
        let runs: Vec<_> = group.rows.iter().flat_map(|row| [(row.name, small), (row.name, large)]).collect();
        // Other load does not change the count, so the runs use all processors. Each worker takes the next run.
        let (next, counts) = (AtomicUsize::new(0), Mutex::new(vec![None; runs.len()]));
        let workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&(row, size)) = runs.get(at) else { break };
                        let count = self.count(name, row, size, &self.outputs.path().join(at.to_string()));
                        let count = count.inspect_err(|error| eprintln!("{name} {row}: no Ir, {error}")).ok();
                        counts.lock().unwrap_or_else(PoisonError::into_inner)[at] = count;
                    }
                });
            }
        });
        let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        counts.chunks_exact(2).map(|pair| Some(group.per_operation(pair[0]?, pair[1]?))).collect()
    }

    /// Returns the instructions of one run.
    fn count(&self, group: &str, row: &str, size: u64, output: &Path) -> io::Result<u64> {
        let mut to = std::ffi::OsString::from("--callgrind-out-file=");
        to.push(output);
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "-q"])
            .arg(to)
            .arg(&self.this_program)
            .args([ONCE, group, row, &size.to_string()])
            .output()?;
        if !run.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
        }
        let text = fs::read_to_string(output)?;
        fs::remove_file(output)?;
        // "totals: 1234", for the one event that callgrind counts by default.
        let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        total.ok_or_else(|| io::Error::other("callgrind wrote no totals"))
    }
}

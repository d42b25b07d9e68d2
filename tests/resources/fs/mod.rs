//! `atomic_write`, `temp_dir` and `lock_file`.

mod atomic_write;
mod child;
mod full_disk;
mod kill;
mod lock_file;
mod temp_dir;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use withal::cleanup;

/// A directory of one test, which is removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        // Relaxed: only the numbers must differ.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("withal-fs-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the names in the directory, sorted.
    fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Returns `true` if the name is that of a temporary file of `atomic_write`.
fn is_temporary(name: &str) -> bool {
    name.strip_prefix(".withal-").is_some_and(|rest| rest.strip_suffix(".tmp").is_some())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Waits for the cleanups of scopes that were cancelled.
async fn drain() {
    cleanup::drain(Duration::from_secs(60)).await.unwrap();
}

/// Runs a program on both schedulers.
fn on_both_runtimes<F: Future>(program: impl Fn() -> F) {
    let runtimes = [
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ];
    for runtime in runtimes {
        runtime.block_on(program());
    }
}

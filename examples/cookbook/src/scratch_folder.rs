//! A temporary folder (tempfile) that is removed once nothing writes to it.
//!
//! # Problem
//!
//! The destructor of a `TempDir` blocks the thread of the runtime, and ignores errors. If a future is dropped while a blocking
//! thread writes into the folder, the folder is removed during the write. Then the write fails, or a file that it creates
//! meanwhile makes the removal fail, and the folder remains.
//!
//! # Recipe
//!
//! The exit waits for the jobs on blocking threads, which cannot be cancelled, then removes the folder on such a thread, and
//! returns its error. `withal::resources` has a manager for a temporary directory without jobs, `temp_dir`.
//!
//! # Limits
//!
//! After `kill -9`, the folder remains, with the prefix `scratch-` in its name.

use std::io;
use std::path::Path;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};
use withal::context::{AsyncContextManager, AsyncGuard, on_exit};

/// A temporary folder, and the jobs that use it.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    jobs: JoinSet<()>,
}

impl Scratch {
    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a blocking job. Returns `None` if it panics. If the future is dropped, the job continues, and the exit waits for it.
    pub async fn run<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&Path) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let path = self.path().to_owned();
        self.jobs.spawn_blocking(move || {
            sender.send(job(&path)).ok();
        });
        receiver.await.ok()
    }
}

/// Creates a temporary folder in `parent`.
///
/// # Errors
///
/// The error of the file system. The manager returns that of the removal.
pub fn scratch_folder(
    parent: &Path,
) -> io::Result<
    impl AsyncContextManager<Guard: AsyncGuard<Target = Scratch, Error = io::Error, Suppression = ()> + Send>
    + Send
    + use<>,
> {
    let folder = tempfile::Builder::new().prefix("scratch-").tempdir_in(parent)?;
    Ok(on_exit(Scratch { folder, jobs: JoinSet::new() }, async |mut scratch, _exit| {
        while scratch.jobs.join_next().await.is_some() {}
        spawn_blocking(|| scratch.folder.close()).await?
    }))
}

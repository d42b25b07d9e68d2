use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::Builder;

use super::blocking::{run_in_enter, run_in_exit};
use super::error::FileError;
use crate::cleanup::DEFAULT_GRACE_PERIOD;
use crate::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason};

/// The number of attempts, 10 ms apart, to remove a directory into which something still writes.
const ATTEMPTS: u32 = 20;

/// Creates a manager for a new directory that is removed with its contents when the block ends, like Python's
/// `tempfile.TemporaryDirectory`.
///
/// The target is the absolute path of the directory. Only the user of the process can access the directory; on Windows, it
/// has the permissions of its parent. It is removed on every exit path, on a thread for blocking work. Directories inside
/// whose permissions forbid the removal are made writable first. If the block has removed or moved the directory, the
/// exit does nothing.
///
/// The operations of [`tokio::fs`] cannot be interrupted, so a cancelled write may still create a file for a moment. If
/// something is created while the directory is being removed, the exit retries for 200 ms.
///
/// The drop policy is [`Detach`]: if the block is dropped, a [cleanup](crate::cleanup) removes the directory. If the exit is
/// abandoned, the destructor removes it, and blocks its thread meanwhile.
///
/// # Errors
///
/// [`FileError::Io`] if the directory cannot be created, or cannot be removed.
///
/// # Panics
///
/// Entering panics outside of a tokio runtime.
///
/// # Cancel safety
///
/// If the enter is dropped, the directory is removed before the enclosing scopes exit.
///
/// # Examples
///
/// ```
/// use withal::context::async_with;
/// use withal::resources::temp_dir;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let removed = async_with!(dir = temp_dir().prefix("download-") => {
///     tokio::fs::write(dir.join("part-1"), b"bytes").await?;
///     dir.to_path_buf()
/// })?;
/// assert!(!removed.exists());
/// # Ok(())
/// # }
/// ```
#[doc(alias("TemporaryDirectory", "tempfile", "tempdir", "mkdtemp"))]
pub fn temp_dir() -> TempDir {
    TempDir { parent: None, prefix: None, grace_period: DEFAULT_GRACE_PERIOD }
}

/// A manager for a temporary directory. Created by [`temp_dir`].
#[derive(Debug, Clone)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct TempDir {
    /// `None` for the system's directory.
    parent: Option<PathBuf>,
    prefix: Option<String>,
    grace_period: Duration,
}

impl TempDir {
    /// Sets the parent directory, which must exist. The default is [`std::env::temp_dir`].
    pub fn within(self, parent: impl Into<PathBuf>) -> Self {
        Self { parent: Some(parent.into()), ..self }
    }

    /// Sets the beginning of the name of the directory. Random characters follow. The default is `.tmp`.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..self }
    }

    /// Sets the [grace period](AsyncGuard::grace_period): the time that the removal may take when it runs as a cleanup. The
    /// default is 30 seconds.
    ///
    /// The removal cannot be interrupted: if the exit is abandoned meanwhile, that is reported, and the removal continues.
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }
}

/// The guard of a [`temp_dir`].
pub struct TempDirGuard {
    /// Removes the directory when it is dropped. `None` after the exit has begun.
    directory: Option<tempfile::TempDir>,
    path: PathBuf,
    grace_period: Duration,
}

impl AsyncContextManager for TempDir {
    type Guard = TempDirGuard;

    async fn aenter(self) -> Result<TempDirGuard, FileError> {
        let Self { parent, prefix, grace_period } = self;
        let directory = run_in_enter("temp_dir", move || create(parent, prefix.as_deref())).await?;
        let path = directory.path().to_owned();
        Ok(TempDirGuard { directory: Some(directory), path, grace_period })
    }
}

impl AsyncGuard for TempDirGuard {
    type Target = Path;
    type Error = FileError;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Path {
        &mut self.path
    }

    fn grace_period(&self) -> Duration {
        self.grace_period
    }

    fn name(&self) -> &'static str {
        "temp_dir"
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), FileError> {
        let directory = self.directory.take().expect("the directory is present until the exit");
        run_in_exit(move || remove(directory)).await
    }
}

impl fmt::Debug for TempDirGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TempDirGuard").field("path", &self.path).finish_non_exhaustive()
    }
}

fn create(parent: Option<PathBuf>, prefix: Option<&str>) -> Result<tempfile::TempDir, FileError> {
    let parent = parent.unwrap_or_else(env::temp_dir);
    let create = |parent: &Path| {
        let mut builder = Builder::new();
        builder.prefix(prefix.unwrap_or(".tmp"));
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        builder.tempdir_in(parent)
    };
    // Absolute, so that a later change of the current directory has no effect.
    path::absolute(&parent)
        .and_then(|parent| create(&parent))
        .map_err(|error| FileError::io("create a directory in", &parent, error))
}

fn remove(directory: tempfile::TempDir) -> Result<(), FileError> {
    // From here on, this function removes the directory: a destructor would only repeat what has failed.
    let path = directory.keep();
    let mut attempt = 1;
    loop {
        let error = match fs::remove_dir_all(&path) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.kind() {
            // The block has removed it, or something else removes it at the same time.
            io::ErrorKind::NotFound if !path.exists() => return Ok(()),
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound if attempt < ATTEMPTS => {
                thread::sleep(Duration::from_millis(10));
            }
            io::ErrorKind::PermissionDenied if attempt == 1 => make_writable(&path),
            _ => return Err(FileError::io("remove the directory", &path, error)),
        }
        attempt += 1;
    }
}

/// Gives the user access to a directory and to the directories in it, without following symbolic links. Errors are
/// ignored: the removal afterwards returns them.
#[cfg(unix)]
fn make_writable(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;

    drop(fs::set_permissions(directory, fs::Permissions::from_mode(0o700)));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(not(unix))]
fn make_writable(_directory: &Path) {}

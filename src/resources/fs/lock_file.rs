use std::fmt;
use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::io;
use std::path::{self, Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use fs4::{FileExt, TryLockError};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, sleep};

use super::blocking::{run_in_enter, run_in_exit};
use super::error::FileError;
use crate::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason};

/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Creates a manager that holds an advisory lock of the file `path` while its block runs.
///
/// Entering creates the file if it does not exist, and waits until no other holder has locked it: neither another process
/// nor another scope of this process. The file is neither truncated nor removed. The lock is that of `flock` on Unix and of
/// `LockFileEx` on Windows. It excludes only programs that also lock the file. The operating system releases it when the
/// process ends, even after a `kill -9`.
///
/// The target is the file, which can be read and written, for example to store the ID of the process. On Windows, only
/// this handle can do so while the lock is exclusive.
///
/// Waiting occupies no thread: the enter tries to acquire the lock, with pauses that double from 1 ms to 50 ms. There is no
/// queue, so several waiting scopes acquire the lock in an arbitrary order. If the file was removed or replaced while it
/// was locked, the enter locks the file that is then at the path.
///
/// The lock is released when the writes of the block are complete, including those that were cancelled. The drop policy is
/// [`Detach`]: the exit awaits the release or, if the block is dropped, a [cleanup](crate::cleanup) does. If the exit is
/// abandoned, the file is closed, which releases the lock.
///
/// # Errors
///
/// - [`FileError::Locked`] if the lock was not released within the [timeout](LockFile::timeout).
/// - [`FileError::Io`] if the file cannot be opened, locked or unlocked, or if the last write of the block has failed.
///
/// # Panics
///
/// Entering panics outside of a tokio runtime, and if another holder has the lock and the runtime has no timer.
///
/// # Cancel safety
///
/// If the enter is dropped, no lock is left: an attempt that has begun releases its lock before the enclosing scopes exit.
///
/// # Limitations
///
/// - If this process starts a child process while a destructor releases the lock, the child may hold the lock until it has
///   started. A release by an exit is not affected.
/// - Over NFS, Linux locks the file on the server, where an exclusive lock needs a writable file. Other network file
///   systems may lock the file only among the processes of this machine.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use withal::context::async_with;
/// use withal::resources::{FileError, lock_file};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), FileError> {
/// # async_with!(dir = withal::resources::temp_dir() => {
/// # let path = dir.join("daemon.lock");
/// async_with!(_ = lock_file(&path).timeout(Duration::from_secs(5)) => {
///     // no other process is in this block
///     let second = async_with!(_ = lock_file(&path).no_wait() => {});
///     assert!(matches!(second, Err(FileError::Locked { .. })));
/// })?;
/// # })
/// # }
/// ```
#[doc(alias("flock", "fcntl", "FileLock", "pid file"))]
pub fn lock_file(path: impl Into<PathBuf>) -> LockFile {
    LockFile { path: path.into(), is_shared: false, timeout: None }
}

/// A manager for the lock of a file. Created by [`lock_file`].
#[derive(Debug, Clone)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct LockFile {
    path: PathBuf,
    is_shared: bool,
    /// `None` waits without a limit.
    timeout: Option<Duration>,
}

impl LockFile {
    /// Acquires a shared lock: any number of scopes can hold it at once, but none beside an exclusive lock.
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Limits the time for which entering waits for the lock. The default is no limit.
    ///
    /// A timeout of zero tries once, as [`no_wait`](Self::no_wait) does.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Tries to acquire the lock once: entering fails with [`FileError::Locked`] if another holder has locked the file.
    #[doc(alias = "try_lock")]
    pub fn no_wait(self) -> Self {
        self.timeout(Duration::ZERO)
    }
}

/// The guard of a [`lock_file`].
pub struct LockFileGuard {
    /// Refers to the same open file as the lock. A write that is in progress keeps it, and thus the lock, open.
    file: tokio::fs::File,
    /// `None` after the exit has begun.
    lock: Option<Lock>,
}

/// A file that is locked until it is closed.
struct Lock {
    file: File,
    path: PathBuf,
}

impl AsyncContextManager for LockFile {
    type Guard = LockFileGuard;

    async fn aenter(self) -> Result<LockFileGuard, FileError> {
        let Self { path, is_shared, timeout } = self;
        let start = Instant::now();
        // Absolute, so that a change of the current directory has no effect on later attempts.
        let path = path::absolute(&path).map_err(|error| FileError::io("find", &path, error))?;
        let mut opened = None;
        let mut pause = PAUSES.0;
        loop {
            let file = opened.take();
            let attempt = run_in_enter("lock_file", {
                let path = path.clone();
                move || attempt(path, file, is_shared)
            });
            match attempt.await? {
                Attempt::Acquired { lock, file } => {
                    return Ok(LockFileGuard { file: tokio::fs::File::from_std(file), lock: Some(lock) });
                }
                Attempt::Locked(file) => opened = Some(file),
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
            if let (Some(Duration::ZERO), Some(timeout)) = (left, timeout) {
                return Err(FileError::Locked { path, timeout });
            }
            sleep(left.map_or(pause, |left| left.min(pause))).await;
            pause = PAUSES.1.min(2 * pause);
        }
    }
}

impl AsyncGuard for LockFileGuard {
    type Target = tokio::fs::File;
    type Error = FileError;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut tokio::fs::File {
        &mut self.file
    }

    fn name(&self) -> &'static str {
        "lock_file"
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), FileError> {
        let Lock { file, path } = self.lock.take().expect("the lock is held until the exit");
        // A write that was cancelled continues. The next holder must not see it half complete.
        let mut flushed = poll_fn(|cx| Pin::new(&mut self.file).poll_flush(cx)).await;
        if flushed.is_err() {
            // The error may be that of an earlier operation, so the operation in progress is awaited as well.
            flushed = poll_fn(|cx| Pin::new(&mut self.file).poll_flush(cx)).await.and(flushed);
        }
        run_in_exit(move || {
            FileExt::unlock(&file).map_err(|error| FileError::io("unlock", &path, error))?;
            flushed.map_err(|error| FileError::io("write to", &path, error))
        })
        .await
    }
}

impl fmt::Debug for LockFileGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFileGuard")
            .field("path", &self.lock.as_ref().map(|lock| &lock.path))
            .finish_non_exhaustive()
    }
}

enum Attempt {
    Acquired {
        lock: Lock,
        file: File,
    },
    /// Another holder has locked the file.
    Locked(File),
}

/// Tries to lock the file at `path`, which may be open already.
fn attempt(path: PathBuf, mut opened: Option<File>, is_shared: bool) -> Result<Attempt, FileError> {
    loop {
        let file = match opened.take() {
            Some(file) => file,
            None => open(&path).map_err(|error| FileError::io("open the lock file", &path, error))?,
        };
        // Called by path: newer versions of std have methods of the same names.
        let locked = if is_shared { FileExt::try_lock_shared(&file) } else { FileExt::try_lock(&file) };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Attempt::Locked(file)),
            Err(TryLockError::Error(error)) => return Err(FileError::io("lock", &path, error)),
        }
        if !is_at(&file, &path).map_err(|error| FileError::io("access the lock file", &path, error))? {
            // Another holder has removed or replaced it.
            continue;
        }
        let clone =
            file.try_clone().map_err(|error| FileError::io("open the lock file again", &path, error))?;
        return Ok(Attempt::Acquired { lock: Lock { file, path }, file: clone });
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Not truncated: another holder may have locked it.
    let writable = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    match writable {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            // A file that cannot be written can be locked as well.
            File::open(path).map_err(|_| error)
        }
        result => result,
    }
}

/// Returns `true` if the open file is the one at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let opened = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(current) => Ok((opened.dev(), opened.ino()) == (current.dev(), current.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns `true`: on Windows, an open file cannot be replaced.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error_text::{is_report, with_sources};

/// The error of [`atomic_write`](super::atomic_write()), [`temp_dir`](super::temp_dir()) and
/// [`lock_file`](super::lock_file()).
///
/// The text names the path. [`source`](std::error::Error::source) is the error of the operating system. The error
/// converts into an [`io::Error`] of the same [kind](io::ErrorKind), for functions that return one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// An operation on a file or a directory has failed.
    #[error("cannot {action} {path:?}")]
    #[non_exhaustive]
    Io {
        /// The operation, as in the sentence "cannot ..", for example `"create a temporary file in"`.
        action: &'static str,
        /// The file or the directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The path is that of a directory, a device, a pipe or a socket, or ends in `/`, `.` or `..`.
    #[error("{0:?} is not the path of a regular file: pass one")]
    NotAFile(PathBuf),
    /// A write failed, so the new content is incomplete. The file has its old content. Write it again in a new scope.
    #[error(
        "a write to the new content of {path:?} has failed, so the file has its old content: write it again"
    )]
    #[non_exhaustive]
    Incomplete {
        /// The file that was not replaced.
        path: PathBuf,
        /// The first error of a write.
        source: io::Error,
    },
    /// The lock was not released within the timeout.
    #[error("{path:?} is locked{}: increase the timeout, or try again later", waited(*timeout))]
    #[non_exhaustive]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The [timeout](super::LockFile::timeout).
        timeout: Duration,
    },
    /// The runtime was shut down before the operation began.
    #[error("the runtime was shut down before the file was accessed")]
    RuntimeShutdown,
}

/// Returns the middle of a sentence, which is empty after a single attempt.
fn waited(timeout: Duration) -> String {
    if timeout.is_zero() { String::new() } else { format!(", and was not unlocked within {timeout:?}") }
}

impl FileError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// Returns the kind of the [`io::Error`] that this error converts into.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Io { source, .. } | Self::Incomplete { source, .. } => source.kind(),
            Self::NotAFile(_) => io::ErrorKind::InvalidInput,
            Self::Locked { timeout: Duration::ZERO, .. } => io::ErrorKind::WouldBlock,
            Self::Locked { .. } => io::ErrorKind::TimedOut,
            Self::RuntimeShutdown => io::ErrorKind::Other,
        }
    }
}

/// The derived `Debug`, except in [reports](crate::cleanup#reports), which contain the text.
impl fmt::Debug for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            return f.write_str(&with_sources(self));
        }
        match self {
            Self::Io { action, path, source } => f
                .debug_struct("Io")
                .field("action", action)
                .field("path", path)
                .field("source", source)
                .finish(),
            Self::NotAFile(path) => f.debug_tuple("NotAFile").field(path).finish(),
            Self::Incomplete { path, source } => {
                f.debug_struct("Incomplete").field("path", path).field("source", source).finish()
            }
            Self::Locked { path, timeout } => {
                f.debug_struct("Locked").field("path", path).field("timeout", timeout).finish()
            }
            Self::RuntimeShutdown => f.write_str("RuntimeShutdown"),
        }
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::new(error.kind(), error)
    }
}

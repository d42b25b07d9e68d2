use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::atomic_file::AtomicFile;
use super::blocking::{run_in_enter, run_in_exit};
use super::destination::Destination;
use super::error::FileError;
use crate::cleanup::DEFAULT_GRACE_PERIOD;
use crate::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason};

/// Creates a manager that replaces the file `path` if its block completes, and leaves it unchanged otherwise.
///
/// The target is an [`AtomicFile`] for the new content: a temporary file in the same directory, empty at first.
///
/// | the block | the exit |
/// |---|---|
/// | completes | flushes the writes, syncs the temporary file, renames it to `path`, and syncs the directory |
/// | fails, panics, or is dropped | removes the temporary file |
///
/// The rename is atomic: at each moment, even after a `kill -9`, a full disk or a loss of power, the file is either the old
/// one or the new one, whole. If several scopes replace the same file, each reader sees the whole content of one of them,
/// and the content of the last exit remains.
///
/// # The replaced file
///
/// Like [`tokio::fs::write`], the manager writes to the target of a symbolic link, and keeps the link. If the target does
/// not exist, it is created. Unlike `tokio::fs::write`, the manager creates a new file:
///
/// - The mode of the old file is kept, and so are its owner and group if the process may set them. Otherwise, the owner
///   and group are those of the process, and the set-user-ID and set-group-ID bits are cleared. A file that did not
///   exist before has the mode `0o666` without the bits of the umask.
/// - Access-control lists, extended attributes and, on Windows, all attributes are those of a new file.
/// - Other hard links to the old file keep the old content.
/// - The directory must be writable, but the file need not be.
///
/// A relative path is resolved on enter: a later change of the current directory has no effect.
///
/// The drop policy is [`Detach`]: if the block is dropped, the temporary file is removed by a
/// [cleanup](crate::cleanup). If the exit is dropped after the block has completed, it continues as a cleanup and replaces
/// the file. An abandoned exit removes the temporary file in its destructor, unless the rename has begun.
///
/// # Errors
///
/// - [`FileError::NotAFile`] if the path is that of a directory, a device, a pipe or a socket, which a rename would replace.
/// - [`FileError::Incomplete`] if a write has failed, even if the block has ignored the error.
/// - [`FileError::Io`] if another operation fails. If the directory cannot be synced, the file has been replaced, but its
///   old content may return after a loss of power.
///
/// # Panics
///
/// Entering panics outside of a tokio runtime.
///
/// # Cancel safety
///
/// If the enter is dropped, the temporary file is removed before the enclosing scopes exit.
///
/// # Limitations
///
/// - A temporary file remains after a `kill -9` or a loss of power during the block. Its name begins with `.withal-` and
///   ends in `.tmp`.
/// - On Windows, the rename fails while another program holds the file open without sharing it, and the directory cannot
///   be synced.
///
/// # Examples
///
/// ```
/// use tokio::io::AsyncWriteExt;
/// use withal::context::async_with;
/// use withal::resources::{FileError, atomic_write};
///
/// async fn save(names: &[&str]) -> std::io::Result<()> {
///     async_with!(file = atomic_write("names.txt") => {
///         for name in names {
///             file.write_all(name.as_bytes()).await?; // after an error, the old file remains
///             file.write_all(b"\n").await?;
///         }
///     })?;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # async_with!(dir = withal::resources::temp_dir() => {
/// # std::env::set_current_dir(&*dir)?;
/// save(&["Ada", "Grace"]).await?;
/// assert_eq!(std::fs::read_to_string("names.txt")?, "Ada\nGrace\n");
/// # std::env::set_current_dir("/")?;
/// # })?;
/// # Ok(())
/// # }
/// ```
#[doc(alias("fsync", "rename", "persist", "NamedTempFile", "replace"))]
pub fn atomic_write(path: impl Into<PathBuf>) -> AtomicWrite {
    AtomicWrite { path: path.into(), grace_period: DEFAULT_GRACE_PERIOD }
}

/// A manager that replaces a file. Created by [`atomic_write`].
#[derive(Debug, Clone)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct AtomicWrite {
    path: PathBuf,
    grace_period: Duration,
}

impl AtomicWrite {
    /// Sets the [grace period](AsyncGuard::grace_period): the time that the exit may take when it runs as a cleanup. The
    /// default is 30 seconds.
    ///
    /// Increase it for content that takes long to sync. The sync and the rename cannot be interrupted: if the exit is
    /// abandoned meanwhile, that is reported, and they continue.
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }
}

/// The guard of an [`atomic_write`].
pub struct AtomicWriteGuard {
    /// `None` after the exit has begun.
    file: Option<AtomicFile>,
    /// `None` after the exit has begun.
    destination: Option<Destination>,
    grace_period: Duration,
}

const IN_BLOCK: &str = "the file is present until the exit";

impl AsyncContextManager for AtomicWrite {
    type Guard = AtomicWriteGuard;

    async fn aenter(self) -> Result<AtomicWriteGuard, FileError> {
        let Self { path, grace_period } = self;
        let (destination, file) = run_in_enter("atomic_write", move || Destination::prepare(&path)).await?;
        let file = AtomicFile::new(file, destination.path());
        Ok(AtomicWriteGuard { file: Some(file), destination: Some(destination), grace_period })
    }
}

impl AsyncGuard for AtomicWriteGuard {
    type Target = AtomicFile;
    type Error = FileError;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut AtomicFile {
        self.file.as_mut().expect(IN_BLOCK)
    }

    fn grace_period(&self) -> Duration {
        self.grace_period
    }

    fn name(&self) -> &'static str {
        "atomic_write"
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), FileError> {
        let is_ok = exit.is_ok();
        let file = self.file.take().expect(IN_BLOCK);
        let destination = self.destination.take().expect(IN_BLOCK);
        if !is_ok {
            file.close().await;
            return run_in_exit(move || destination.discard()).await;
        }
        match file.complete().await {
            Ok(file) => run_in_exit(move || destination.replace(file)).await,
            Err(error) => {
                run_in_exit(move || destination.discard()).await?;
                Err(error)
            }
        }
    }
}

impl fmt::Debug for AtomicWriteGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicWriteGuard")
            .field("path", &self.destination.as_ref().map(Destination::path))
            .finish_non_exhaustive()
    }
}

//! Files that are replaced whole or not at all, temporary directories, and file locks.

mod atomic_file;
mod atomic_write;
mod blocking;
mod destination;
mod error;
mod lock_file;
mod temp_dir;

pub use self::atomic_file::AtomicFile;
pub use self::atomic_write::{AtomicWrite, AtomicWriteGuard, atomic_write};
pub use self::error::FileError;
pub use self::lock_file::{LockFile, LockFileGuard, lock_file};
pub use self::temp_dir::{TempDir, TempDirGuard, temp_dir};

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{self, Path, PathBuf};

use tempfile::{Builder, TempPath};

use super::error::FileError;

/// The most symbolic links that are followed, as on Linux.
const MAX_LINKS: usize = 40;

/// The file that is to be replaced, with its directory and its temporary file.
pub(super) struct Destination {
    /// Absolute, and not a symbolic link.
    path: PathBuf,
    /// The file that is replaced, at the time of the enter.
    old: Option<Metadata>,
    /// Opened before the block, so that the enter fails, before anything is written, if the directory cannot be opened.
    directory: Directory,
    /// Removed when it is dropped.
    temporary: TempPath,
}

impl Destination {
    /// Creates the temporary file for `path` in the directory of the file that `path` refers to.
    pub(super) fn prepare(path: &Path) -> Result<(Self, File), FileError> {
        if ends_in_directory(path) {
            return Err(FileError::NotAFile(path.to_owned()));
        }
        let absolute = path::absolute(path).map_err(|error| FileError::io("find", path, error))?;
        let old = metadata(&absolute)?;
        let path = follow_links(absolute)?;
        let parent = path.parent().ok_or_else(|| FileError::NotAFile(path.clone()))?.to_owned();
        let directory = Directory::open(&parent)?;
        let mut builder = Builder::new();
        // A short name, even if that of the file is long.
        builder.prefix(".withal-").suffix(".tmp").rand_bytes(10);
        // A new file has the permissions that `File::create` gives. In place of an old file, only the owner can read the
        // new content until it has the permissions of the old file.
        #[cfg(unix)]
        if old.is_none() {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let (file, temporary) = builder
            .tempfile_in(&parent)
            .map_err(|error| FileError::io("create a temporary file in", &parent, error))?
            .into_parts();
        Ok((Self { path, old, directory, temporary }, file))
    }

    /// Returns the path that is to be replaced.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file with `new`, the temporary file, once its content is on the disk.
    pub(super) fn replace(self, new: File) -> Result<(), FileError> {
        let Self { path, old, directory, temporary } = self;
        // The file may have been replaced since.
        if let Some(old) = metadata(&path)?.or(old) {
            keep_permissions(&new, &old)
                .map_err(|error| FileError::io("copy the permissions of", &path, error))?;
        }
        new.sync_all().map_err(|error| FileError::io("write the new content of", &path, error))?;
        drop(new);
        temporary.persist(&path).map_err(|error| FileError::io("replace", &path, error.error))?;
        directory.sync(&path)
    }

    /// Removes the temporary file.
    pub(super) fn discard(self) -> Result<(), FileError> {
        let path = self.temporary.to_path_buf();
        match self.temporary.close() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FileError::io("remove the temporary file", &path, error))
            }
            _ => Ok(()),
        }
    }
}

/// Returns `true` if the path can only be that of a directory. [`Path`] ignores a trailing slash and a trailing dot.
fn ends_in_directory(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let last = text.rsplit(|byte| path::is_separator(char::from(*byte))).next();
    matches!(last, Some(b"" | b"." | b".."))
}

/// Returns the metadata of a file, or `None` if there is none.
fn metadata(path: &Path) -> Result<Option<Metadata>, FileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(_) => Err(FileError::NotAFile(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::io("access", path, error)),
    }
}

/// Returns the path of the file that a write to `path` would create or change. It is not a link, unless a link is created
/// meanwhile.
fn follow_links(mut path: PathBuf) -> Result<PathBuf, FileError> {
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) if ends_in_directory(&target) => return Err(FileError::NotAFile(path)),
            Ok(target) => {
                path.pop();
                path.push(target);
            }
            // There is no file, or it is not a link.
            Err(_) => break,
        }
    }
    Ok(path)
}

/// Gives `new` the owner, the group and the mode of `old`.
///
/// Only a privileged process can change the owner. Other processes can change the group only to one of their own. If the
/// owner or the group cannot be kept, the bits that would grant the rights of another user or group are cleared.
#[cfg(unix)]
fn keep_permissions(new: &File, old: &Metadata) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    let current = new.metadata()?;
    let mut mode = old.mode() & 0o7777;
    if (current.uid(), current.gid()) != (old.uid(), old.gid())
        && fchown(new, Some(old.uid()), Some(old.gid())).is_err()
    {
        // The group alone, which needs no privilege if the user is a member.
        drop(fchown(new, None, Some(old.gid())));
        mode &= 0o1777;
    }
    new.set_permissions(Permissions::from_mode(mode))
}

/// Does nothing: Windows has no mode, and the attributes of the old file, such as read-only, are not kept.
#[cfg(not(unix))]
fn keep_permissions(_new: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

/// The directory whose entry is replaced.
#[cfg(unix)]
struct Directory(File);

#[cfg(unix)]
impl Directory {
    fn open(path: &Path) -> Result<Self, FileError> {
        File::open(path).map(Self).map_err(|error| FileError::io("open the directory", path, error))
    }

    /// Writes the entry of `file` to the disk.
    fn sync(&self, file: &Path) -> Result<(), FileError> {
        match self.0.sync_all() {
            // Some network and user-space file systems cannot sync a directory.
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Err(FileError::io("sync the directory after the replacement of", file, error))
            }
            _ => Ok(()),
        }
    }
}

/// Windows cannot sync a directory.
#[cfg(not(unix))]
struct Directory;

#[cfg(not(unix))]
impl Directory {
    fn open(path: &Path) -> Result<Self, FileError> {
        fs::metadata(path).map(|_| Self).map_err(|error| FileError::io("open the directory", path, error))
    }

    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the signature is that of Unix")]
    fn sync(&self, _file: &Path) -> Result<(), FileError> {
        Ok(())
    }
}

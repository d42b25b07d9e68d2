use std::future::poll_fn;
use std::io::{self, IoSlice, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use super::error::FileError;

/// The new content of a file, for the block of [`atomic_write`](super::atomic_write()).
///
/// The file is empty at first. The extension traits of [`tokio::io`] write, read and seek it. Writes are buffered as in a
/// [`tokio::fs::File`], so a later write, a flush or the exit may return an error. Unlike a `tokio::fs::File`, an
/// `AtomicFile` remembers that a write failed: the exit then returns the error and does not replace the file, even if the
/// block ignored the error or completed a flush afterwards.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    /// The first error of a write.
    failure: Option<io::Error>,
    path: PathBuf,
}

impl AtomicFile {
    pub(super) fn new(file: std::fs::File, path: &Path) -> Self {
        Self { file: File::from_std(file), failure: None, path: path.to_owned() }
    }

    /// Returns the path of the file that will be replaced. It is absolute, and a symbolic link in its last component has
    /// been followed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the writes, and returns the file if all of them succeeded.
    pub(super) async fn complete(mut self) -> Result<std::fs::File, FileError> {
        // Reports the error of the last write.
        let flushed = poll_fn(|cx| Pin::new(&mut self.file).poll_flush(cx)).await;
        match self.failure.or(flushed.err()) {
            Some(source) => Err(FileError::Incomplete { path: self.path, source }),
            None => Ok(self.file.into_std().await),
        }
    }

    /// Waits for the writes, whose results do not matter.
    pub(super) async fn close(mut self) {
        drop(poll_fn(|cx| Pin::new(&mut self.file).poll_flush(cx)).await);
    }

    /// Remembers the first error, because a `tokio::fs::File` drops the bytes of a write that fails, reports the error
    /// once, and completes the next flush (tokio#8388).
    fn remember<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let (Poll::Ready(Err(error)), None) = (&polled, &self.failure) {
            self.failure = Some(error.raw_os_error().map_or_else(
                || io::Error::new(error.kind(), error.to_string()),
                io::Error::from_raw_os_error,
            ));
        }
        polled
    }
}

impl AsyncWrite for AtomicFile {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.file).poll_write(cx, bytes);
        this.remember(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.file).poll_write_vectored(cx, slices);
        this.remember(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.file.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.file).poll_flush(cx);
        this.remember(polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.file).poll_shutdown(cx);
        this.remember(polled)
    }
}

impl AsyncRead for AtomicFile {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().file).poll_read(cx, buffer)
    }
}

impl AsyncSeek for AtomicFile {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.get_mut().file).start_seek(position)
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.get_mut().file).poll_complete(cx)
    }
}

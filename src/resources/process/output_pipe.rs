use std::future::poll_fn;
use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

#[cfg(unix)]
use rustix::io::{ioctl_fionread, read};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::task::JoinHandle;

#[cfg(not(unix))]
use crate::cleanup::timeout;

/// The bytes that one read of a pipe may take.
const CHUNK: usize = 8 * 1024;

/// A pipe from a child that is read here, so that the child does not wait for a reader. Its bytes are discarded, or
/// captured up to a limit.
#[derive(Debug)]
pub(super) struct OutputPipe {
    reader: Arc<Mutex<Reader>>,
    /// Reads the pipe while the block runs. `None` if the bytes are discarded.
    task: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Reader {
    /// `None` at the end of the pipe.
    pipe: Option<Pipe>,
    captured: Vec<u8>,
    limit: usize,
    is_truncated: bool,
}

#[derive(Debug)]
pub(super) enum Pipe {
    Stdout(ChildStdout),
    Stderr(ChildStderr),
}

impl OutputPipe {
    /// Discards the output, which is only read in [`poll_discard`](Self::poll_discard).
    pub(super) fn discard(pipe: Pipe) -> Self {
        Self { reader: Reader::new(pipe, 0), task: None }
    }

    /// Captures the output in a task of the current runtime.
    pub(super) fn capture(pipe: Pipe, limit: usize) -> Self {
        let reader = Reader::new(pipe, limit);
        let task = tokio::spawn({
            let reader = Arc::clone(&reader);
            async move { poll_fn(|cx| lock(&reader).poll_read_to_end(cx)).await }
        });
        Self { reader, task: Some(task) }
    }

    /// Reads what the pipe contains. A captured pipe is read by its task.
    pub(super) fn poll_discard(&self, cx: &mut Context<'_>) {
        if self.task.is_none() {
            // At the end of the pipe, there is nothing left to do.
            let _ = lock(&self.reader).poll_read_to_end(cx);
        }
    }

    /// Captures all that the child has written, after it has ended. Other processes may keep the pipe open: the end of the
    /// pipe is not awaited.
    #[cfg(unix)]
    #[expect(clippy::unused_async, reason = "other systems wait")]
    pub(super) async fn finish(&mut self) {
        lock(&self.reader).read_available();
    }

    /// Captures all that the child has written, after it has ended. Other processes may keep the pipe open: its end is
    /// awaited for at most a second.
    #[cfg(not(unix))]
    pub(super) async fn finish(&mut self) {
        if let Some(task) = self.task.as_mut().filter(|task| !task.is_finished()) {
            drop(timeout(task, std::time::Duration::from_secs(1)).await);
        }
    }

    /// Returns a copy of the captured bytes, and whether the child wrote more of them.
    pub(super) fn captured(&self) -> (Vec<u8>, bool) {
        let reader = lock(&self.reader);
        (reader.captured.clone(), reader.is_truncated)
    }
}

impl Drop for OutputPipe {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// No user code runs while a reader is locked.
fn lock(reader: &Mutex<Reader>) -> MutexGuard<'_, Reader> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reader {
    fn new(pipe: Pipe, limit: usize) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { pipe: Some(pipe), captured: Vec::new(), limit, is_truncated: false }))
    }

    /// Reads until the end of the pipe. An error counts as its end: the runtime of the pipe has shut down.
    fn poll_read_to_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut chunk = [0; CHUNK];
        while let Some(pipe) = &mut self.pipe {
            let mut chunk = ReadBuf::new(&mut chunk);
            let result = ready!(pipe.poll_read(cx, &mut chunk));
            if result.is_err() || chunk.filled().is_empty() {
                self.pipe = None;
            }
            self.push(chunk.filled());
        }
        Poll::Ready(())
    }

    /// Reads the bytes that the pipe contains now. tokio may not have seen them yet, so they are read without it.
    #[cfg(unix)]
    fn read_available(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        let mut available = ioctl_fionread(pipe.as_fd()).unwrap_or(0);
        let mut chunk = [0; CHUNK];
        while available > 0 {
            let Some(pipe) = &self.pipe else { return };
            // The pipe is non-blocking: if another reader has emptied it, nothing is read.
            let Ok(len @ 1..) = read(pipe.as_fd(), &mut chunk) else { return };
            available = available.saturating_sub(len as u64);
            self.push(&chunk[..len]);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.limit - self.captured.len());
        self.captured.extend_from_slice(&bytes[..kept]);
        self.is_truncated |= kept < bytes.len();
    }
}

#[cfg(unix)]
impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdout(pipe) => pipe.as_fd(),
            Self::Stderr(pipe) => pipe.as_fd(),
        }
    }
}

impl Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, chunk: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Stdout(pipe) => Pin::new(pipe).poll_read(cx, chunk),
            Self::Stderr(pipe) => Pin::new(pipe).poll_read(cx, chunk),
        }
    }
}

use std::convert::Infallible;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::error::FileError;
use crate::cleanup::Cleanup;

/// Runs `work` on a thread for blocking work, as a part of an exit.
///
/// The work runs to completion even if the future is dropped, which happens only if the exit is abandoned.
pub(super) async fn run_in_exit<T, W>(work: W) -> Result<T, FileError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, FileError> + Send + 'static,
{
    joined(spawn_blocking(work).await)
}

/// Runs `work` on a thread for blocking work, as a part of an enter.
///
/// If the future is dropped, the output of the work is dropped when the work completes. A cleanup with this name waits for
/// that, so no temporary file and no lock is left afterwards.
pub(super) async fn run_in_enter<T, W>(name: &'static str, work: W) -> Result<T, FileError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, FileError> + Send + 'static,
{
    let task = Some(spawn_blocking(work));
    InEnter { task, name, runtime: Handle::current() }.await
}

struct InEnter<T: Send + 'static> {
    /// `None` after it has completed.
    task: Option<JoinHandle<Result<T, FileError>>>,
    name: &'static str,
    runtime: Handle,
}

impl<T: Send + 'static> Future for InEnter<T> {
    type Output = Result<T, FileError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task.as_mut().expect("work polled after completion");
        let polled = Pin::new(task).poll(cx);
        if polled.is_ready() {
            self.task = None;
        }
        polled.map(joined)
    }
}

impl<T: Send + 'static> Drop for InEnter<T> {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        // Work that no thread has begun is cancelled.
        task.abort();
        Cleanup::new(async move {
            drop(task.await);
            Ok::<(), Infallible>(())
        })
        .name(self.name)
        .fallback_runtime(self.runtime.clone())
        .detach();
    }
}

fn joined<T>(result: Result<Result<T, FileError>, JoinError>) -> Result<T, FileError> {
    match result.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(payload)) => resume_unwind(payload),
        Err(Err(_cancelled)) => Err(FileError::RuntimeShutdown),
    }
}

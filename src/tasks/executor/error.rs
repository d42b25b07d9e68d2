/// The error of creating a [`ThreadPoolExecutor`](super::ThreadPoolExecutor) or of submitting a job to it. The messages
/// are Python's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// The maximum number of threads was zero: Python's `ValueError`.
    #[error("max_workers must be greater than 0")]
    NoWorkers,
    /// The executor was shut down: Python's `RuntimeError`.
    #[error("cannot schedule new futures after shutdown")]
    Shutdown,
    /// The operating system refused to start a thread, and the executor has no thread: Python's `RuntimeError`.
    #[error("can't start new thread")]
    NoThread(#[source] std::io::Error),
}

impl ExecutorError {
    /// Returns `true` if the executor was shut down.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self, Self::Shutdown)
    }
}

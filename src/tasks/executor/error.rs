/// What a [`ThreadPoolExecutor`](super::ThreadPoolExecutor) refuses. The words are Python's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// It was to have no threads: `ValueError`.
    #[error("max_workers must be greater than 0")]
    NoWorkers,
    /// Work was submitted after the shutdown: `RuntimeError`.
    #[error("cannot schedule new futures after shutdown")]
    Shutdown,
    /// The operating system gave no thread, and there is none yet: `RuntimeError`.
    #[error("can't start new thread")]
    NoThread(#[source] std::io::Error),
}

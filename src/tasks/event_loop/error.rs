/// What an [`EventLoop`](super::EventLoop) refuses: Python's `RuntimeError`s, in its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoopError {
    /// It was closed.
    #[error("event loop is closed")]
    Closed,
    /// It was to run, and runs already: it was called from inside itself.
    #[error("this event loop is already running")]
    AlreadyRunning,
    /// It was to run inside another one, or on a thread of a tokio runtime.
    #[error("cannot run the event loop while another loop is running")]
    NestedLoop,
    /// It was to be closed while it runs.
    #[error("cannot close a running event loop")]
    Running,
    /// It was stopped before the future was ready that it was to run to its end.
    #[error("event loop stopped before future completed")]
    Stopped,
    /// There is none on this thread.
    #[error("no running event loop")]
    NoRunningLoop,
}

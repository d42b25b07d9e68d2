/// The error of an operation on an [`EventLoop`](super::EventLoop): Python's `RuntimeError`, with the same messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoopError {
    /// The loop was closed.
    #[error("event loop is closed")]
    Closed,
    /// A callback or task of the loop tried to run the loop.
    #[error("this event loop is already running")]
    AlreadyRunning,
    /// The caller tried to run the loop inside another loop, or on a thread of a tokio runtime.
    #[error("cannot run the event loop while another loop is running")]
    NestedLoop,
    /// The caller tried to close the loop while it is running.
    #[error("cannot close a running event loop")]
    Running,
    /// The loop was stopped before the future of [`run_until_complete`](super::EventLoop::run_until_complete)
    /// completed.
    #[error("event loop stopped before future completed")]
    Stopped,
    /// No loop is running on this thread.
    #[error("no running event loop")]
    NoRunningLoop,
}

impl LoopError {
    /// Returns `true` if the loop was closed.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self == Self::Closed
    }

    /// Returns `true` if the loop was stopped before its future completed.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        self == Self::Stopped
    }
}

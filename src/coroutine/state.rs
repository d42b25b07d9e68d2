/// Where a coroutine stands: `inspect.getcoroutinestate` of Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Not begun: nothing of the body has run.
    Created,
    /// In the middle of a step: the body awaits something that is not ready.
    Running,
    /// At a yield, which waits for an answer.
    Suspended,
    /// Over: the body has returned, failed, panicked or been closed, and is dropped.
    Closed,
}

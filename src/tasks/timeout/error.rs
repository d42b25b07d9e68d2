/// What a [`Timeout`](super::Timeout) fails with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeoutError {
    /// The block took too long: Python's `TimeoutError`.
    #[error("timed out")]
    Elapsed,
    /// It was entered before, by another handle: a `RuntimeError` in Python, as are the following.
    #[error("timeout has already been entered")]
    AlreadyEntered,
    /// It was rescheduled before it was entered.
    #[error("timeout has not been entered")]
    NotEntered,
    /// It was rescheduled when its time was over.
    #[error("cannot change state of expired timeout")]
    Expired,
    /// It was rescheduled when its block was over.
    #[error("cannot change state of finished timeout")]
    Finished,
}

use super::Panic;

/// What a [`TaskHandle`](super::TaskHandle) comes to: a value, or why there is none.
pub type TaskResult<T, E> = Result<T, Error<E>>;

/// Why a [`TaskHandle`](super::TaskHandle) has no value, or none yet.
///
/// `E` is what its work fails with; [`Infallible`](std::convert::Infallible) for work that cannot.
///
/// # Examples
///
/// ```
/// use withal::tasks::{Error, Promise};
///
/// let (promise, future) = Promise::<u32, std::num::ParseIntError>::new();
/// assert_eq!(future.result(), Err(Error::NotReady));
/// match "x".parse() {
///     Ok(value) => promise.set_result(value).unwrap(),
///     Err(error) => promise.set_exception(error).unwrap(),
/// }
/// assert!(matches!(future.result(), Err(Error::Raised(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The work failed: what Python's `result()` raises.
    #[error("the future has raised an error")]
    Raised(#[source] E),
    /// It was cancelled, or dropped by whoever was to complete it: `CancelledError`.
    #[error("the future was cancelled")]
    Cancelled,
    /// The work panicked.
    #[error("the future has panicked: {0}")]
    Panicked(Panic),
    /// It is not over: `InvalidStateError`.
    #[error("result is not ready")]
    NotReady,
    /// It was awaited before, and what it came to was moved out.
    #[error("cannot reuse already awaited future")]
    AlreadyAwaited,
    /// It was not over in time: `TimeoutError`. It goes on.
    #[error("timed out")]
    TimedOut,
}

impl<E> Error<E> {
    /// The same, with the error of the work lent.
    pub fn as_ref(&self) -> Error<&E> {
        match self {
            Self::Raised(error) => Error::Raised(error),
            Self::Cancelled => Error::Cancelled,
            Self::Panicked(panic) => Error::Panicked(panic.clone()),
            Self::NotReady => Error::NotReady,
            Self::AlreadyAwaited => Error::AlreadyAwaited,
            Self::TimedOut => Error::TimedOut,
        }
    }

    /// The error of the work, if that is what it is.
    pub fn into_raised(self) -> Option<E> {
        match self {
            Self::Raised(error) => Some(error),
            _ => None,
        }
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

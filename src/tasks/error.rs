use std::convert::Infallible;
use std::fmt::{self, Debug};

use super::panic::Panic;
use crate::box_error::BoxError;
use crate::error_text::{is_report, mark_no_failure};

/// The result of a [`TaskHandle`](super::TaskHandle): a value, or the reason why there is none.
pub type TaskResult<T, E> = Result<T, Error<E>>;

/// The reason why a [`TaskHandle`](super::TaskHandle) has no value, or has no value yet.
///
/// `E` is the type of the error of the work. For work that cannot fail, it is [`Infallible`](std::convert::Infallible).
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
#[doc(alias = "JoinError")]
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The work failed. Python's `result()` raises this error.
    #[error("the task failed")]
    Raised(#[source] E),
    /// The work was cancelled, or its promise was dropped: `CancelledError`.
    #[error("the task was cancelled")]
    Cancelled,
    /// The work panicked.
    #[error("the task panicked: {0}")]
    Panicked(Panic),
    /// The work has not finished: `InvalidStateError`.
    #[error("result is not ready")]
    NotReady,
    /// The result was moved out by an earlier await.
    #[error("cannot reuse already awaited future")]
    AlreadyAwaited,
    /// The work did not finish in time: `TimeoutError`. The work continues, except that [`Map`](super::Map) cancels its
    /// jobs that have not started.
    #[error("timed out")]
    TimedOut,
}

/// Reports write the text and the cause instead of the fields.
impl<E: Debug> Debug for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) && !matches!(self, Self::Raised(_) | Self::Panicked(_)) {
            mark_no_failure();
        }
        match self {
            Self::Raised(error) if is_report(f) => {
                f.write_str("the task failed: ")?;
                error.fmt(f)
            }
            Self::Raised(error) => f.debug_tuple("Raised").field(error).finish(),
            Self::Cancelled => f.write_str("Cancelled"),
            Self::Panicked(panic) if is_report(f) => write!(f, "the task panicked: {panic}"),
            Self::Panicked(panic) => f.debug_tuple("Panicked").field(panic).finish(),
            Self::NotReady => f.write_str("NotReady"),
            Self::AlreadyAwaited => f.write_str("AlreadyAwaited"),
            Self::TimedOut => f.write_str("TimedOut"),
        }
    }
}

impl<E> Error<E> {
    /// Borrows the error of the work.
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

    /// Converts the error into a type into which the error of the work and the other variants convert, for an error of the
    /// work that does not implement [`std::error::Error`].
    ///
    /// [`Raised`](Self::Raised) becomes the error of the work itself. `?` does this for a [`BoxError`]. It cannot do it for
    /// an `anyhow::Error`, because only the crate of one of the two types may define the conversion, and to the compiler
    /// `anyhow::Error` might implement `std::error::Error` one day.
    ///
    /// # Examples
    ///
    /// ```
    /// use withal::tasks::{Error, create_task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// async fn work() -> anyhow::Result<u32> {
    ///     let task = create_task(async { anyhow::Ok("x".parse::<u32>()?) });
    ///     Ok(task.await.map_err(Error::into_error::<anyhow::Error>)?)
    /// }
    /// assert!(work().await.unwrap_err().is::<std::num::ParseIntError>());
    /// # }
    /// ```
    pub fn into_error<T>(self) -> T
    where
        T: From<E> + From<Error<Infallible>>,
    {
        match self {
            Self::Raised(error) => error.into(),
            Self::Cancelled => Error::Cancelled.into(),
            Self::Panicked(panic) => Error::Panicked(panic).into(),
            Self::NotReady => Error::NotReady.into(),
            Self::AlreadyAwaited => Error::AlreadyAwaited.into(),
            Self::TimedOut => Error::TimedOut.into(),
        }
    }

    /// Returns the error of the work, if the work failed.
    #[must_use]
    pub fn into_raised(self) -> Option<E> {
        match self {
            Self::Raised(error) => Some(error),
            _ => None,
        }
    }

    /// Returns `true` if the work was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Returns `true` if the work panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Returns `true` if the work did not finish in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut)
    }
}

/// Converts [`Raised`](Error::Raised) into the original error. Other variants are wrapped as they are.
impl From<Error<BoxError>> for BoxError {
    fn from(error: Error<BoxError>) -> Self {
        error.into_error()
    }
}

impl From<Error<BoxError>> for Box<dyn std::error::Error + Send + Sync> {
    fn from(error: Error<BoxError>) -> Self {
        BoxError::from(error).into()
    }
}

impl From<Error<BoxError>> for Box<dyn std::error::Error> {
    fn from(error: Error<BoxError>) -> Self {
        BoxError::from(error).into()
    }
}

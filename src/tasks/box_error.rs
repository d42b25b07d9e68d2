use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use super::error::Error as TaskError;

/// An error of any type: for tasks that fail in several ways, and for a [`TaskGroup`](super::TaskGroup) of such.
///
/// It is a `Box<dyn Error + Send + Sync>` that the compiler sees to be `Send` also where a block of a group is awaited in a
/// task. Any error becomes one by `?`; for that, it is itself no [`Error`], as `anyhow::Error` is none, which does here as
/// well.
///
/// # Examples
///
/// ```
/// use withal::tasks::BoxError;
///
/// fn parse(text: &str) -> Result<u32, BoxError> {
///     Ok(text.parse()?)
/// }
/// let error = parse("x").unwrap_err();
/// assert!(error.is::<std::num::ParseIntError>());
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// ```
pub struct BoxError(Box<dyn Error + Send + Sync>);

impl BoxError {
    /// Whether it is of this type.
    #[must_use]
    pub fn is<T: Error + 'static>(&self) -> bool {
        self.0.is::<T>()
    }

    /// The error, if it is of this type.
    #[must_use]
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// The error, by value.
    ///
    /// # Errors
    ///
    /// Itself, when it is of another type.
    pub fn downcast<T: Error + 'static>(self) -> Result<T, Self> {
        self.0.downcast().map(|error| *error).map_err(Self)
    }

    /// As the standard library's.
    #[must_use]
    pub fn into_boxed(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for BoxError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl From<BoxError> for Box<dyn Error + Send + Sync> {
    fn from(error: BoxError) -> Self {
        error.0
    }
}

impl From<BoxError> for Box<dyn Error> {
    fn from(error: BoxError) -> Self {
        error.0
    }
}

/// What the work failed with is as it was; other ends are the [`tasks::Error`](TaskError) that they were.
impl From<TaskError<BoxError>> for BoxError {
    fn from(error: TaskError<BoxError>) -> Self {
        match error {
            TaskError::Raised(error) => error,
            TaskError::Cancelled => TaskError::<Infallible>::Cancelled.into(),
            TaskError::Panicked(panic) => TaskError::<Infallible>::Panicked(panic).into(),
            TaskError::NotReady => TaskError::<Infallible>::NotReady.into(),
            TaskError::AlreadyAwaited => TaskError::<Infallible>::AlreadyAwaited.into(),
            TaskError::TimedOut => TaskError::<Infallible>::TimedOut.into(),
        }
    }
}

impl From<TaskError<BoxError>> for Box<dyn Error + Send + Sync> {
    fn from(error: TaskError<BoxError>) -> Self {
        BoxError::from(error).into()
    }
}

impl From<TaskError<BoxError>> for Box<dyn Error> {
    fn from(error: TaskError<BoxError>) -> Self {
        BoxError::from(error).into()
    }
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

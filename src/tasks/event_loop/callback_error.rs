use std::error::Error;
use std::fmt;

use crate::panic::catch_panic;
use crate::tasks::panic::Panic;

/// The error or panic of a callback, which is passed to the
/// [exception handler](super::EventLoop::set_exception_handler).
///
/// Its `Display` output includes the message of the callback's error; therefore its [`source`](Error::source) is the
/// source of that error, not the error itself.
#[derive(Debug)]
#[non_exhaustive]
#[doc(alias = "Exception")]
pub enum CallbackError {
    /// The callback returned an error.
    Raised(Box<dyn Error + Send + Sync>),
    /// The callback panicked.
    Panicked(Panic),
}

impl CallbackError {
    /// Returns `true` if the callback panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(error) => write!(f, "exception in callback: {error}"),
            Self::Panicked(panic) => write!(f, "panic in callback: {panic}"),
        }
    }
}

impl Error for CallbackError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Raised(error) => error.source(),
            Self::Panicked(_) => None,
        }
    }
}

/// The output of a callback: `()`, or a `Result` whose error is passed to the exception handler and whose value is
/// dropped.
///
/// This trait is sealed.
pub trait CallbackOutput: sealed::Sealed {
    #[doc(hidden)]
    fn into_error(self) -> Option<Box<dyn Error + Send + Sync>>;
}

impl CallbackOutput for () {
    fn into_error(self) -> Option<Box<dyn Error + Send + Sync>> {
        None
    }
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> CallbackOutput for Result<T, E> {
    fn into_error(self) -> Option<Box<dyn Error + Send + Sync>> {
        self.err().map(Into::into)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<T, E> Sealed for Result<T, E> {}
}

/// Calls `callback`, and returns the error that it returns, if any. The caller catches panics by [`catch`].
pub(super) fn call<R: CallbackOutput>(callback: impl FnOnce() -> R) -> Result<(), CallbackError> {
    callback().into_error().map_or(Ok(()), |error| Err(CallbackError::Raised(error)))
}

/// Calls `f`, and turns a panic into an error.
pub(super) fn catch(f: impl FnOnce() -> Result<(), CallbackError>) -> Result<(), CallbackError> {
    catch_panic(f).unwrap_or_else(|payload| Err(CallbackError::Panicked(Panic::new(payload))))
}

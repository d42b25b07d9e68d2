use std::error::Error;
use std::fmt;

use crate::panic::catch_panic;
use crate::tasks::Panic;

/// What a callback has raised, as the [exception handler](super::EventLoop::set_exception_handler) gets it.
///
/// Displayed, it has the words of the error in it; so its [`source`](Error::source) is the error's.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallbackError {
    /// It returned an error.
    Raised(Box<dyn Error + Send + Sync>),
    /// It panicked.
    Panicked(Panic),
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

/// What a callback returns: nothing, or a result, whose error goes to the exception handler, and whose value is dropped.
///
/// No other types implement it.
pub trait CallbackOutput: sealed::Sealed {
    #[doc(hidden)]
    fn error(self) -> Option<Box<dyn Error + Send + Sync>>;
}

impl CallbackOutput for () {
    fn error(self) -> Option<Box<dyn Error + Send + Sync>> {
        None
    }
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> CallbackOutput for Result<T, E> {
    fn error(self) -> Option<Box<dyn Error + Send + Sync>> {
        self.err().map(Into::into)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<T, E> Sealed for Result<T, E> {}
}

/// Calls it, and tells what it returns as an error. Whoever has it called catches the panics.
pub(super) fn call<R: CallbackOutput>(callback: impl FnOnce() -> R) -> Result<(), CallbackError> {
    callback().error().map_or(Ok(()), |error| Err(CallbackError::Raised(error)))
}

/// What it raises, panics too.
pub(super) fn caught(f: impl FnOnce() -> Result<(), CallbackError>) -> Result<(), CallbackError> {
    catch_panic(f).unwrap_or_else(|payload| Err(CallbackError::Panicked(Panic::new(payload))))
}

use std::any::Any;
use std::error::Error;
use std::fmt;

use crate::as_error::find_error;

/// The reason for which a block was left, as [`aexit`](super::AsyncGuard::aexit) receives it: Python's
/// `(exc_type, exc, tb)`.
///
/// An error or a panic payload is passed by mutable reference. The manager can downcast, inspect and change the error,
/// but cannot keep it: the error still belongs to the block. [`is`](Self::is) and
/// [`downcast_ref`](Self::downcast_ref) also look inside boxes of an error.
///
/// # Examples
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use withal::context::ExitReason;
///
/// fn is_refused(exit: &ExitReason<'_>) -> bool {
///     exit.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
/// }
/// let mut error = Error::from(ErrorKind::ConnectionRefused);
/// assert!(is_refused(&ExitReason::Error(&mut error)));
/// assert!(!is_refused(&ExitReason::Ok));
/// ```
#[doc(alias = "exc_type")]
#[derive(Default)]
pub enum ExitReason<'a> {
    /// The block completed, or it was left by `return`, `break` or `continue` without an error.
    #[default]
    Ok,
    /// The block was left with an error: by `?`, or by returning an `Err`.
    ///
    /// An error that is not `Send + 'static` cannot be passed to the manager, which receives an [`OpaqueError`]
    /// instead.
    Error(&'a mut (dyn Any + Send)),
    /// The block panicked with this payload, usually a `&str` or a `String`.
    Panic(&'a mut (dyn Any + Send)),
    /// The block was dropped before it completed, or its manager interrupted it.
    Cancelled,
}

impl ExitReason<'_> {
    /// Reborrows the reason, for a manager that forwards it to another manager.
    #[must_use]
    pub fn reborrow(&mut self) -> ExitReason<'_> {
        match self {
            Self::Ok => ExitReason::Ok,
            Self::Error(error) => ExitReason::Error(&mut **error),
            Self::Panic(payload) => ExitReason::Panic(&mut **payload),
            Self::Cancelled => ExitReason::Cancelled,
        }
    }

    /// Returns `true` if the block was left without an error: the case in which a transaction commits.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Returns `true` if the block was left with a `T`, or with a `T` in a box: see
    /// [`downcast_ref`](Self::downcast_ref).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use withal::context::ExitReason;
    /// use withal::tasks::BoxError;
    ///
    /// let mut error = BoxError::from("x".parse::<u32>().unwrap_err());
    /// assert!(ExitReason::Error(&mut error).is::<ParseIntError>());
    /// assert!(!ExitReason::Cancelled.is::<ParseIntError>());
    /// ```
    #[must_use]
    pub fn is<T: Error + Send + Sync + 'static>(&self) -> bool {
        self.downcast_ref::<T>().is_some()
    }

    /// Borrows the block's error as a `T`: the error itself, or the error inside a `Box<dyn Error + Send + Sync>`, a
    /// [`BoxError`](crate::tasks::BoxError) or, with the feature `anyhow`, an `anyhow::Error` and its contexts.
    ///
    /// The [sources](Error::source) of the error are not searched, and neither is an
    /// [`EitherError`](super::EitherError): name its whole type as `T`. For an error that does not implement [`Error`],
    /// match [`ExitReason::Error`]. The [`ExitKind`](super::ExitKind) of an [`on_exit`](super::on_exit()) or an
    /// [`asynccontextmanager`](super::asynccontextmanager()) does not look inside boxes, because it does not borrow the
    /// error.
    #[must_use]
    pub fn downcast_ref<T: Error + Send + Sync + 'static>(&self) -> Option<&T> {
        match self {
            Self::Error(error) => find_error(&**error),
            _ => None,
        }
    }

    /// Returns `true` if the block panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panic(_))
    }

    /// Returns `true` if the block was dropped or interrupted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

impl fmt::Debug for ExitReason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "Ok",
            Self::Error(_) => "Error(..)",
            Self::Panic(_) => "Panic(..)",
            Self::Cancelled => "Cancelled",
        })
    }
}

/// The placeholder for a block's error that is not `Send + 'static`.
///
/// [`ExitReason::Error`] holds it instead of the error, which the manager cannot inspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OpaqueError;

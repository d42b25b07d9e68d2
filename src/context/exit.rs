use std::any::Any;
use std::fmt;

/// How the block is left, as [`aexit`](super::AsyncGuard::aexit) sees it: Python's `(exc_type, exc, tb)`.
///
/// What went wrong is lent: the manager may look at it by its type and change it, and does not keep it.
///
/// # Examples
///
/// ```
/// use withal::context::ExitReason;
///
/// fn is_refused(exit: &ExitReason<'_>) -> bool {
///     match exit {
///         ExitReason::Error(error) => {
///             error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
///         }
///         _ => false,
///     }
/// }
/// let mut error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert!(is_refused(&ExitReason::Error(&mut error)));
/// assert!(!is_refused(&ExitReason::Ok));
/// ```
#[derive(Default)]
pub enum ExitReason<'a> {
    /// It came to its end, or was left by `return`, `break` or `continue` with no error.
    #[default]
    Ok,
    /// It was left with an error, by `?`, or by returning one.
    ///
    /// An error that is not `Send + 'static` cannot be shown: what is lent in its place downcasts to nothing else than
    /// [`OpaqueError`](super::OpaqueError).
    Error(&'a mut (dyn Any + Send)),
    /// It panicked, with this payload: a `&str` or a `String`, mostly.
    Panic(&'a mut (dyn Any + Send)),
    /// It was dropped before it came to its end, or interrupted by its manager.
    Cancelled,
}

impl ExitReason<'_> {
    /// The same, lent on: for a manager that asks another one.
    #[must_use]
    pub fn reborrow(&mut self) -> ExitReason<'_> {
        match self {
            Self::Ok => ExitReason::Ok,
            Self::Error(error) => ExitReason::Error(&mut **error),
            Self::Panic(payload) => ExitReason::Panic(&mut **payload),
            Self::Cancelled => ExitReason::Cancelled,
        }
    }

    /// Whether nothing went wrong: to commit, rather than roll back.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
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

use std::convert::Infallible;

use super::ExitReason;
use super::body::Payload;

/// An error of the block that is not `Send + 'static`, as [`ExitReason::Error`] shows it: that it is there, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OpaqueError;

/// What went wrong in a block, in the keeping of its scope while it is exited.
///
/// `E` is an error that leaves the function, or the body; `N` is one of a manager that is entered inside, by the same
/// macro, and does not.
#[derive(Debug)]
pub enum Fault<E, N = Infallible> {
    Error(E),
    Nested(N),
    /// An error of which nothing can be shown; it is kept elsewhere.
    OpaqueError(OpaqueError),
    Panic(Payload),
    /// By the manager itself.
    Interrupted,
}

impl<E: Send + 'static, N: Send + 'static> Fault<E, N> {
    /// What the manager is shown.
    #[inline]
    pub fn exit(fault: &mut Option<Self>) -> ExitReason<'_> {
        fault.as_mut().map_or(ExitReason::Ok, Self::shown)
    }

    #[cold]
    #[inline(never)]
    fn shown(&mut self) -> ExitReason<'_> {
        match self {
            Self::Error(error) => ExitReason::Error(error),
            Self::Nested(error) => ExitReason::Error(error),
            Self::OpaqueError(hidden) => ExitReason::Error(hidden),
            Self::Panic(payload) => ExitReason::Panic(&mut ***payload),
            Self::Interrupted => ExitReason::Cancelled,
        }
    }
}

use std::fmt;

use crate::context::NotEntering;
use crate::error_text::is_report;

/// The error of a [`Timeout`](super::Timeout).
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeoutError {
    /// The block did not complete in time: Python's `TimeoutError`.
    #[error("timed out")]
    Elapsed,
    /// The timeout was entered before, through another clone. In Python, this error and the following ones are
    /// `RuntimeError`s.
    #[error("timeout has already been entered")]
    AlreadyEntered,
    /// The timeout was entered where no scope is being entered, so that it would never interrupt a block: by hand, in a
    /// spawned task, or on an [`AsyncExitStack`](crate::context::AsyncExitStack) that was not entered.
    #[error(transparent)]
    NotEntering(#[from] NotEntering),
    /// The timeout was rescheduled before it was entered.
    #[error("timeout has not been entered")]
    NotEntered,
    /// The timeout was rescheduled after its deadline had passed.
    #[error("cannot change state of expired timeout")]
    Expired,
    /// The timeout was rescheduled after its block had ended.
    #[error("cannot change state of finished timeout")]
    Finished,
}

/// Reports write the text instead of the name.
impl fmt::Debug for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            return write!(f, "{self}");
        }
        f.write_str(match self {
            Self::Elapsed => "Elapsed",
            Self::AlreadyEntered => "AlreadyEntered",
            Self::NotEntering(error) => return f.debug_tuple("NotEntering").field(error).finish(),
            Self::NotEntered => "NotEntered",
            Self::Expired => "Expired",
            Self::Finished => "Finished",
        })
    }
}

impl TimeoutError {
    /// Returns `true` if the block did not complete in time.
    #[must_use]
    #[doc(alias = "is_elapsed")]
    pub fn is_timeout(self) -> bool {
        self == Self::Elapsed
    }
}

use std::any::Any;
use std::fmt;

/// A cleanup that did not do its work, as [`observe`](super::observe) tells of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum CleanupEvent<'a> {
    /// It ended with an error.
    #[non_exhaustive]
    Failed {
        /// What it was: see [`Cleanup::name`](super::Cleanup::named).
        name: &'static str,
        /// The error, of whatever type the cleanup has.
        error: &'a (dyn Any + Send),
    },
    /// It panicked.
    #[non_exhaustive]
    Panicked {
        /// What it was.
        name: &'static str,
        /// What it panicked with: a `&str` or a `String`, mostly.
        payload: &'a (dyn Any + Send),
    },
    /// It did not come to its end, and was dropped.
    #[non_exhaustive]
    Abandoned {
        /// What it was.
        name: &'static str,
        /// Why.
        reason: AbandonReason,
    },
}

/// Why a cleanup did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AbandonReason {
    /// It was detached where no runtime is.
    NoRuntime,
    /// Its runtime shut down.
    RuntimeShutdown,
    /// It took longer than its grace.
    TimedOut,
}

impl CleanupEvent<'_> {
    /// What the cleanup was.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed { name, .. } | Self::Panicked { name, .. } | Self::Abandoned { name, .. } => name,
        }
    }
}

impl fmt::Display for CleanupEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { name, .. } => write!(f, "cleanup {name} failed"),
            Self::Panicked { name, .. } => write!(f, "cleanup {name} panicked"),
            Self::Abandoned { name, reason } => write!(f, "cleanup {name} was abandoned: {reason}"),
        }
    }
}

impl fmt::Display for AbandonReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRuntime => "no runtime to spawn it on",
            Self::RuntimeShutdown => "its runtime shut down",
            Self::TimedOut => "its grace period elapsed",
        })
    }
}

use std::any::Any;
use std::fmt;

/// A cleanup that did not do its work, as [`observe`](super::observe) tells of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It ended with an error.
    #[non_exhaustive]
    Failed {
        /// What it was: see [`Cleanup::named`](super::Cleanup::named).
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
    Lost {
        /// What it was.
        name: &'static str,
        /// Why.
        loss: Loss,
    },
}

/// Why a cleanup did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// It was detached where no runtime is.
    NoRuntime,
    /// Its runtime shut down.
    Shutdown,
    /// It took longer than its grace.
    GraceElapsed,
}

impl Event<'_> {
    /// What the cleanup was.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed { name, .. } | Self::Panicked { name, .. } | Self::Lost { name, .. } => name,
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { name, .. } => write!(f, "cleanup {name} failed"),
            Self::Panicked { name, .. } => write!(f, "cleanup {name} panicked"),
            Self::Lost { name, loss } => write!(f, "cleanup {name} was lost: {loss}"),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRuntime => "no runtime to run it",
            Self::Shutdown => "its runtime shut down",
            Self::GraceElapsed => "it took longer than its grace",
        })
    }
}

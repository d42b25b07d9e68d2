//! The exceptions of the programs.

use std::fmt;

use super::program::{Catches, Kind};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raised {
    A(u64),
    B(u64),
    Base(u64),
    /// Raised by a statement, or by an awaited task that was cancelled. A task that is itself cancelled is dropped.
    Cancelled,
    Timeout,
    Group(Vec<Raised>),
}

impl Raised {
    pub(super) fn new(kind: Kind, id: u64) -> Self {
        match kind {
            Kind::A => Self::A(id),
            Kind::B => Self::B(id),
            Kind::Base => Self::Base(id),
            Kind::Cancelled => Self::Cancelled,
        }
    }

    /// Returns `true` for a `BaseException` that is not an `Exception`.
    fn is_base(&self) -> bool {
        match self {
            Self::A(_) | Self::B(_) | Self::Timeout => false,
            Self::Base(_) | Self::Cancelled => true,
            Self::Group(errors) => errors.iter().any(Self::is_base),
        }
    }

    pub(super) fn is_caught_by(&self, catches: Catches) -> bool {
        match catches {
            Catches::A => matches!(self, Self::A(_)),
            Catches::Exception => !self.is_base(),
            Catches::Cancelled => *self == Self::Cancelled,
            Catches::Timeout => *self == Self::Timeout,
            Catches::Group => matches!(self, Self::Group(_)),
            Catches::Base => true,
        }
    }
}

/// The notation of the traces.
impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(id) => write!(f, "A:{id}"),
            Self::B(id) => write!(f, "B:{id}"),
            Self::Base(id) => write!(f, "Base:{id}"),
            Self::Cancelled => f.write_str("CE"),
            Self::Timeout => f.write_str("TO"),
            Self::Group(errors) => {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                let base = if self.is_base() { "Base" } else { "" };
                write!(f, "{base}ExcGroup[{}]", errors.join(" "))
            }
        }
    }
}

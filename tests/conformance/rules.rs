//! What cannot be compared.

use std::fmt;

/// Why a program cannot be compared: the table of `main.rs` has the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    YieldsNever,
    YieldsTwice,
    ExitsInside,
    ClosedBefore,
    Wedged,
    AthrowAgain,
    LeftSuspended,
    ManagerDropped,
    StopAsResult,
    InACircle,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

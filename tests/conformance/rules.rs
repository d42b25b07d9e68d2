//! The rules by which programs are excluded from the comparison.

use std::fmt;

/// A reason not to compare the rest of a program. The table in `main.rs` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    YieldsTwice,
    ExitsInside,
    ClosedBefore,
    ClosesAClose,
    Wedged,
    AthrowAgain,
    KeptInFrame,
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

/// A reason to compare a run only up to some line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cutoff {
    /// The lines that follow must differ in every mode.
    Rule(Rule),
    /// The lines that follow must differ in this mode: a pinned generator would have to be shared or finalized, or an exit
    /// continues as a cleanup, for which the other modes have no runtime.
    ModeLimit,
}

/// The number of programs in the crate's corpus that each rule excludes.
pub(super) const EXCLUDED: [(Rule, u32); 11] = [
    (Rule::YieldsTwice, 168),
    (Rule::ExitsInside, 179),
    (Rule::ClosedBefore, 65),
    (Rule::ClosesAClose, 0),
    (Rule::Wedged, 19),
    (Rule::AthrowAgain, 1),
    (Rule::KeptInFrame, 9),
    (Rule::LeftSuspended, 7),
    (Rule::ManagerDropped, 3),
    (Rule::StopAsResult, 5),
    (Rule::InACircle, 1),
];

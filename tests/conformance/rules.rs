//! What cannot be compared.

use std::fmt;

/// Why a program cannot be compared from some place on: the table of `main.rs` has the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    YieldsTwice,
    ExitsInside,
    ClosedBefore,
    ClosesAClose,
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

/// Up to where a run is compared, if not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// What comes then cannot be the same.
    Rule(Rule),
    /// A generator that is pinned, and so held by one alone, would have to be shared.
    Shared,
}

/// How many of the programs that the crate has come under each.
pub(super) const EXCLUDED: [(Rule, u32); 10] = [
    (Rule::YieldsTwice, 167),
    (Rule::ExitsInside, 232),
    (Rule::ClosedBefore, 105),
    (Rule::ClosesAClose, 0),
    (Rule::Wedged, 16),
    (Rule::AthrowAgain, 4),
    (Rule::LeftSuspended, 6),
    (Rule::ManagerDropped, 1),
    (Rule::StopAsResult, 4),
    (Rule::InACircle, 1),
];

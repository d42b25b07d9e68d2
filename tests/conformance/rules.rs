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

/// Up to where a run is compared, if not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// What comes then cannot be the same.
    Rule(Rule),
    /// What comes then is another in this way: a generator that is pinned would have to be shared or finalized, or an exit
    /// goes on as a cleanup, for which other ways have no runtime.
    OfThisWay,
}

/// How many of the programs that the crate has come under each.
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

//! Runs a program in each mode, and compares each trace with that of `CPython`.

use super::corpus::Case;
use super::driver;
use super::panics::catch_panic;
use super::program::Action;
use super::rules::{Cutoff, Rule};
use super::source;
use super::world::{Mode, World};

pub(super) enum Comparison {
    Same(Same),
    /// The traces are the same up to the point from which the rule excludes the rest.
    Excluded(Rule),
    /// A description of the first difference.
    Differs(String),
}

pub(super) struct Same {
    /// Causes and contexts are the same, too.
    pub(super) is_with_chain: bool,
    pub(super) is_pinned_to_the_end: bool,
    pub(super) is_shut_down: bool,
}

/// The result of a run in one mode.
pub(super) struct Run {
    pub(super) trace: Vec<String>,
    cutoff: Option<(Cutoff, usize)>,
    /// The number of generators that a shutdown has closed.
    closed: Option<usize>,
}

pub(super) fn compare(case: &Case) -> Comparison {
    withal_test_support::expect_reports("AsyncExitStackGuard failed");
    withal_test_support::expect_reports("was abandoned: no runtime to spawn it on");
    withal_test_support::expect_reports("was abandoned: its runtime shut down");
    withal_test_support::expect_reports("was lost");
    let hooks = run(case, Mode::Hooks);
    if let Some(difference) = difference(case, &hooks, Mode::Hooks) {
        return Comparison::Differs(difference);
    }
    let pinned = run(case, Mode::Pinned);
    if let Some(difference) = difference(case, &pinned, Mode::Pinned) {
        return Comparison::Differs(difference);
    }
    // The crate closes several generators concurrently, the program one after the other.
    let is_shut_down = hooks.cutoff.is_none() && hooks.closed == Some(1);
    if hooks.cutoff.is_none() && matches!(hooks.closed, Some(0 | 1)) {
        let asyncgens = run(case, Mode::Asyncgens);
        if let Some(difference) = difference(case, &asyncgens, Mode::Asyncgens) {
            return Comparison::Differs(difference);
        }
    }
    if let Some((Cutoff::Rule(rule), _)) = hooks.cutoff {
        return Comparison::Excluded(rule);
    }
    let (is_with_chain, is_pinned_to_the_end) = (hooks.trace == case.trace, pinned.cutoff.is_none());
    Comparison::Same(Same { is_with_chain, is_pinned_to_the_end, is_shut_down })
}

pub(super) fn run(case: &Case, mode: Mode) -> Run {
    let is_throw = |(action, _): &(Action, String)| matches!(action, Action::Throw(..) | Action::Close(_));
    let world = World::new(case.functions(), mode, case.actions.iter().any(is_throw));
    let ran = catch_panic(|| driver::run(case, &world));
    let (mut trace, cutoff) = (world.trace(), world.cutoff());
    if let Err(panic) = &ran {
        trace.push(panic.clone());
    }
    Run { trace, cutoff, closed: ran.ok().flatten() }
}

/// Describes the first difference in the part that can be compared: before a rule excludes the rest.
fn difference(case: &Case, run: &Run, mode: Mode) -> Option<String> {
    let comparable = |trace: &[String]| {
        let lines = run.cutoff.map_or(trace.len(), |(_, lines)| lines.min(trace.len()));
        trace[..lines].to_vec()
    };
    let (theirs, ours) = (comparable(&case.trace), comparable(&run.trace));
    first_difference(&theirs, &ours).map(|at| describe(case, run, mode, at))
}

/// Ignores causes and contexts.
fn first_difference(theirs: &[String], ours: &[String]) -> Option<usize> {
    let event = |line: &String| line.split(" | ").next().unwrap_or_default().to_owned();
    let at = |at| (theirs.get(at).map(event), ours.get(at).map(event));
    (0..theirs.len().max(ours.len())).find(|line| at(*line).0 != at(*line).1)
}

fn describe(case: &Case, run: &Run, mode: Mode, at: usize) -> String {
    let none = "nothing".to_owned();
    let line = |trace: &[String]| trace.get(at).unwrap_or(&none).clone();
    format!(
        "== program {}\n{}\n-- CPython\n{}\n-- here, {mode:?}{}\n{}\n-- line {}\nCPython: {}\nhere:    {}\n",
        case.id,
        source::source(case.program()),
        case.trace.join("\n"),
        run.cutoff
            .map_or_else(String::new, |(cutoff, lines)| format!(", {cutoff:?} from line {}", lines + 1)),
        run.trace.join("\n"),
        at + 1,
        line(&case.trace),
        line(&run.trace),
    )
}

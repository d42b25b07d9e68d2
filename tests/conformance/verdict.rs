//! A program is run in every way that there is for it, and each trace is held against that of `CPython`.

use super::corpus::Case;
use super::driver;
use super::panics::caught;
use super::program::Action;
use super::rules::{Rule, Until};
use super::source;
use super::world::{Way, World};

pub(super) enum Verdict {
    Same(Same),
    /// It is the same up to where the rule has it.
    Excluded(Rule),
    /// In words.
    Differs(String),
}

pub(super) struct Same {
    /// Also with causes and contexts.
    pub(super) is_with_chain: bool,
    pub(super) is_pinned_to_the_end: bool,
    pub(super) is_shut_down: bool,
}

/// A run in one of the ways.
pub(super) struct Run {
    pub(super) trace: Vec<String>,
    until: Option<(Until, usize)>,
    /// How many generators a shutdown has closed.
    closed: Option<usize>,
}

pub(super) fn verdict(case: &Case) -> Verdict {
    let hooks = run(case, Way::Hooks);
    if let Some(difference) = difference(case, &hooks, Way::Hooks) {
        return Verdict::Differs(difference);
    }
    let pinned = run(case, Way::Pinned);
    if let Some(difference) = difference(case, &pinned, Way::Pinned) {
        return Verdict::Differs(difference);
    }
    // Several the crate closes side by side, and a program one after the other.
    let is_shut_down = hooks.until.is_none() && hooks.closed == Some(1);
    if hooks.until.is_none() && matches!(hooks.closed, Some(0 | 1)) {
        let asyncgens = run(case, Way::Asyncgens);
        if let Some(difference) = difference(case, &asyncgens, Way::Asyncgens) {
            return Verdict::Differs(difference);
        }
    }
    if let Some((Until::Rule(rule), _)) = hooks.until {
        return Verdict::Excluded(rule);
    }
    let (is_with_chain, is_pinned_to_the_end) = (hooks.trace == case.trace, pinned.until.is_none());
    Verdict::Same(Same { is_with_chain, is_pinned_to_the_end, is_shut_down })
}

pub(super) fn run(case: &Case, way: Way) -> Run {
    let is_throw = |(action, _): &(Action, String)| matches!(action, Action::Throw(..) | Action::Close(_));
    let world = World::new(case.functions(), way, case.actions.iter().any(is_throw));
    let ran = caught(|| driver::run(case, &world));
    let (mut trace, until) = (world.trace(), world.until());
    if let Err(panic) = &ran {
        trace.push(panic.clone());
    }
    Run { trace, until, closed: ran.ok().flatten() }
}

/// Of what can be compared, which is all before a rule excludes the rest.
fn difference(case: &Case, run: &Run, way: Way) -> Option<String> {
    let comparable = |trace: &[String]| {
        let lines = run.until.map_or(trace.len(), |(_, lines)| lines.min(trace.len()));
        trace[..lines].to_vec()
    };
    let (theirs, ours) = (comparable(&case.trace), comparable(&run.trace));
    first_difference(&theirs, &ours).map(|at| in_words(case, run, way, at))
}

/// Without causes and contexts.
fn first_difference(theirs: &[String], ours: &[String]) -> Option<usize> {
    let event = |line: &String| line.split(" | ").next().unwrap_or_default().to_owned();
    let at = |at| (theirs.get(at).map(event), ours.get(at).map(event));
    (0..theirs.len().max(ours.len())).find(|line| at(*line).0 != at(*line).1)
}

fn in_words(case: &Case, run: &Run, way: Way, at: usize) -> String {
    let none = "nothing".to_owned();
    let line = |trace: &[String]| trace.get(at).unwrap_or(&none).clone();
    format!(
        "== program {}\n{}\n-- CPython\n{}\n-- here, {way:?}{}\n{}\n-- line {}\nCPython: {}\nhere:    {}\n",
        case.id,
        source::source(case.program()),
        case.trace.join("\n"),
        run.until.map_or_else(String::new, |(until, lines)| format!(", {until:?} from line {}", lines + 1)),
        run.trace.join("\n"),
        at + 1,
        line(&case.trace),
        line(&run.trace),
    )
}

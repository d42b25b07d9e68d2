//! The first difference between two traces, and its cause.

use std::collections::{BTreeMap, BTreeSet};

/// The events of a trace by task. Each callback counts as a task.
pub(super) type ByTask = BTreeMap<String, Vec<String>>;

pub(super) fn by_task(trace: &[String]) -> ByTask {
    let mut tasks = ByTask::new();
    for line in trace {
        let mut words: Vec<_> = line.splitn(3, ' ').collect();
        let task = if words[1] == "cb" { words[2] } else { words[1] }.to_owned();
        // Requests to cancel are not counted here.
        let event = words.pop().unwrap();
        let event = event.split(" cancelling=").next().unwrap();
        let event = if event.starts_with("tg done") { "tg done" } else { event };
        tasks.entry(task).or_default().push(format!("{} {event}", words[0]));
    }
    tasks
}

/// The first event of a task that is not in the other trace: it shows in which of two orders two tasks ran within one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A task had started when it was cancelled, or not yet.
    Started,
    /// More or fewer failures of one instant came before the siblings were cancelled.
    GroupErrors,
    /// A task had ended when it was cancelled, or not yet.
    Ended,
    /// A lock, a permit, an item or a notification went to another waiter, or came an iteration sooner or later.
    Woken,
}

/// Returns the cause of the difference between two traces, if it is a known one.
///
/// At least two tasks must be active in the first instant in which the traces differ: for one task there is only one order.
pub(super) fn cause(ours: &ByTask, theirs: &ByTask) -> Option<Cause> {
    let divergences: Vec<_> = ours
        .keys()
        .chain(theirs.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|task| Some((task, divergence(task, ours, theirs)?)))
        .collect();
    // `main` reports the results of the tasks at the end, so its differences come last.
    let (_, first) = divergences.iter().min_by_key(|(task, events)| (*task == "main", instant(events)))?;
    let at = instant(first)?;
    let active: BTreeSet<_> = [ours, theirs].into_iter().flat_map(|trace| active_at(trace, at)).collect();
    if active.iter().map(|(task, _)| task).collect::<BTreeSet<_>>().len() < 2 {
        return None;
    }
    let [here, there] = first.map(event_name);
    let is = |what: &str| here.starts_with(what) || there.starts_with(what);
    let is_at_once = first.iter().all(|event| time(event).is_none_or(|time| time == at));
    match () {
        () if is("start") => Some(Cause::Started),
        () if is("end ExcGroup") && is_at_once => Some(Cause::GroupErrors),
        () if (is("end CE") || is_end_of_a_cancelled(first)) && is_at_once => Some(Cause::Ended),
        () if active.iter().any(|(_, event)| WAKES.iter().any(|wakes| event.starts_with(wakes))) => {
            Some(Cause::Woken)
        }
        () => None,
    }
}

/// Events that depend on another task or affect one.
const WAKES: [&str; 12] =
    ["acq", "cancel", "end", "gather", "got", "notify", "put", "rel", "set", "soon", "tg done", "woke"];

fn divergence<'a>(task: &str, ours: &'a ByTask, theirs: &'a ByTask) -> Option<[&'a str; 2]> {
    let [ours, theirs] = [ours, theirs].map(|trace| trace.get(task).map_or(&[][..], Vec::as_slice));
    let at = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))?;
    Some([ours, theirs].map(|events| events.get(at).map_or("", String::as_str)))
}

fn time(event: &str) -> Option<u32> {
    event.split(' ').next()?.parse().ok()
}

fn event_name(event: &str) -> &str {
    event.split_once(' ').map_or("", |(_, what)| what)
}

fn instant(events: &[&str; 2]) -> Option<u32> {
    events.iter().filter_map(|event| time(event)).min()
}

/// Returns `true` if `main` reports "t3 cancelled" in one trace and another result of the same task in the other.
fn is_end_of_a_cancelled([here, there]: &[&str; 2]) -> bool {
    [(here, there), (there, here)]
        .iter()
        .any(|(one, other)| one.strip_suffix(" cancelled").is_some_and(|task| other.starts_with(task)))
}

/// Returns the tasks that are active at an instant, with their events.
fn active_at(trace: &ByTask, at: u32) -> Vec<(&str, &str)> {
    let events = trace.iter().flat_map(|(task, events)| events.iter().map(move |event| (&**task, &**event)));
    events
        .filter(|(_, event)| time(event) == Some(at))
        .map(|(task, event)| (task, event_name(event)))
        .collect()
}

#[test]
fn differences_that_no_order_explains_have_no_cause() {
    let trace = |lines: &[&str]| by_task(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    let theirs = trace(&["0 t1 start", "1 t1 end TO"]);
    assert_eq!(cause(&trace(&["0 t1 start", "2 t1 end TO"]), &theirs), None, "too late");
    assert_eq!(cause(&trace(&["0 t1 start", "1 t1 end CE"]), &theirs), None, "no task has cancelled it");
    assert_eq!(cause(&trace(&["0 t1 start"]), &theirs), None, "it never ends");
    let theirs = trace(&["0 t1 start", "0 t2 start", "1 t2 log 1", "1 t1 log 2"]);
    assert_eq!(
        cause(&trace(&["0 t1 start", "0 t2 start", "1 t2 log 1", "2 t1 log 2"]), &theirs),
        None,
        "no task is woken"
    );
    let theirs = trace(&["0 t1 start", "1 t2 cancel t1 True", "1 t1 end CE"]);
    assert_eq!(
        cause(&trace(&["0 t1 start", "1 t2 cancel t1 False", "1 t1 end"]), &theirs),
        Some(Cause::Ended)
    );
}

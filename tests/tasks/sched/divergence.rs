//! Where two traces part.

use std::collections::{BTreeMap, BTreeSet};

/// By task; each callback is one of its own.
pub(super) type ByTask = BTreeMap<String, Vec<String>>;

pub(super) fn by_task(trace: &[String]) -> ByTask {
    let mut tasks = ByTask::new();
    for line in trace {
        let mut words: Vec<_> = line.splitn(3, ' ').collect();
        let task = if words[1] == "cb" { words[2] } else { words[1] }.to_owned();
        // How often a task was asked to end is not known here.
        let event = words.pop().unwrap();
        let event = event.split(" cancelling=").next().unwrap();
        let event = if event.starts_with("tg done") { "tg done" } else { event };
        tasks.entry(task).or_default().push(format!("{} {event}", words[0]));
    }
    tasks
}

/// What a task does first that it does not do in the other trace: in which of two orders two tasks have had their turns, in
/// one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A task had begun when it was cancelled, or not yet.
    Started,
    /// Of failures at one instant, more or fewer come before the siblings are cancelled.
    GroupErrors,
    /// A task was over when it was cancelled, or not yet.
    Ended,
    /// A lock, a permit, an item or a notification went to another waiter, or came a turn sooner or later.
    Woken,
}

/// Why two traces differ; none where it is not for a known cause.
///
/// Before the first instant in which they differ they are the same, by the choice of that. In it, two tasks at least have to
/// be at work: with one alone, there is no other order.
pub(super) fn cause(ours: &ByTask, theirs: &ByTask) -> Option<Cause> {
    let divergences: Vec<_> = ours
        .keys()
        .chain(theirs.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|task| Some((task, divergence(task, ours, theirs)?)))
        .collect();
    // What the tasks come to is told at the end: of all that differs, it is the last.
    let (_, first) = divergences.iter().min_by_key(|(task, events)| (*task == "main", instant(events)))?;
    let at = instant(first)?;
    let at_work: BTreeSet<_> = [ours, theirs].into_iter().flat_map(|trace| at_work(trace, at)).collect();
    if at_work.iter().map(|(task, _)| task).collect::<BTreeSet<_>>().len() < 2 {
        return None;
    }
    let [here, there] = first.map(what);
    let is = |what: &str| here.starts_with(what) || there.starts_with(what);
    let is_at_once = first.iter().all(|event| time(event).is_none_or(|time| time == at));
    match () {
        () if is("start") => Some(Cause::Started),
        () if is("end ExcGroup") && is_at_once => Some(Cause::GroupErrors),
        () if (is("end CE") || is_end_of_a_cancelled(first)) && is_at_once => Some(Cause::Ended),
        () if at_work.iter().any(|(_, event)| WAKES.iter().any(|wakes| event.starts_with(wakes))) => {
            Some(Cause::Woken)
        }
        () => None,
    }
}

/// What is done to others, or by others.
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

fn what(event: &str) -> &str {
    event.split_once(' ').map_or("", |(_, what)| what)
}

fn instant(events: &[&str; 2]) -> Option<u32> {
    events.iter().filter_map(|event| time(event)).min()
}

/// Of `main`, at the end: "t3 cancelled", and something else of the same task.
fn is_end_of_a_cancelled([here, there]: &[&str; 2]) -> bool {
    [(here, there), (there, here)]
        .iter()
        .any(|(one, other)| one.strip_suffix(" cancelled").is_some_and(|task| other.starts_with(task)))
}

/// Each task and what it does at an instant.
fn at_work(trace: &ByTask, at: u32) -> Vec<(&str, &str)> {
    let events = trace.iter().flat_map(|(task, events)| events.iter().map(move |event| (&**task, &**event)));
    events.filter(|(_, event)| time(event) == Some(at)).map(|(task, event)| (task, what(event))).collect()
}

#[test]
fn differences_that_no_order_explains_have_no_cause() {
    let trace = |lines: &[&str]| by_task(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    let theirs = trace(&["0 t1 start", "1 t1 end TO"]);
    assert_eq!(cause(&trace(&["0 t1 start", "2 t1 end TO"]), &theirs), None, "too late");
    assert_eq!(cause(&trace(&["0 t1 start", "1 t1 end CE"]), &theirs), None, "nobody has cancelled it");
    assert_eq!(cause(&trace(&["0 t1 start"]), &theirs), None, "never over");
    let theirs = trace(&["0 t1 start", "0 t2 start", "1 t2 log 1", "1 t1 log 2"]);
    assert_eq!(
        cause(&trace(&["0 t1 start", "0 t2 start", "1 t2 log 1", "2 t1 log 2"]), &theirs),
        None,
        "nobody is woken"
    );
    let theirs = trace(&["0 t1 start", "1 t2 cancel t1 True", "1 t1 end CE"]);
    assert_eq!(
        cause(&trace(&["0 t1 start", "1 t2 cancel t1 False", "1 t1 end"]), &theirs),
        Some(Cause::Ended)
    );
}

//! Programs on asyncio, with what `CPython` did with them, run on `tasks` and on tokio's own types.
//!
//! Each task's own sequence of `(time, event)` is compared, and how the program ends; the order of different tasks at one
//! instant is not. `SCHED_SHOW=1 cargo test --test tasks sched -- --nocapture` shows those that differ.
//!
//! | Python | here |
//! |---|---|
//! | `loop.create_task`, `asyncio.TaskGroup`, `timeout`, `gather`, `call_soon`, `call_later` | `create_task`, `TaskGroup`, `timeout`, `gather`, `EventLoop` |
//! | `asyncio.shield(task)` | the task, which is not cancelled when its handle is dropped |
//! | `asyncio.wait_for` | tokio's `timeout`; without time, asyncio does not begin at all, and neither do we |
//! | `Lock`, `Semaphore`, `Event`, `Queue` | tokio's `Mutex`, `Semaphore`, `watch`, unbounded `mpsc` |
//! | `Condition` | tokio's `Mutex`, and a queue of `oneshot`s |
//! | `raise CancelledError` | the task cancels itself |
//! | the block's error, one of its group's | put back where it is there |
//! | `cancelling()` | not compared: how often a task was asked to end, nobody knows |
//!
//! Of 3,000 programs, these are left out; the figures move a little with tokio's versions.
//!
//! | rule | how many | why |
//! |---|---|---|
//! | [`Rule::Catches`] | about 120 | a cancellation is caught, or runs a `finally` |
//! | [`Rule::Reacquires`] | 1 | a cancellation has to wait for the lock of a condition |
//! | [`Rule::Fails`] | about 10 | the errors of a group come before the cancellation |
//! | [`Rule::Starts`] | about 470 | tasks had begun when they were cancelled, or not |

mod me;
mod program;
mod raised;
mod run;
mod scopes;
mod statements;
mod world;

use std::collections::BTreeMap;

/// Why a program cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// A task is cancelled where Python would catch that, or has a `finally` to run: here it is dropped.
    Catches,
    /// A task is cancelled while it waits to be notified, and another has the lock of the condition: asyncio's waits for it
    /// before it ends.
    Reacquires,
    /// A group was cancelled whose tasks have failed: asyncio raises that in place of the cancellation; here the observers
    /// of cleanups are told, and there is nobody left to raise it in.
    Fails,
    /// A task is cancelled in the instant in which it has started tasks, and waits for them. Whether those have begun by
    /// then is a matter of turns: asyncio's `cancel` goes through a `gather` to its tasks at once, here they are cancelled
    /// when the one that gathers has its next turn.
    Starts,
}

/// By task; each callback is one of its own.
fn by_task(trace: &[String]) -> ByTask {
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

type ByTask = BTreeMap<String, Vec<String>>;

/// Where two traces part: what a task does first that it does not do in the other, and when. All of it is a matter of turns
/// within one instant: of two tasks, which comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// A task had begun when it was cancelled, or not yet.
    Begun,
    /// Of failures at one instant, more or fewer come before the siblings are cancelled.
    Grouped,
    /// A task was over when it was cancelled, or not yet.
    Over,
    /// A lock, a permit, an item or a notification went to another waiter, or came a turn sooner or later.
    Woken,
}

fn cause(ours: &ByTask, theirs: &ByTask) -> Cause {
    let nothing = Vec::new();
    let partings = ours.keys().chain(theirs.keys()).filter(|task| *task != "main").filter_map(|task| {
        let (ours, theirs) = (ours.get(task).unwrap_or(&nothing), theirs.get(task).unwrap_or(&nothing));
        let at = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))?;
        Some([ours.get(at).cloned().unwrap_or_default(), theirs.get(at).cloned().unwrap_or_default()])
    });
    let time = |event: &String| event.split(' ').next().and_then(|time| time.parse::<u32>().ok());
    let first = partings.min_by_key(|events| events.iter().filter_map(time).min()).unwrap_or_default();
    let is = |what: &str| first.iter().any(|event| event.contains(what));
    match () {
        () if is("start") => Cause::Begun,
        () if is("ExcGroup") => Cause::Grouped,
        () if is("end CE") || first.iter().all(String::is_empty) => Cause::Over,
        () => Cause::Woken,
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of programs")]
fn programs_do_here_what_they_do_on_cpython() {
    let (mut all, mut run, mut mismatches) = (0_u32, 0_u32, 0_u32);
    let (mut excluded, mut causes) = (BTreeMap::<Rule, u32>::new(), BTreeMap::<Cause, u32>::new());
    for case in program::cases() {
        all += 1;
        match run::run(&case) {
            Err(rule) => *excluded.entry(rule).or_default() += 1,
            Ok(trace) => {
                run += 1;
                let (ours, theirs) = (by_task(&trace), by_task(&case.trace));
                if ours != theirs {
                    mismatches += 1;
                    *causes.entry(cause(&ours, &theirs)).or_default() += 1;
                    if std::env::var_os("SCHED_SHOW").is_some() {
                        println!("== {}\n{}\n--\n{}", case.id, case.trace.join("\n"), trace.join("\n"));
                    }
                }
            }
        }
    }
    println!("sched: {} of {run}, {} excluded", run - mismatches, all - run);
    println!("excluded: {excluded:?}");
    println!("in another order at one instant: {causes:?}");
    assert_eq!(all, 3000);
    assert!(2 * run >= all, "at least half of the programs run");
    assert!(20 * mismatches <= run, "at most a twentieth of those differs");
}

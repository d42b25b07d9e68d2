//! Scopes: the cost of entering and of the awaited exit, around work that costs almost nothing.
//!
//! A row is one implementation, and has a file here with a function for each group. The work is adding one to a number. The
//! manager is a lock of tokio (`lock`, `polls`), or does nothing (`trivial`, `nested`, `stack`, `cancelled`), with one type
//! per policy.
//!
//! `by-hand` enters and exits without a scope: there is no exit if the work fails, panics or is dropped. Compared with:
//! - `tokio-mutex`: the guard of the lock, whose destructor is the exit.
//! - `scopeguard`: a destructor that runs a closure, which cannot await.
//! - `guarden`: an exit that awaits, triggered by hand, or spawned on drop.
//! - `async-dropper`: an exit that awaits in a destructor and blocks the thread; on a multi-thread runtime.

mod async_dropper;
mod by_hand;
mod guarden;
mod ours;
mod scopeguard;
mod trivial;

use std::hint::black_box;

use crate::harness::{Clock, Group, Row};

pub(super) fn groups() -> Vec<Group> {
    vec![lock(), polls(), trivial_manager(), nested(), stack(), cancelled()]
}

/// An uncontended lock, acquired and released.
fn lock() -> Group {
    let rows = vec![
        row("withal", ours::lock),
        row("withal-macro", ours::lock_by_macro),
        row("tokio-mutex", by_hand::lock),
    ];
    group("lock", "lock", rows)
}

/// A lock around an `async fn` that is polled ten times; an operation is a poll.
fn polls() -> Group {
    let rows = vec![
        row("withal", ours::polls),
        row("withal-macro", ours::polls_by_macro),
        row("tokio-mutex", by_hand::polls),
    ];
    Group { step: 10, ..group("polls", "poll", rows) }
}

/// A manager that does nothing.
fn trivial_manager() -> Group {
    let rows = vec![
        row("withal", ours::trivial),
        row("withal-macro", ours::trivial_by_macro),
        row("withal (DropAfterChildren)", ours::drop_after_children),
        row("withal (Detach)", ours::detach),
        row("withal (Restart)", ours::restart),
        row("by-hand", by_hand::trivial),
        row("scopeguard", scopeguard::trivial),
        row("guarden", guarden::trivial),
        row("async-dropper", async_dropper::trivial),
    ];
    group("trivial", "scope", rows)
}

/// Three nested managers.
fn nested() -> Group {
    let rows = vec![
        row("withal", ours::nested),
        row("withal-macro", ours::nested_by_macro),
        row("by-hand", by_hand::nested),
        row("scopeguard", scopeguard::nested),
        row("guarden", guarden::nested),
    ];
    group("nested", "three scopes", rows)
}

/// Two managers, entered at run time.
fn stack() -> Group {
    let rows = vec![row("withal", ours::stack), row("by-hand", by_hand::stack)];
    group("stack", "stack of two", rows)
}

/// A scope that is dropped in its block, and then exited.
fn cancelled() -> Group {
    let rows = vec![
        row("withal (DropNow)", ours::cancelled_now),
        row("withal (Detach)", ours::cancelled_detach),
        row("scopeguard", scopeguard::cancelled),
        row("guarden", guarden::cancelled),
    ];
    group("cancelled", "scope", rows)
}

fn group(name: &str, per: &'static str, rows: Vec<Row>) -> Group {
    Group { name: format!("context/{name}"), per, step: 1, counted: 20_000, clock: Clock::Wall, rows }
}

/// Asserts that all work was done.
fn row(name: &'static str, work: impl AsyncFn(u64) -> u64 + 'static) -> Row {
    Row::new(name, async move |n| assert_eq!(black_box(work(n).await), n, "each work was done"))
}

//! Tasks: the cost of starting them, and of waiting for all of them or for each as it completes.
//!
//! Each task yields to the scheduler once and returns a number. A row starts 1, 100 or 10,000 tasks, repeatedly, and checks
//! the sum of the numbers.
//!
//! `tasks/group`: tasks that end together, and add their numbers to a shared total. Compared with:
//! - `join-set`: tokio's `JoinSet`, awaited by `join_next`. A group also has a handle per task, and an exit.
//! - `withal (in place)`: futures that may borrow, polled by the group.
//! - `moro`: a scope whose futures may borrow. They are not tasks, but are polled by the code that awaits the scope.
//!
//! `tasks/as_completed`: the outputs of several futures, in the order of completion. Compared with:
//! - `futures-unordered`: from the crate futures, on which `as_completed` is based.
//! - `join-set`: a task for each future.

mod ours;
mod peers;

use std::hint::black_box;

use tokio::task::yield_now;

use crate::harness::{Clock, Group, Row};

pub(super) fn groups() -> Vec<Group> {
    [1, 100, 10_000].into_iter().flat_map(|size| [group(size), as_completed(size)]).collect()
}

/// Tasks that end together.
fn group(size: u64) -> Group {
    let rows = vec![
        row("withal", size, ours::group),
        row("withal (in place)", size, ours::in_place),
        row("join-set", size, peers::join_set),
        row("moro", size, peers::moro),
    ];
    sized("group", size, rows)
}

/// Outputs in the order of completion.
fn as_completed(size: u64) -> Group {
    let rows = vec![
        row("withal", size, ours::as_completed),
        row("futures-unordered", size, peers::futures_unordered),
        row("join-set", size, peers::join_set_outputs),
    ];
    sized("as_completed", size, rows)
}

fn sized(name: &str, size: u64, rows: Vec<Row>) -> Group {
    let name = format!("tasks/{name}/{size}");
    Group { name, per: "task", step: size, counted: 20_000, clock: Clock::Wall, rows }
}

/// `add_up(n)` starts n tasks at once and returns the sum of their numbers, which the row checks.
fn row(name: &'static str, size: u64, add_up: impl AsyncFn(u64) -> u64 + 'static) -> Row {
    Row::new(name, async move |n| {
        for _ in 0..n / size {
            let total = black_box(add_up(size).await);
            assert_eq!(total, size * (size - 1) / 2, "every number once");
        }
    })
}

/// The work of each task.
async fn work(number: u64) -> u64 {
    yield_now().await;
    black_box(number)
}

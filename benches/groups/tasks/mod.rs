//! Tasks: what it costs to start some, and to have them all end, or to take what they give as it comes.
//!
//! The work of each is to give way once, and to give a number. A row starts 1, 100 or 10,000 of them, over and over; the
//! numbers of all have to add up.
//!
//! `tasks/group`: tasks that end together; each adds its number to a total that they share. What the peers are:
//! - `join-set`: tokio's, waited for by `join_next`. A group has a handle for each task beside it, and an exit.
//! - `moro`: a scope whose futures may borrow. They are no tasks: whoever awaits the scope polls them.
//!
//! `tasks/as_completed`: what several futures give, as it comes:
//! - `futures-unordered`: of the crate futures, which it stands on.
//! - `join-set`: each a task.

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
        row("join-set", size, peers::join_set),
        row("moro", size, peers::moro),
    ];
    sized("group", size, rows)
}

/// Outputs as they come.
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

/// `add_up(n)` starts n at once, and adds up their numbers. No row may lose or repeat one.
fn row(name: &'static str, size: u64, add_up: impl AsyncFn(u64) -> u64 + 'static) -> Row {
    Row::new(name, async move |n| {
        for _ in 0..n / size {
            let total = black_box(add_up(size).await);
            assert_eq!(total, size * (size - 1) / 2, "every number once");
        }
    })
}

/// The work of each.
async fn work(number: u64) -> u64 {
    yield_now().await;
    black_box(number)
}

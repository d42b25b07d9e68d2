//! The context of a task while its program runs, and what it does when it yields or is dropped.

use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;

use tokio::time::Instant;

use super::Rule;
use super::world::World;
use crate::support::yield_once;

/// A running task of a program.
#[derive(Clone)]
pub(super) struct TaskContext {
    pub(super) world: Arc<World>,
    pub(super) name: Arc<str>,
    /// The deadlines of the timeouts around the current statement.
    pub(super) deadlines: Vec<Instant>,
}

impl TaskContext {
    pub(super) fn log(&self, event: impl Display) {
        self.world.log(&self.name, event);
    }

    pub(super) fn within(&self, deadline: Option<Instant>) -> Self {
        let mut me = self.clone();
        me.deadlines.extend(deadline);
        me
    }

    /// Yields if a timeout around expires now. asyncio calls the timers of one instant in the order in which they were set, and
    /// the outer timeout was set first.
    pub(super) async fn give_way(&self) {
        let now = Instant::now();
        if self.deadlines.iter().any(|deadline| *deadline <= now) {
            sleep_zero().await;
        }
    }

    /// Excludes the program if the task is cancelled in the instant in which it has started tasks.
    pub(super) fn exclude_if_now(&self, started: Instant) {
        if Instant::now() == started {
            self.world.exclude(Rule::Starts);
        }
    }

    /// Ends the task as cancelled, for a statement that raises `CancelledError`.
    pub(super) async fn end_as_cancelled(&self) -> ! {
        self.world.task_named(&self.name).cancel();
        pending().await
    }
}

/// asyncio's `sleep(0)`. Also makes up for the extra iteration that asyncio needs to run the callback at the end of a timeout,
/// a group, a `gather`, a `shield` or a `wait`.
pub(super) async fn sleep_zero() {
    yield_once().await;
}

/// Calls a function if it is dropped before it was disarmed, where Python would catch a cancellation.
pub(super) struct OnDrop<F: FnMut()>(Option<F>);

impl<F: FnMut()> OnDrop<F> {
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = &mut self.0 {
            f();
        }
    }
}

pub(super) fn on_drop<F: FnMut()>(f: F) -> OnDrop<F> {
    OnDrop(Some(f))
}

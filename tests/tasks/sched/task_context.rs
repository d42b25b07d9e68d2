//! One task, as it runs; what it does at a turn, and when it is dropped.

use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;

use tokio::time::Instant;

use super::Rule;
use super::world::World;
use crate::support::yield_once;

/// One task, as it runs.
#[derive(Clone)]
pub(super) struct TaskContext {
    pub(super) world: Arc<World>,
    pub(super) name: Arc<str>,
    /// Of the timeouts around.
    pub(super) deadlines: Vec<Instant>,
}

impl TaskContext {
    pub(super) fn log(&self, what: impl Display) {
        self.world.log(&self.name, what);
    }

    pub(super) fn within(&self, deadline: Option<Instant>) -> Self {
        let mut me = self.clone();
        me.deadlines.extend(deadline);
        me
    }

    /// asyncio's timers of one instant are called in the order in which they were set. So what ends in the moment in which
    /// a timeout around it does gives way to that, which was set before.
    pub(super) async fn give_way(&self) {
        let now = Instant::now();
        if self.deadlines.iter().any(|deadline| *deadline <= now) {
            turn().await;
        }
    }

    /// Cancelled, in the instant in which it has started tasks.
    pub(super) fn exclude_if_now(&self, began: Instant) {
        if Instant::now() == began {
            self.world.exclude(Rule::Starts);
        }
    }

    /// As of one that was cancelled; what raises `CancelledError` is that.
    pub(super) async fn end_as_cancelled(&self) -> ! {
        self.world.task_named(&self.name).cancel();
        pending().await
    }
}

/// asyncio's `sleep(0)`. Also what asyncio needs more than we do where it is told by callbacks: they have turns of their own,
/// after the end of a timeout, of a group, of what is gathered, shielded or waited for.
pub(super) async fn turn() {
    yield_once().await;
}

/// Called when it is dropped before it was disarmed: what Python does where it catches a cancellation.
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

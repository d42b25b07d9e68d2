use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use super::ready_queue::{ReadyQueue, Step};
use crate::panic::drop_all;

/// The tasks that are not over.
#[derive(Default)]
pub(super) struct Tasks {
    next: u64,
    tasks: HashMap<u64, Task>,
}

/// A task, out of the table while it is polled: it may add others.
pub(super) struct Task {
    number: u64,
    work: Pin<Box<dyn Future<Output = ()>>>,
    step: Arc<Step>,
    waker: Waker,
}

impl Tasks {
    /// The step of a task that is to be added.
    pub(super) fn next_step(&mut self, ready: &Arc<ReadyQueue>) -> Step {
        self.next += 1;
        Step { task: self.next, is_queued: AtomicBool::new(false), ready: Arc::clone(ready) }
    }

    pub(super) fn add(&mut self, work: Pin<Box<dyn Future<Output = ()>>>, step: Step) {
        let number = step.task;
        let step = Arc::new(step);
        self.tasks.insert(number, Task { number, work, waker: Arc::clone(&step).into(), step });
    }

    /// Drops them, which cancels them; none of them keeps the others from it.
    pub(super) fn discard(self) {
        let mut tasks: Vec<_> = self.tasks.into_values().collect();
        tasks.sort_unstable_by_key(|task| task.number);
        drop_all(tasks);
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Task> {
        self.tasks.remove(&number)
    }

    pub(super) fn put_back(&mut self, task: Task) {
        self.tasks.insert(task.number, task);
    }
}

impl Task {
    /// Whether it is over now.
    pub(super) fn step(&mut self) -> bool {
        // From here on a wake is one for the next step.
        self.step.is_queued.store(false, Ordering::Release);
        self.work.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready()
    }
}

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use super::LoopError;
use super::ready::{Ready, Step};

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
    /// Its first step is at the end of the queue.
    pub(super) fn add(
        &mut self,
        work: Pin<Box<dyn Future<Output = ()>>>,
        ready: &Arc<Ready>,
    ) -> Result<(), LoopError> {
        self.next += 1;
        let number = self.next;
        let step = Step { task: number, is_queued: AtomicBool::new(false), ready: Arc::clone(ready) };
        step.queue()?;
        let step = Arc::new(step);
        self.tasks.insert(number, Task { number, work, waker: Arc::clone(&step).into(), step });
        Ok(())
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

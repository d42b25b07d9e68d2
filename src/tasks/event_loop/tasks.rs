use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::ready_queue::{ReadyQueue, TaskWaker};
use crate::panic::drop_all;

/// The tasks of a loop that have not completed, by number.
#[derive(Default)]
pub(super) struct Tasks {
    /// The number of the latest task.
    last_id: u64,
    tasks: HashMap<u64, LoopTask>,
}

/// A task of a loop. It is taken out of the table while it is polled, because it may spawn other tasks.
pub(super) struct LoopTask {
    id: u64,
    future: Pin<Box<dyn Future<Output = ()>>>,
    task_waker: Arc<TaskWaker>,
    /// `task_waker` as the standard library's type, created once.
    waker: Waker,
}

impl Tasks {
    /// Creates the waker of the next task, to be passed to [`insert`](Self::insert).
    pub(super) fn next_waker(&mut self, ready: &Arc<ReadyQueue>) -> TaskWaker {
        self.last_id += 1;
        TaskWaker::new(self.last_id, Arc::clone(ready))
    }

    pub(super) fn insert(&mut self, future: Pin<Box<dyn Future<Output = ()>>>, task_waker: TaskWaker) {
        let id = task_waker.task();
        let task_waker = Arc::new(task_waker);
        let waker = Arc::clone(&task_waker).into();
        self.tasks.insert(id, LoopTask { id, future, task_waker, waker });
    }

    /// Drops all tasks in the order of their creation, which cancels them.
    pub(super) fn drop_all(self) {
        let mut tasks: Vec<_> = self.tasks.into_values().collect();
        tasks.sort_unstable_by_key(|task| task.id);
        drop_all(tasks);
    }

    pub(super) fn take(&mut self, id: u64) -> Option<LoopTask> {
        self.tasks.remove(&id)
    }

    pub(super) fn put_back(&mut self, task: LoopTask) {
        self.tasks.insert(task.id, task);
    }
}

impl LoopTask {
    pub(super) fn poll(&mut self) -> Poll<()> {
        // Before the poll: a wake during the poll must queue the task again.
        self.task_waker.mark_dequeued();
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

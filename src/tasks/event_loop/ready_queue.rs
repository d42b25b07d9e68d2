use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use super::callback_error::CallbackError;
use super::error::LoopError;
use crate::panic::drop_all;

/// The callbacks and tasks that are ready to run, in order: asyncio's `_ready`. Any thread may push entries.
#[derive(Default)]
pub(super) struct ReadyQueue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    /// The waker of the thread that runs the loop, while it waits for an entry.
    loop_waker: Option<Waker>,
    is_closed: bool,
}

pub(super) enum Entry {
    /// A callback, by its number: the callback itself stays on the loop's thread.
    Callback(u64),
    /// A task that is to be polled, by its number.
    Task(u64),
    /// A callback that another thread may have sent.
    Remote(RemoteCallback),
}

pub(super) type RemoteCallback = Box<dyn FnOnce() -> Result<(), CallbackError> + Send>;

impl ReadyQueue {
    /// Never poisoned: nothing panics while the state is locked, and the only user code that runs is the clone of a
    /// waker.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an entry, and wakes the loop.
    pub(super) fn push(&self, entry: Entry) -> Result<(), LoopError> {
        let mut state = self.state();
        if state.is_closed {
            // Unlock first: the entry is dropped on return, and its destructor may use the loop.
            drop(state);
            return Err(LoopError::Closed);
        }
        state.entries.push_back(entry);
        let loop_waker = state.loop_waker.take();
        drop(state);
        loop_waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Wakes the loop without an entry, so that it checks its timers again.
    pub(super) fn wake(&self) {
        let loop_waker = self.state().loop_waker.take();
        loop_waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn pop(&self) -> Option<Entry> {
        self.state().entries.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.state().entries.len()
    }

    /// If the queue is empty, registers `loop_waker` to be woken by the next entry, and returns `true`.
    pub(super) fn register_if_empty(&self, loop_waker: &Waker) -> bool {
        let mut state = self.state();
        // The lock excludes `push`: an earlier entry is found here, and a later one finds the waker.
        state.loop_waker = state.entries.is_empty().then(|| loop_waker.clone());
        state.entries.is_empty()
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let entries = std::mem::take(&mut state.entries);
        drop(state);
        drop_all(entries);
    }
}

/// The waker of a task: it appends the task to the ready queue, unless the task is in the queue already.
pub(super) struct TaskWaker {
    task: u64,
    /// `true` while the task is in the queue, which must contain it at most once.
    ///
    /// A wake sets it with `Release`, and the loop clears it with `Acquire` before it polls the task. So the poll sees
    /// what was written before any wake since the last poll, also before a wake that found the task queued already and
    /// did not lock the queue. Both are read-modify-write operations: a plain store would not synchronize with such a
    /// wake, and the poll could miss what it was woken for.
    is_queued: AtomicBool,
    ready: Arc<ReadyQueue>,
}

impl TaskWaker {
    pub(super) fn new(task: u64, ready: Arc<ReadyQueue>) -> Self {
        Self { task, is_queued: AtomicBool::new(false), ready }
    }

    /// The number of the task.
    pub(super) fn task(&self) -> u64 {
        self.task
    }

    pub(super) fn enqueue(&self) -> Result<(), LoopError> {
        if self.is_queued.swap(true, Ordering::Release) {
            Ok(())
        } else {
            self.ready.push(Entry::Task(self.task))
        }
    }

    /// Marks the task as no longer queued: a wake from here on queues it again.
    pub(super) fn mark_dequeued(&self) {
        self.is_queued.swap(false, Ordering::Acquire);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A closed loop has no tasks to wake.
        let _ = self.enqueue();
    }
}

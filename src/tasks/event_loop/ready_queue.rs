use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use super::{CallbackError, LoopError};
use crate::panic::drop_all;

/// What is to be done, in order: asyncio's `_ready`. Filled from any thread.
#[derive(Default)]
pub(super) struct ReadyQueue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Entry>,
    /// Of whoever drives the loop.
    driver: Option<Waker>,
    is_closed: bool,
}

pub(super) enum Entry {
    /// A callback, by its number: it stays on the loop's thread.
    Call(u64),
    /// The step of a task, by its number.
    Step(u64),
    /// A callback of another thread.
    Sent(Sent),
}

pub(super) type Sent = Box<dyn FnOnce() -> Result<(), CallbackError> + Send>;

impl ReadyQueue {
    /// Nothing panics while it is locked, and nobody else's code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At the end of the queue.
    pub(super) fn push(&self, entry: Entry) -> Result<(), LoopError> {
        let mut state = self.state();
        if state.is_closed {
            drop(state);
            return Err(LoopError::Closed);
        }
        state.queue.push_back(entry);
        let driver = state.driver.take();
        drop(state);
        driver.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Has whoever drives the loop look again: a timer may be the first now.
    pub(super) fn wake(&self) {
        let driver = self.state().driver.take();
        driver.into_iter().for_each(Waker::wake);
    }

    pub(super) fn pop(&self) -> Option<Entry> {
        self.state().queue.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.state().queue.len()
    }

    /// Whether there is nothing to do; then `driver` is woken as soon as there is.
    pub(super) fn is_empty(&self, driver: &Waker) -> bool {
        let mut state = self.state();
        state.driver = state.queue.is_empty().then(|| driver.clone());
        state.queue.is_empty()
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        drop_all(queue);
    }
}

/// The waker of a task: queues its step, once.
pub(super) struct Step {
    pub(super) task: u64,
    pub(super) is_queued: AtomicBool,
    pub(super) ready: Arc<ReadyQueue>,
}

impl Step {
    pub(super) fn queue(&self) -> Result<(), LoopError> {
        if self.is_queued.swap(true, Ordering::AcqRel) {
            Ok(())
        } else {
            self.ready.push(Entry::Step(self.task))
        }
    }
}

impl Wake for Step {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A loop that is closed has no tasks.
        let _ = self.queue();
    }
}

use std::fmt;
use std::sync::Arc;

use super::ready_queue::{Entry, ReadyQueue};
use super::{CallbackOutput, LoopError, callback_error};

/// The end of an [`EventLoop`](super::EventLoop) that other threads may have.
#[derive(Clone)]
pub struct LoopHandle {
    ready: Arc<ReadyQueue>,
}

impl LoopHandle {
    pub(super) fn new(ready: Arc<ReadyQueue>) -> Self {
        Self { ready }
    }

    /// As [`call_soon`](super::EventLoop::call_soon), from any thread; it wakes the loop. It cannot be cancelled.
    ///
    /// Inside, [`EventLoop::current`](super::EventLoop::current) is the loop: to stop it, say.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`]: the callback is dropped.
    pub fn call_soon_threadsafe<R: CallbackOutput>(
        &self,
        callback: impl FnOnce() -> R + Send + 'static,
    ) -> Result<(), LoopError> {
        self.ready.push(Entry::Sent(Box::new(|| callback_error::call(callback))))
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").finish_non_exhaustive()
    }
}

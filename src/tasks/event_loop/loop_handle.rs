use std::fmt;
use std::sync::Arc;

use super::callback_error::{CallbackOutput, call};
use super::error::LoopError;
use super::ready_queue::{Entry, ReadyQueue};

/// A handle to an [`EventLoop`](super::EventLoop) that other threads can use. Clones refer to the same loop.
#[derive(Clone)]
#[doc(alias = "EventLoopProxy")]
pub struct LoopHandle {
    ready: Arc<ReadyQueue>,
}

impl LoopHandle {
    pub(super) fn new(ready: Arc<ReadyQueue>) -> Self {
        Self { ready }
    }

    /// Schedules `callback` for the next loop iteration, from any thread, and wakes the loop.
    ///
    /// Unlike with [`EventLoop::call_soon`](super::EventLoop::call_soon), the callback cannot be cancelled. Inside the
    /// callback, [`EventLoop::current`](super::EventLoop::current) returns the loop, for example to stop it.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Closed`] if the loop is closed. In that case, the callback is dropped.
    pub fn call_soon_threadsafe<R: CallbackOutput>(
        &self,
        callback: impl FnOnce() -> R + Send + 'static,
    ) -> Result<(), LoopError> {
        self.ready.push(Entry::Remote(Box::new(|| call(callback))))
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").finish_non_exhaustive()
    }
}

use std::fmt;
use std::sync::Arc;

use super::ready::{Entry, Ready};
use super::{LoopError, Returned, exception};

/// The end of an [`EventLoop`](super::EventLoop) that other threads may have.
#[derive(Clone)]
pub struct Threadsafe {
    ready: Arc<Ready>,
}

impl Threadsafe {
    pub(super) fn new(ready: Arc<Ready>) -> Self {
        Self { ready }
    }

    /// As [`call_soon`](super::EventLoop::call_soon), from any thread; it wakes the loop. It cannot be cancelled.
    ///
    /// Inside, [`EventLoop::current`](super::EventLoop::current) is the loop: to stop it, say.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`]: the callback is dropped.
    pub fn call_soon_threadsafe<R: Returned>(
        &self,
        callback: impl FnOnce() -> R + Send + 'static,
    ) -> Result<(), LoopError> {
        self.ready.push(Entry::Sent(Box::new(|| exception::call(callback))))
    }
}

impl fmt::Debug for Threadsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threadsafe").finish_non_exhaustive()
    }
}

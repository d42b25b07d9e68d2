use std::cell::Cell;
use std::fmt;
use std::rc::Weak;

use tokio::time::Instant;

use super::inner::Inner;

/// A handle that cancels a scheduled callback: Python's `asyncio.Handle` and `asyncio.TimerHandle`.
///
/// Dropping the handle does not cancel the callback.
#[doc(alias = "Handle")]
#[doc(alias = "TimerHandle")]
pub struct CallbackHandle {
    inner: Weak<Inner>,
    id: u64,
    when: Option<Instant>,
    is_cancelled: Cell<bool>,
}

impl CallbackHandle {
    pub(super) fn new(inner: Weak<Inner>, id: u64, when: Option<Instant>) -> Self {
        Self { inner, id, when, is_cancelled: Cell::new(false) }
    }

    /// Cancels the callback, which drops it. Has no effect if the callback was called already.
    pub fn cancel(&self) {
        self.is_cancelled.set(true);
        let callback = self.inner.upgrade().and_then(|inner| inner.take_callback(self.id, self.when));
        // The borrow has ended: the destructor of the callback may use the loop.
        drop(callback);
    }

    /// Returns `true` if [`cancel`](Self::cancel) was called on this handle, even if the callback had been called
    /// before.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.is_cancelled.get()
    }

    /// Returns the time at which the callback is due, or `None` if it was scheduled for the next loop iteration.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.when
    }
}

impl fmt::Debug for CallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackHandle")
            .field("when", &self.when)
            .field("cancelled", &self.cancelled())
            .finish_non_exhaustive()
    }
}

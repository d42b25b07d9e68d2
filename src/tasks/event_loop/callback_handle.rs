use std::cell::Cell;
use std::fmt;
use std::rc::Weak;

use tokio::time::Instant;

use super::inner::Inner;

/// A callback that is to be called: cancels it. Python's `CallbackHandle` and `TimerHandle`.
///
/// Dropping it does not.
pub struct CallbackHandle {
    inner: Weak<Inner>,
    call: u64,
    when: Option<Instant>,
    is_cancelled: Cell<bool>,
}

impl CallbackHandle {
    pub(super) fn new(inner: Weak<Inner>, call: u64, when: Option<Instant>) -> Self {
        Self { inner, call, when, is_cancelled: Cell::new(false) }
    }

    /// Drops the callback, if it was not called yet.
    pub fn cancel(&self) {
        self.is_cancelled.set(true);
        let callback = self.inner.upgrade().and_then(|inner| inner.take_call(self.call, self.when));
        drop(callback);
    }

    /// Whether [`cancel`](Self::cancel) was called, in time or not.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.is_cancelled.get()
    }

    /// When it is to be called; none for one that is called as soon as may be.
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

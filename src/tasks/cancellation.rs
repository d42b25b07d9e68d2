use std::sync::atomic::{AtomicU8, Ordering};

/// The progress of a task towards its cancellation: not suspended, suspended, or requested. It never changes for a future
/// that is not a task.
///
/// Every write happens under the lock of the future's state, so the lock orders the writes. The task loads the value at
/// each step without the lock. A load that misses a concurrent request is harmless: the request finds the registered
/// waker, and wakes the task for another step.
///
/// - `REQUESTED` is stored with Release and loaded with Acquire: the task, and the drop of its future, see what happened
///   before the call of `cancel`.
/// - `SUSPENDED` is stored with Relaxed: only the task itself reads the value, which shows that its waker is registered.
#[derive(Default)]
pub(super) struct Cancellation(AtomicU8);

/// The task has not been suspended yet: its waker is not registered.
const NOT_SUSPENDED: u8 = 0;
/// The task has been suspended, and a request to cancel wakes it.
const SUSPENDED: u8 = 1;
/// The task completes at its next step.
const REQUESTED: u8 = 2;

impl Cancellation {
    /// Returns `true` if the task is to complete at its next step.
    #[inline]
    pub(super) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire) == REQUESTED
    }

    /// Returns `true` if the task has not been suspended, and its cancellation was not requested.
    #[inline]
    pub(super) fn is_waker_needed(&self) -> bool {
        self.0.load(Ordering::Acquire) == NOT_SUSPENDED
    }

    /// Requests that the task completes. The caller has locked the state.
    pub(super) fn request(&self) {
        self.0.store(REQUESTED, Ordering::Release);
    }

    /// Records that the waker of the task is registered. Returns `false` if the cancellation was requested before. The
    /// caller has locked the state, so that the load and the store are one step.
    #[inline]
    pub(super) fn suspend(&self) -> bool {
        let is_suspended = !self.is_requested();
        if is_suspended {
            self.0.store(SUSPENDED, Ordering::Relaxed);
        }
        is_suspended
    }
}

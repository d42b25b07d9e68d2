use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::sync::watch;

use super::timeout::timeout;

/// Returns the number of pending cleanups of this runtime, or zero outside of a runtime.
#[must_use]
pub fn pending() -> usize {
    Handle::try_current().map_or(0, |runtime| count(runtime.id()))
}

/// Waits until this runtime has no pending cleanups. Call it before the program ends.
///
/// `drain` also waits for cleanups that are detached while it waits. It does not report outcomes: for those, register
/// an [observer](super::observe()). Outside of a runtime, it returns at once. Inside of a cleanup, it also waits for
/// that cleanup, and therefore always times out.
///
/// # Errors
///
/// [`DrainTimeout`] if some cleanups are still pending after `timeout`, in wall-clock time. They continue to run.
///
/// # Cancel safety
///
/// Cancel safe. Dropping `drain` does not stop the cleanups, which are tasks.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::cleanup;
///
/// cleanup::detach(async { Ok::<(), std::io::Error>(()) });
/// assert_eq!(cleanup::pending(), 1);
/// cleanup::drain(Duration::from_secs(5)).await?;
/// assert_eq!(cleanup::pending(), 0);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "join", alias = "graceful shutdown", alias = "wait")]
pub async fn drain(timeout: Duration) -> Result<(), DrainTimeout> {
    let Ok(runtime) = Handle::try_current() else { return Ok(()) };
    let drained = async {
        // Look the count up again each time: a cleanup that was detached after the count reached zero may have inserted
        // a new one.
        while let Some(mut count) = watch(runtime.id()) {
            // Fails only once the sender is gone, which happens at zero.
            drop(count.wait_for(|&count| count == 0).await);
        }
    };
    self::timeout(drained, timeout).await.ok_or_else(|| DrainTimeout { pending: pending() })
}

/// The error of [`drain`] and [`shutdown`](super::shutdown()): cleanups are still pending after the timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timed out with {pending} cleanups pending")]
#[non_exhaustive]
pub struct DrainTimeout {
    /// The number of pending cleanups. After [`shutdown`](super::shutdown()) it can be zero, if the work did not stop
    /// in time.
    pub pending: usize,
}

type Counts = HashMap<Id, Arc<watch::Sender<usize>>>;

/// The number of pending cleanups of each runtime that has any.
///
/// A runtime is removed at zero, so the map does not grow with the number of runtimes.
static COUNTS: LazyLock<Mutex<Counts>> = LazyLock::new(Mutex::default);

/// Locks the map. Neither user code nor code that may panic runs while it is locked: wakers are woken after the lock is
/// released.
fn counts() -> MutexGuard<'static, Counts> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guard that counts one cleanup as pending until the guard is dropped.
pub(super) struct PendingGuard {
    runtime: Id,
    count: Arc<watch::Sender<usize>>,
}

impl PendingGuard {
    pub(super) fn new(runtime: Id) -> Self {
        let mut counts = counts();
        let count = counts.entry(runtime).or_default();
        // No receiver waits for an increase, so none is notified.
        count.send_if_modified(|count| {
            *count += 1;
            false
        });
        Self { runtime, count: Arc::clone(count) }
    }
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        // Update the count before the map is locked, because this wakes each `drain` of the runtime at zero.
        self.count.send_if_modified(|count| {
            *count -= 1;
            *count == 0
        });
        let mut counts = counts();
        // Another cleanup may have been added before the map was locked.
        if *self.count.borrow() == 0 {
            // Or this count was removed, and a later cleanup has inserted a new one.
            let is_ours = counts.get(&self.runtime).is_some_and(|count| Arc::ptr_eq(count, &self.count));
            if is_ours {
                counts.remove(&self.runtime);
            }
        }
    }
}

fn count(runtime: Id) -> usize {
    counts().get(&runtime).map_or(0, |count| *count.borrow())
}

/// Returns a receiver of the count of a runtime, or `None` if the runtime has no pending cleanups.
fn watch(runtime: Id) -> Option<watch::Receiver<usize>> {
    counts().get(&runtime).filter(|count| *count.borrow() > 0).map(|count| count.subscribe())
}

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::timeout::timeout;
use crate::panic::ignore_panic;

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
        while let Some(drained) = drained(runtime.id()) {
            drained.await;
        }
    };
    self::timeout(drained, timeout).await.ok_or_else(|| DrainTimeout { pending: pending() })
}

/// The error of [`drain`] and [`shutdown`](super::shutdown()): cleanups are still pending after the timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timed out with {pending} cleanup{} pending", if *pending == 1 { "" } else { "s" })]
#[non_exhaustive]
pub struct DrainTimeout {
    /// The number of pending cleanups. After [`shutdown`](super::shutdown()) it can be zero, if the work did not stop
    /// in time.
    pub pending: usize,
}

/// The pending cleanups of one runtime.
struct Count {
    runtime: Id,
    cleanups: usize,
    /// Notifies the `drain`s of the runtime. Created by the first of them.
    drained: Option<Arc<Notify>>,
}

/// The counts of the runtimes that have pending cleanups.
///
/// A runtime is removed at zero, so the list does not grow with the number of runtimes. It is a list because there are
/// few of them: a search costs less than a hash.
static COUNTS: Mutex<Vec<Count>> = Mutex::new(Vec::new());

/// Locks the list. Neither user code nor code that may panic runs while it is locked: wakers are woken after the lock is
/// released.
fn counts() -> MutexGuard<'static, Vec<Count>> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guard that counts one cleanup as pending until the guard is dropped.
pub(super) struct PendingGuard(Id);

impl PendingGuard {
    pub(super) fn new(runtime: Id) -> Self {
        let mut counts = counts();
        match counts.iter_mut().find(|count| count.runtime == runtime) {
            Some(count) => count.cleanups += 1,
            None => counts.push(Count { runtime, cleanups: 1, drained: None }),
        }
        Self(runtime)
    }
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        let mut counts = counts();
        let Some(index) = counts.iter().position(|count| count.runtime == self.0) else { return };
        counts[index].cleanups -= 1;
        if counts[index].cleanups == 0 {
            let drained = counts.swap_remove(index).drained;
            drop(counts);
            if let Some(drained) = drained {
                ignore_panic(|| drained.notify_waiters());
            }
        }
    }
}

fn count(runtime: Id) -> usize {
    counts().iter().find(|count| count.runtime == runtime).map_or(0, |count| count.cleanups)
}

/// Returns a future that is ready once the runtime has no pending cleanups, or `None` if it has none now.
pub(super) fn drained(runtime: Id) -> Option<OwnedNotified> {
    let mut counts = counts();
    let count = counts.iter_mut().find(|count| count.runtime == runtime)?;
    // Created under the lock, and therefore notified by every decrement from here on, even before it is polled.
    Some(Arc::clone(count.drained.get_or_insert_default()).notified_owned())
}

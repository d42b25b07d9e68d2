use std::time::Duration;

use tokio::runtime::Handle;

use super::registry;
use super::timeout::within;

/// How many cleanups are under way on this runtime; none where no runtime is.
#[must_use]
pub fn pending() -> usize {
    Handle::try_current().map_or(0, |runtime| registry::count(runtime.id()))
}

/// Waits until no cleanup is under way on this runtime: for the end of a program.
///
/// Those that are detached meanwhile are waited for, too. What became of each, [`observe`](super::observe) tells. Where
/// no runtime is, there is nothing to wait for. In a cleanup it would wait for that, too, and so for as long as it may.
///
/// # Errors
///
/// [`DrainTimeout`] when some are still under way after `most`, by the wall clock. They go on.
///
/// # Cancel safety
///
/// Cancel safe: the cleanups are tasks of their own.
///
/// # Examples
///
/// See [the section](crate::cleanup).
pub async fn drain(most: Duration) -> Result<(), DrainTimeout> {
    let Ok(runtime) = Handle::try_current() else { return Ok(()) };
    let drained = async {
        while let Some(mut count) = registry::watch(runtime.id()) {
            // An error is that of a sender which is gone, and it goes at zero.
            drop(count.wait_for(|&count| count == 0).await);
        }
    };
    within(drained, most).await.ok_or_else(|| DrainTimeout { pending: pending() })
}

/// Cleanups were still under way when the time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{pending} cleanups are still under way")]
#[non_exhaustive]
pub struct DrainTimeout {
    /// How many. None is possible in [`shutdown`](super::shutdown), where the work had not stopped.
    pub pending: usize,
}

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of this process.
///
/// `metrics` must never see more outcomes than detached cleanups. `increment` therefore adds with `Release`, and
/// `metrics` loads the outcomes with `Acquire`, before it loads `DETACHED`. A load of an outcome synchronizes with all
/// increments that it counts. Each of those happens after the increment of `DETACHED` for the same cleanup: in the same
/// call, or in the task that was spawned after that increment. The load of `DETACHED` itself could be relaxed.
static DETACHED: AtomicU64 = AtomicU64::new(0);
static COMPLETED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static PANICKED: AtomicU64 = AtomicU64::new(0);
static ABANDONED: AtomicU64 = AtomicU64::new(0);

/// Numbers of cleanups in this process, by outcome. Returned by [`metrics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Metrics {
    /// All cleanups that were detached, including those without a runtime to spawn them on.
    pub detached: u64,
    /// The cleanups that returned `Ok`.
    pub completed: u64,
    /// The cleanups that returned an error.
    pub failed: u64,
    /// The cleanups that panicked.
    pub panicked: u64,
    /// The cleanups that were dropped before they completed.
    pub abandoned: u64,
}

/// Returns the numbers of cleanups in this process so far, by outcome, for monitoring and for tests.
///
/// While no cleanup is pending, `detached` is the sum of the other numbers. The outcome of a cleanup is counted before
/// [`drain`](super::drain()) returns.
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
/// cleanup::drain(Duration::from_secs(5)).await?;
/// let metrics = cleanup::metrics();
/// assert_eq!((metrics.detached, metrics.completed, metrics.abandoned), (1, 1, 0));
/// # Ok(())
/// # }
/// ```
#[must_use]
#[doc(alias = "counters", alias = "statistics", alias = "totals")]
pub fn metrics() -> Metrics {
    // The outcomes are loaded before `DETACHED`: see the ordering there.
    let [completed, failed, panicked, abandoned] =
        [&COMPLETED, &FAILED, &PANICKED, &ABANDONED].map(|counter| counter.load(Ordering::Acquire));
    Metrics { detached: DETACHED.load(Ordering::Acquire), completed, failed, panicked, abandoned }
}

/// One of the counters.
#[derive(Clone, Copy)]
pub(super) enum Counter {
    Detached,
    Completed,
    Failed,
    Panicked,
    Abandoned,
}

#[inline]
pub(super) fn increment(counter: Counter) {
    let counter = match counter {
        Counter::Detached => &DETACHED,
        Counter::Completed => &COMPLETED,
        Counter::Failed => &FAILED,
        Counter::Panicked => &PANICKED,
        Counter::Abandoned => &ABANDONED,
    };
    counter.fetch_add(1, Ordering::Release);
}

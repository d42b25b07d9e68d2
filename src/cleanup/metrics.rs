use std::sync::atomic::{AtomicU64, Ordering};

static DETACHED: AtomicU64 = AtomicU64::new(0);
static COMPLETED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static PANICKED: AtomicU64 = AtomicU64::new(0);
static ABANDONED: AtomicU64 = AtomicU64::new(0);

/// What became of all cleanups of this process; see [`metrics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Metrics {
    /// How many were detached, those that were lost at once for want of a runtime among them.
    pub detached: u64,
    /// How many did their work.
    pub completed: u64,
    /// How many ended with an error.
    pub failed: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many did not come to their end.
    pub abandoned: u64,
}

/// Counts what became of all cleanups of this process so far: for metrics, and for tests.
///
/// Once nothing is under way, `detached` is the sum of the others. Whoever drains comes after the counting.
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
pub fn metrics() -> Metrics {
    // The ends before the beginning, so that none is over which was not detached.
    let [completed, failed, panicked, abandoned] =
        [&COMPLETED, &FAILED, &PANICKED, &ABANDONED].map(|count| count.load(Ordering::Acquire));
    Metrics { detached: DETACHED.load(Ordering::Acquire), completed, failed, panicked, abandoned }
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Detached,
    Completed,
    Failed,
    Panicked,
    Abandoned,
}

pub(super) fn count(what: Count) {
    let count = match what {
        Count::Detached => &DETACHED,
        Count::Completed => &COMPLETED,
        Count::Failed => &FAILED,
        Count::Panicked => &PANICKED,
        Count::Abandoned => &ABANDONED,
    };
    count.fetch_add(1, Ordering::Release);
}

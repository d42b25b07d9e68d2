use std::sync::atomic::{AtomicU64, Ordering};

static DETACHED: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static PANICKED: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// What became of all cleanups of this process; see [`totals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Totals {
    /// How many were detached, those that were lost at once for want of a runtime among them.
    pub detached: u64,
    /// How many did their work.
    pub done: u64,
    /// How many ended with an error.
    pub failed: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many did not come to their end.
    pub lost: u64,
}

/// Counts what became of all cleanups of this process so far: for metrics, and for tests.
///
/// Once nothing is under way, `detached` is the sum of the others. Whoever drains comes after the counting.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::Unfinished> {
/// use std::time::Duration;
/// use withal::cleanup;
///
/// cleanup::detach(async { Ok::<(), std::io::Error>(()) });
/// cleanup::drain(Duration::from_secs(5)).await?;
/// let totals = cleanup::totals();
/// assert_eq!((totals.detached, totals.done, totals.lost), (1, 1, 0));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn totals() -> Totals {
    // The ends before the beginning, so that none is over which was not detached.
    let [done, failed, panicked, lost] =
        [&DONE, &FAILED, &PANICKED, &LOST].map(|count| count.load(Ordering::Acquire));
    Totals { detached: DETACHED.load(Ordering::Acquire), done, failed, panicked, lost }
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Detached,
    Done,
    Failed,
    Panicked,
    Lost,
}

pub(super) fn count(what: Count) {
    let count = match what {
        Count::Detached => &DETACHED,
        Count::Done => &DONE,
        Count::Failed => &FAILED,
        Count::Panicked => &PANICKED,
        Count::Lost => &LOST,
    };
    count.fetch_add(1, Ordering::Release);
}

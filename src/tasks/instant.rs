use std::time::Duration;

use tokio::time::Instant;

/// Returns `now + delay`. On overflow, an instant as far in the future as tokio's own timers use: 30 years.
pub(super) fn saturating_add(now: Instant, delay: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(86400 * 365 * 30);
    now.checked_add(delay).unwrap_or_else(|| now + FAR)
}

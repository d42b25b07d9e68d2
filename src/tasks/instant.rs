use std::time::Duration;

use tokio::time::Instant;

/// Returns `now + delay`, or an instant 30 years from now if the sum cannot be represented. tokio's own timers do the
/// same.
pub(super) fn saturating_add(now: Instant, delay: Duration) -> Instant {
    const FAR_FUTURE: Duration = Duration::from_secs(86400 * 365 * 30);
    now.checked_add(delay).unwrap_or_else(|| now + FAR_FUTURE)
}

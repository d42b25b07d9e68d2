use std::time::Duration;

use tokio::time::Instant;

/// The longest duration that is added to an instant, 30 years. A longer one might overflow.
const FOREVER: Duration = Duration::from_secs(86400 * 365 * 30);

/// Returns `instant + duration`, without an overflow if the duration is so long that it stands for "never".
pub(super) fn later(instant: Instant, duration: Duration) -> Instant {
    instant + duration.min(FOREVER)
}

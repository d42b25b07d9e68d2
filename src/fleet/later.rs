use std::time::Duration;

use tokio::time::Instant;

/// The longest duration that is added to an instant: 30 years. Adding more might overflow.
const FOREVER: Duration = Duration::from_secs(86400 * 365 * 30);

/// Returns `instant + duration`, also if the duration is so long that it stands for "never".
pub(super) fn later(instant: Instant, duration: Duration) -> Instant {
    instant + duration.min(FOREVER)
}

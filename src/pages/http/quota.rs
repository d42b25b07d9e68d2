use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::time::{Instant, sleep_until};

use super::rate_limit::RateLimit;

/// The longest pause by default.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The pause until a rate limit is reset. Clones of an endpoint share it, and so do the streams on them.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    until: Arc<Mutex<Option<Instant>>>,
    max_pause: Duration,
}

impl Default for Quota {
    fn default() -> Self {
        Self::new(MAX_PAUSE)
    }
}

impl Quota {
    pub(super) fn new(max_pause: Duration) -> Self {
        Self { until: Arc::default(), max_pause }
    }

    /// Waits until the quota is reset, if none of it is left.
    pub(super) async fn wait(&self) {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until.filter(|until| *until > Instant::now()) {
            sleep_until(until).await;
        }
    }

    /// Reads the rate limit that a response reports.
    pub(super) fn observe(&self, headers: &HeaderMap) {
        let limit = RateLimit::new(headers, SystemTime::now());
        let pause = limit.reset.filter(|reset| limit.exhausted && *reset <= self.max_pause);
        if let Some(until) = pause.and_then(|pause| Instant::now().checked_add(pause)) {
            let mut latest = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            *latest = (*latest).max(Some(until));
        }
    }
}

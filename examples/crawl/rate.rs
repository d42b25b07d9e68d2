use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};
use withal::pages::{AsyncGetDocs, Cursor};

/// The limit on the number of requests per second.
pub(crate) struct Rate(Option<Arc<Mutex<Interval>>>);

impl Rate {
    pub(crate) fn new(per_second: Option<f64>) -> Self {
        Self(per_second.map(|rate| {
            let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Arc::new(Mutex::new(ticks))
        }))
    }

    /// Makes each request of a stream, also a retry, wait for the next tick.
    pub(crate) fn limit<T, C: Cursor, E>(&self, items: AsyncGetDocs<T, C, E>) -> AsyncGetDocs<T, C, E> {
        let Some(ticks) = self.0.clone() else { return items };
        items.before_request(move || {
            let ticks = Arc::clone(&ticks);
            async move { ticks.lock().await.tick().await }
        })
    }
}

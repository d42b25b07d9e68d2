//! The settings with which each stream of `pages::http` begins.

use super::classify::classify;
use super::error::Error;
use crate::pages::cursor::Cursor;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// The number of retries of a page.
#[cfg(feature = "backon")]
const RETRIES: usize = 3;
/// The first delay, which doubles with each retry. The jitter adds up to the same again.
#[cfg(feature = "backon")]
const FIRST_DELAY: std::time::Duration = std::time::Duration::from_millis(200);

impl<T, C: Cursor> AsyncGetDocs<T, C, Error> {
    /// Sets which errors can be retried, and retries them.
    pub(super) fn with_http_defaults(self) -> Self {
        let items = self.classify(classify);
        #[cfg(feature = "backon")]
        let items = items.retry(
            backon::ExponentialBuilder::default()
                .with_min_delay(FIRST_DELAY)
                .with_factor(2.0)
                .with_max_times(RETRIES)
                .with_jitter(),
        );
        items
    }
}

use std::fmt;
use std::time::Duration;

use super::error::ShownCursor;

/// An event during pagination. The observer set with [`on_event`](super::AsyncGetDocs::on_event) is notified of it.
///
/// `page` is the position of the page in the stream, counted from 1. `cursor` is the cursor with which the page is
/// requested; it is `None` for a first page without a cursor.
#[non_exhaustive]
pub enum Event<'a, C, E> {
    /// The page is about to be requested, after [`before_request`](super::AsyncGetDocs::before_request) has completed.
    #[non_exhaustive]
    Request {
        /// The position of the page in the stream, from 1.
        page: u64,
        /// The cursor with which it is requested.
        cursor: Option<&'a C>,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// The page has arrived. A page that was fetched ahead is delivered later.
    #[non_exhaustive]
    Response {
        /// The position of the page in the stream, from 1.
        page: u64,
        /// The cursor with which it was requested.
        cursor: Option<&'a C>,
        /// The number of its items.
        items: usize,
    },
    /// The attempt failed, and the page will be requested again.
    #[non_exhaustive]
    Retry {
        /// The position of the page in the stream, from 1.
        page: u64,
        /// The cursor with which it will be requested.
        cursor: Option<&'a C>,
        /// The number of the failed attempt, from 1.
        attempt: u32,
        /// The delay before the next attempt.
        delay: Duration,
        /// The error of the failed attempt.
        error: &'a E,
    },
    /// The last attempt failed, and the stream will report the error.
    #[non_exhaustive]
    Failure {
        /// The position of the page in the stream, from 1.
        page: u64,
        /// The cursor with which it was requested.
        cursor: Option<&'a C>,
        /// The number of attempts.
        attempts: u32,
        /// The error of the last attempt.
        error: &'a E,
    },
    /// The last attempt failed with an error that means the end of the stream, as
    /// [`OnError::End`](super::OnError::End) declares.
    #[non_exhaustive]
    EndedByError {
        /// The position in the stream that the page would have, from 1.
        page: u64,
        /// The cursor with which it was requested.
        cursor: Option<&'a C>,
        /// The number of attempts.
        attempts: u32,
        /// The error of the last attempt.
        error: &'a E,
    },
    /// The stream has ended, and yielded fewer items than the API reported. Many APIs only estimate the total; where it
    /// is exact, [`expect_total`](super::AsyncGetDocs::expect_total) makes this an error.
    #[non_exhaustive]
    EndedShort {
        /// The number of items yielded, including those of earlier runs.
        items: u64,
        /// The largest total that the API reported.
        total: u64,
    },
}

/// The secrets that a URL may contain are masked in the cursor, as in [`Error::cursor`](super::Error::cursor).
impl<C: fmt::Debug, E: fmt::Debug> fmt::Debug for Event<'_, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, page, cursor) = match self {
            Self::Request { page, cursor, .. } => ("Request", page, cursor),
            Self::Response { page, cursor, .. } => ("Response", page, cursor),
            Self::Retry { page, cursor, .. } => ("Retry", page, cursor),
            Self::Failure { page, cursor, .. } => ("Failure", page, cursor),
            Self::EndedByError { page, cursor, .. } => ("EndedByError", page, cursor),
            Self::EndedShort { items, total } => {
                return f.debug_struct("EndedShort").field("items", items).field("total", total).finish();
            }
        };
        let mut fields = f.debug_struct(name);
        fields.field("page", page).field("cursor", &ShownCursor(*cursor));
        match self {
            Self::Request { attempt, .. } => fields.field("attempt", attempt),
            Self::Response { items, .. } => fields.field("items", items),
            Self::Retry { attempt, delay, error, .. } => {
                fields.field("attempt", attempt).field("delay", delay).field("error", error)
            }
            Self::Failure { attempts, error, .. } | Self::EndedByError { attempts, error, .. } => {
                fields.field("attempts", attempts).field("error", error)
            }
            Self::EndedShort { .. } => &mut fields,
        };
        fields.finish()
    }
}

/// A snapshot of a stream's progress, returned by [`progress`](super::AsyncGetDocs::progress).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of items yielded, including those of the runs before a [`resume`](super::AsyncGetDocs::resume).
    pub items: u64,
    /// The number of pages delivered, including those of earlier runs. An empty page that marks the end does not count.
    pub pages: u64,
    /// The number of attempts beyond the first of each page, in this run.
    pub retries: u64,
    /// The number of all items: the largest that the API has reported, in this run or an earlier one. Many APIs only
    /// estimate it, and some report the length of each page.
    pub total: Option<u64>,
}

impl Progress {
    /// Returns the share of the items that have been yielded, from 0.0 to 1.0, if the API reports the total.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "the share of more than 2^52 items may be off by one of them"
    )]
    pub fn fraction(&self) -> Option<f64> {
        match self.total? {
            0 => Some(1.0),
            total => Some((self.items as f64 / total as f64).min(1.0)),
        }
    }
}

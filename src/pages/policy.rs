use std::time::Duration;

/// The reaction to a failed attempt to fetch a page, returned by [`classify`](super::AsyncGetDocs::classify).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError<C> {
    /// Request the same page again, as often as the [`retry`](super::AsyncGetDocs::retry) policy allows.
    Retry {
        /// The delay before the next attempt, such as a server's `Retry-After`; `None` uses the delay of the policy.
        after: Option<Duration>,
    },
    /// Continue from another cursor, because this one has expired.
    ///
    /// Items may be yielded twice: see [`unique_by`](super::AsyncGetDocs::unique_by). A restart counts as a retry;
    /// without a retry policy, each page may restart once. If a restart at a cursor delivers no more pages than the
    /// previous restart at the same cursor, the next restart at that cursor is refused, and the error is final. The
    /// number of restarts at different cursors is not limited.
    Restart {
        /// The cursor to continue from; `None` is the start of the stream.
        cursor: Option<C>,
    },
    /// Do not retry: yield the error now.
    Fatal,
}

/// The reaction to a cursor cycle, in which a page points to a page that was fetched before.
///
/// With each of these settings, the page that points back is delivered first. A cycle within the last eight pages is
/// detected before any page is fetched twice. (The first page of [`by_cursor`](super::by_cursor) has no cursor, so a
/// cycle through it is detected one page later.) A longer cycle of `p` pages, after `n` pages outside it, is detected
/// before `2 * max(n, p) + p + 16` pages are fetched. (This is Brent's algorithm, which needs bounded memory.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCycle {
    /// The stream reports [`ErrorKind::CursorCycle`](super::ErrorKind::CursorCycle).
    #[default]
    Error,
    /// The stream ends: for an API whose last page points to itself.
    End,
    /// The stream continues: for an API whose cursor stays the same while the content changes, such as a feed.
    Allow,
}

/// The meaning of an empty page.
///
/// The default depends on the source. With cursors, it is [`Continue`], because an empty page may come before pages
/// with items. With page numbers and offsets, it is [`End`], because only an empty page marks the end.
///
/// [`Continue`]: OnEmpty::Continue
/// [`End`]: OnEmpty::End
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnEmpty {
    /// The stream continues with the next cursor or number.
    Continue,
    /// The stream ends.
    End,
}

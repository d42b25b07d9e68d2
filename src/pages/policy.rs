use std::time::Duration;

/// What to do about a page that could not be fetched; what [`classify`](super::AsyncGetDocs::classify) answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError<C> {
    /// Ask for the same page again, as often as the [`retry`](super::AsyncGetDocs::retry) policy allows.
    Retry {
        /// How long to wait; `None` waits as long as the policy says. A server's `Retry-After` goes here.
        after: Option<Duration>,
    },
    /// Go on from another cursor, because this one has expired; `None` is the start of the walk.
    ///
    /// Documents may come twice (see [`unique_by`](super::AsyncGetDocs::unique_by)). Counts as a retry; without a
    /// policy, one restart for each page is allowed. A restart to the same place that came no further than the one before
    /// is the last: the error is handed out then. Restarts to ever other places are not bounded.
    Restart {
        /// Where to go on.
        cursor: Option<C>,
    },
    /// Hand the error to the consumer now.
    Fatal,
}

/// What to do about a cursor that leads back to a page already fetched.
///
/// The page that held it is delivered first, whatever this says. A repetition within the last eight pages is noticed
/// before any page is fetched twice (over [`by_cursor`](super::by_cursor) a loop through the first page, which has no cursor
/// to be known by, one page later). A longer loop, of `p` pages behind `n` others, is noticed before
/// `2 * max(n, p) + p + 16` pages were fetched (Brent's algorithm; memory stays bounded).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCycle {
    /// The stream fails with [`ErrorKind::CursorCycle`](super::ErrorKind::CursorCycle).
    #[default]
    Error,
    /// The stream ends: for an API whose last page names itself.
    End,
    /// Go on: for an API whose token stays while its content moves, such as a feed.
    Allow,
}

/// What an empty page means.
///
/// The default depends on the source: over cursors an empty page in the middle is no end, so [`Continue`]; over numbers
/// nothing else marks the end, so [`End`].
///
/// [`Continue`]: OnEmpty::Continue
/// [`End`]: OnEmpty::End
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnEmpty {
    /// Nothing: go on as the cursor, or the number, says.
    Continue,
    /// The stream ends.
    End,
}

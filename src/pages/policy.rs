use std::time::Duration;

/// The reaction to a failed attempt to fetch a page, returned by [`classify`](super::AsyncGetDocs::classify).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError<C> {
    /// A retry: the same page is requested again, as often as the [`retry`](super::AsyncGetDocs::retry) policy allows.
    Retry {
        /// The delay before the next attempt, such as a server's `Retry-After`; `None` uses the delay of the policy.
        after: Option<Duration>,
    },
    /// A continuation from another cursor, because this one has expired.
    ///
    /// Items may be yielded twice: see [`unique_by`](super::AsyncGetDocs::unique_by). A restart counts as a retry;
    /// without a retry policy, each page may restart once. If a restart at a cursor delivers no more pages than the
    /// previous restart at the same cursor, the next restart at that cursor is refused, and the error is final. The
    /// number of restarts at different cursors is not limited.
    Restart {
        /// The cursor to continue from; `None` is the start of the stream.
        cursor: Option<C>,
    },
    /// The end of the stream, after the pages before, without an error.
    ///
    /// It is for an API that responds with status 400, 404 or 416 to a request for a page beyond the last. Items that
    /// have not been fetched are lost if the error means anything else, so return it only for errors that mean the end,
    /// and see [`expect_total`](super::AsyncGetDocs::expect_total). The observer is notified with
    /// [`Event::EndedByError`](super::Event::EndedByError).
    ///
    /// For the first page of the stream, `End` has the effect of [`Fatal`](Self::Fatal): a wrong URL is an error, not an
    /// empty stream.
    End,
    /// The error, without a retry.
    Fatal,
}

/// The reaction to a cursor cycle, in which a page points to a page that was fetched before.
///
/// A page that comes again under another cursor is the subject of [`OnRepeat`]. The default is `Error`, unless
/// [`on_repeat`](super::AsyncGetDocs::on_repeat) is set to `End`: then it is `End`, too.
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

/// The reaction to a page whose content repeats: the same items under another cursor, number or offset.
///
/// Servers repeat pages that return their last page for every number beyond it, that ignore an unknown query
/// parameter, or that lose the position of a cursor. A page repeats if it is not empty and has the same
/// [fingerprint](super::Page::fingerprint) as one of the last eight pages that were not empty. Longer cycles are detected
/// as those of cursors are (see [`OnCycle`]). The pages of `pages::http` have fingerprints: the bytes of their items. There,
/// a page also repeats the one before if its first two items have the `id`s of the first two items of that page, whatever
/// else has changed. Items in another order are not recognized; [`unique_by`](super::AsyncGetDocs::unique_by) removes them.
///
/// The repeated page is not delivered, unless the setting is [`Allow`](Self::Allow). Pages after a
/// [restart](OnError::Restart) are not compared with those before it.
///
/// The default is `Error`, unless [`on_cycle`](super::AsyncGetDocs::on_cycle) is set: then it is the setting of that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnRepeat {
    /// The stream reports [`ErrorKind::RepeatedPage`](super::ErrorKind::RepeatedPage).
    #[default]
    Error,
    /// The stream ends: for an API that repeats its last page.
    End,
    /// The page is delivered: for items that have no identity, so that two pages may be equal by chance. Pages that begin
    /// with [the last items of the page before](super::ErrorKind::RepeatedItems) are, too.
    Allow,
}

/// The meaning of a blank cursor: an empty string or byte slice in place of a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnBlankCursor {
    /// The mark of the last page, as in Slack's `"next_cursor": ""`.
    #[default]
    End,
    /// A cursor like any other, as the [Model Context Protocol] requires.
    ///
    /// [Model Context Protocol]: https://modelcontextprotocol.io/specification/2025-06-18/server/utilities/pagination
    Continue,
}

/// The meaning of an empty page.
///
/// The default depends on the source. With cursors, it is [`Continue`], because an empty page may come before pages
/// with items. With page numbers and offsets, it is [`End`], because only an empty page marks the end, unless the page
/// [reports more pages](super::Page::has_more).
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

/// The policies of a stream that decide which page comes next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Policies {
    /// `None`, here and below, if the user has not set it.
    pub(super) on_empty: Option<OnEmpty>,
    pub(super) on_cycle: Option<OnCycle>,
    pub(super) on_repeat: Option<OnRepeat>,
    pub(super) on_blank_cursor: OnBlankCursor,
    /// `true` if items that were yielded before are removed.
    pub(super) removes_duplicates: bool,
}

impl Policies {
    /// The reactions to cursors and to content that repeat. Both are signs of the same fault, so one that is not set
    /// follows the other, except that allowed content does not allow endless cycles.
    pub(super) fn on_repetition(self) -> (OnCycle, OnRepeat) {
        let on_cycle = self.on_cycle.unwrap_or(match self.on_repeat {
            Some(OnRepeat::End) => OnCycle::End,
            _ => OnCycle::Error,
        });
        let on_repeat = self.on_repeat.unwrap_or(match on_cycle {
            OnCycle::Error => OnRepeat::Error,
            OnCycle::End => OnRepeat::End,
            OnCycle::Allow => OnRepeat::Allow,
        });
        (on_cycle, on_repeat)
    }
}

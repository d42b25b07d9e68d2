use std::fmt;

use super::mask::{mask_cursor, truncate};
use crate::as_error::ErrorView;

/// The error that ended a stream, until [`retry_failed`](super::AsyncGetDocs::retry_failed) reopens it.
///
/// The error contains the [position](Self::page) and the [cursor](Self::cursor) of the page that it concerns, and its
/// [kind](Self::kind). No item is lost by an error: all earlier items were yielded, and a
/// [`Checkpoint`](super::Checkpoint) taken after the error is valid. An `Error` has the size of a pointer, which keeps
/// `Result<T, Error<E>>` small.
///
/// `Error<E>` implements `std::error::Error` for every error `E: Debug` of the fetch function, whether or not `E` itself
/// implements it, so `?` converts it into `anyhow::Error`, `eyre::Report`, [`BoxError`](crate::tasks::BoxError) or `Box<dyn Error>`. Its
/// [`source`](std::error::Error::source) is the error of the fetch function, or the error inside it if `E` is one of
/// these boxes; see [`AsError`](crate::AsError). The error itself is returned by
/// [`into_fetch_error`](Self::into_fetch_error).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use withal::pages::{ErrorKind, Page, by_cursor};
///
/// let mut items = by_cursor(|_: Option<u8>| async { Err::<Page<u8, u8>, _>("401") });
/// let error = items.try_next().await.unwrap_err();
/// assert_eq!(error.to_string(), "page 1: fetch failed after 1 attempt");
/// assert!(error.is_fetch());
/// assert!(matches!(error.kind(), ErrorKind::Fetch { source: "401", .. }));
/// # }
/// ```
#[derive(Debug)]
pub struct Error<E>(Box<Inner<E>>);

struct Inner<E> {
    page: u64,
    cursor: Option<String>,
    kind: ErrorKind<E>,
    /// Finds the cause in the error of the fetch function.
    view: ErrorView<E>,
    /// The cause, if the error of the fetch function is a text or a number.
    message: Option<Message>,
}

/// An error that is only a text, as a source of others.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(String);

/// The kind of an [`Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind<E> {
    /// The fetch function returned an error, and `classify` or the retry policy allows no further attempt.
    #[error("fetch failed after {attempts} {}", if *attempts == 1 { "attempt" } else { "attempts" })]
    #[non_exhaustive]
    Fetch {
        /// The number of times that the page was requested, at least 1.
        attempts: u32,
        /// The error of the last attempt.
        source: E,
    },
    /// The page, which was delivered, points to a page that was fetched before: see [`OnCycle`](super::OnCycle).
    #[error(
        "cursor cycle, next cursor {next_cursor} was fetched before; set `on_cycle` if that marks the end or is not an error"
    )]
    #[non_exhaustive]
    CursorCycle {
        /// The next cursor of the page, formatted with `Debug`.
        next_cursor: String,
    },
    /// The page has the same content as an earlier page, under another cursor, and was not delivered: see
    /// [`OnRepeat`](super::OnRepeat).
    #[error(
        "the page repeats the items of an earlier page; set `on_repeat` if that marks the end or is not an error, and \
         `unique_by` if each page begins with the same items"
    )]
    RepeatedPage,
    /// The page begins with the last item of the page before, or with several of its last items, and was not delivered.
    ///
    /// Only some streams of `pages::http` compare items, such as those by offset, and only if
    /// [`unique_by`](super::AsyncGetDocs::unique_by) is not set.
    #[error(
        "the page begins with the last items of the page before: remove them with `unique_by` if the list has changed \
         or if the server repeats the item of the cursor, use `by_offset_from` if it counts from 1, \
         `by_offset_steps` if it filters its pages, and set `on_repeat` to `Allow` if equal items are not duplicates"
    )]
    RepeatedItems,
    /// More pages without a new item arrived in a row than [`max_empty_pages`](super::AsyncGetDocs::max_empty_pages)
    /// allows.
    #[error("no new item in {count} consecutive {}; raise `max_empty_pages` if there may be more, or set `on_empty` if an empty page marks the end", if *count == 1 { "page" } else { "pages" })]
    #[non_exhaustive]
    TooManyEmptyPages {
        /// The number of consecutive pages that were empty, or had no item that is [unique](super::AsyncGetDocs::unique_by).
        count: u64,
    },
    /// The stream ended with fewer items than the API reported, and
    /// [`expect_total`](super::AsyncGetDocs::expect_total) is set.
    #[error("the stream ended after {items} of {total} items")]
    #[non_exhaustive]
    EndedShort {
        /// The number of items yielded, including those of earlier runs.
        items: u64,
        /// The largest total that the API reported.
        total: u64,
    },
    /// The page, which was delivered, reports that there are more pages but has no cursor to the next one.
    #[error("more pages reported, but no next cursor")]
    MissingCursor,
    /// The page has fewer items than are to be skipped: it has shrunk, or the checkpoint belongs to another query.
    #[error("resume index {skip} out of range for a page of length {len}")]
    #[non_exhaustive]
    ResumeOutOfRange {
        /// The number of items that the page has now.
        len: usize,
        /// The number of its items that are to be skipped, because they were yielded before.
        skip: usize,
    },
    /// The page size is 0, so no page could contain an item.
    #[error("page size must be greater than 0")]
    InvalidPageSize,
    /// The runtime that fetched pages ahead was shut down while the stream was in use.
    ///
    /// This stream cannot continue. A new stream can resume from its checkpoint.
    #[error("the runtime that fetched the page has shut down; resume from a checkpoint")]
    RuntimeShutdown,
}

impl<E> Error<E> {
    #[cold]
    pub(super) fn new<C: fmt::Debug>(page: u64, cursor: Option<&C>, kind: ErrorKind<E>) -> Self {
        let cursor = cursor.map(format_cursor);
        Self(Box::new(Inner { page, cursor, kind, view: ErrorView::opaque(), message: None }))
    }

    /// Creates the error of a page that could not be fetched.
    #[cold]
    pub(super) fn fetch<C: fmt::Debug>(
        page: u64,
        cursor: Option<&C>,
        attempts: u32,
        source: E,
        view: ErrorView<E>,
    ) -> Self {
        let (cursor, message) = (cursor.map(format_cursor), view.message(&source).map(Message));
        let kind = ErrorKind::Fetch { attempts, source };
        Self(Box::new(Inner { page, cursor, kind, view, message }))
    }

    /// Returns the position of the page in the stream, from 1. Pages of the runs before a
    /// [`resume`](super::AsyncGetDocs::resume) count, too.
    #[must_use]
    pub fn page(&self) -> u64 {
        self.0.page
    }

    /// Returns the cursor with which the page was requested, formatted with `Debug`; `None` for a first page without a
    /// cursor.
    ///
    /// The text has at most 240 bytes, and `***` instead of the values of query parameters such as `access_token`.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.0.cursor.as_deref()
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind<E> {
        &self.0.kind
    }

    /// Returns the kind of the error by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind<E> {
        self.0.kind
    }

    /// Returns the error of the fetch function.
    ///
    /// # Errors
    ///
    /// Returns this error unchanged if its kind is not [`Fetch`](ErrorKind::Fetch).
    pub fn into_fetch_error(self) -> Result<E, Self> {
        match *self.0 {
            Inner { kind: ErrorKind::Fetch { source, .. }, .. } => Ok(source),
            inner => Err(Self(Box::new(inner))),
        }
    }

    /// Returns `true` if the fetch function failed: [`ErrorKind::Fetch`].
    #[must_use]
    pub fn is_fetch(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Fetch { .. })
    }

    /// Returns `true` if the page points to an earlier page: [`ErrorKind::CursorCycle`].
    #[must_use]
    pub fn is_cursor_cycle(&self) -> bool {
        matches!(self.0.kind, ErrorKind::CursorCycle { .. })
    }

    /// Returns `true` if the page has the same content as an earlier one: [`ErrorKind::RepeatedPage`].
    #[must_use]
    pub fn is_repeated_page(&self) -> bool {
        matches!(self.0.kind, ErrorKind::RepeatedPage)
    }

    /// Returns `true` if too many pages in a row had no new item: [`ErrorKind::TooManyEmptyPages`].
    #[must_use]
    pub fn is_too_many_empty_pages(&self) -> bool {
        matches!(self.0.kind, ErrorKind::TooManyEmptyPages { .. })
    }

    /// Returns `true` if the stream ended with fewer items than the API reported: [`ErrorKind::EndedShort`].
    #[must_use]
    pub fn is_ended_short(&self) -> bool {
        matches!(self.0.kind, ErrorKind::EndedShort { .. })
    }

    /// Returns `true` if the page reports more pages but has no cursor to the next one: [`ErrorKind::MissingCursor`].
    #[must_use]
    pub fn is_missing_cursor(&self) -> bool {
        matches!(self.0.kind, ErrorKind::MissingCursor)
    }

    /// Returns `true` if the page has fewer items than are to be skipped: [`ErrorKind::ResumeOutOfRange`].
    #[must_use]
    pub fn is_resume_out_of_range(&self) -> bool {
        matches!(self.0.kind, ErrorKind::ResumeOutOfRange { .. })
    }

    /// Returns `true` if the runtime that fetched pages ahead was shut down: [`ErrorKind::RuntimeShutdown`].
    #[must_use]
    pub fn is_runtime_shutdown(&self) -> bool {
        matches!(self.0.kind, ErrorKind::RuntimeShutdown)
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { page, cursor, kind, .. } = &*self.0;
        match cursor {
            Some(cursor) => write!(f, "page {page} (cursor {cursor}): {kind}"),
            None => write!(f, "page {page}: {kind}"),
        }
    }
}

/// The source is the error of the fetch function.
impl<E: fmt::Debug + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let Inner { kind, view, message, .. } = &*self.0;
        let ErrorKind::Fetch { source, .. } = kind else { return None };
        view.as_error(source).or_else(|| message.as_ref().map(|message| message as _))
    }
}

impl<E: fmt::Debug> fmt::Debug for Inner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { page, cursor, kind, .. } = self;
        f.debug_struct("Inner").field("page", page).field("cursor", cursor).field("kind", kind).finish()
    }
}

/// The largest length of a cursor in an error, in bytes.
const MAX_CURSOR: usize = 240;

/// Formats a cursor for an error: bounded, and without the secrets that a URL may contain.
pub(super) fn format_cursor<C: fmt::Debug>(cursor: &C) -> String {
    let mut text = mask_cursor(&format!("{cursor:?}"));
    truncate(&mut text, MAX_CURSOR);
    text
}

/// A cursor in `Debug` output, formatted as in an error.
pub(super) struct ShownCursor<'a, C>(pub(super) Option<&'a C>);

impl<C: fmt::Debug> fmt::Debug for ShownCursor<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cursor) => write!(f, "Some({})", format_cursor(cursor)),
            None => f.write_str("None"),
        }
    }
}

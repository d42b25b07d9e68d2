use std::fmt;

/// Why a walk over pages stopped. The stream has ended after one, until
/// [`retry_failed`](super::AsyncGetDocs::retry_failed).
///
/// Every variant names the page (1 is the walk's first, counted across [`resume`](super::AsyncGetDocs::resume)) and the
/// cursor it was asked with. Nothing is lost by an error: what came before was delivered, and the checkpoint is good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The fetch function failed, and the retries allowed were used up.
    #[error("page {page} at {cursor} could not be fetched (attempt {attempts})")]
    Fetch {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it was asked with.
        cursor: String,
        /// How often it was asked, 1 or more.
        attempts: u32,
        /// What the fetch function returned.
        source: E,
    },
    /// The page, already delivered, leads back to one that was fetched before.
    #[error("page {page} at {cursor} leads back to {next}, a page that was fetched before")]
    Repeat {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it was asked with.
        cursor: String,
        /// The cursor that it names as the next.
        next: String,
    },
    /// The page, already delivered, says that there are more, and has no cursor to them.
    #[error("page {page} at {cursor} says that there are more pages, but has no cursor to them")]
    MissingCursor {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it was asked with.
        cursor: String,
    },
    /// The page size is 0, with which no item would ever come.
    #[error("page {page} at {cursor} cannot be asked for: the page size is 0")]
    ZeroLimit {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it would have been asked with.
        cursor: String,
    },
    /// The runtime on which pages were read ahead was shut down while the stream lived on.
    ///
    /// This stream cannot go on; a new one can, from the checkpoint.
    #[error("page {page} at {cursor} was lost: the runtime that fetched it has shut down")]
    Shutdown {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it was asked with.
        cursor: String,
    },
}

impl<E> Error<E> {
    /// The position of the page in the walk, from 1.
    #[must_use]
    pub fn page(&self) -> u64 {
        match self {
            Self::Fetch { page, .. }
            | Self::Repeat { page, .. }
            | Self::MissingCursor { page, .. }
            | Self::ZeroLimit { page, .. }
            | Self::Shutdown { page, .. } => *page,
        }
    }

    /// The cursor of the page, as text.
    #[must_use]
    pub fn cursor(&self) -> &str {
        match self {
            Self::Fetch { cursor, .. }
            | Self::Repeat { cursor, .. }
            | Self::MissingCursor { cursor, .. }
            | Self::ZeroLimit { cursor, .. }
            | Self::Shutdown { cursor, .. } => cursor,
        }
    }

    /// What the fetch function returned, if that is what failed: also for an `E` that is no `std::error::Error`.
    #[must_use]
    pub fn into_fetch_error(self) -> Option<E> {
        match self {
            Self::Fetch { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A cursor as errors name it.
pub(super) fn name<C: fmt::Debug>(cursor: Option<&C>) -> String {
    cursor.map_or_else(|| "the start".to_owned(), |cursor| format!("{cursor:?}"))
}

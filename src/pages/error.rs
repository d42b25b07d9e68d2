use std::fmt;

/// Why a walk over pages stopped. The stream has ended after one, until
/// [`retry_failed`](super::AsyncGetDocs::retry_failed).
///
/// Names the page and the cursor it was asked with. Nothing is lost by an error: what came before was delivered, and the
/// checkpoint is good. It is as small as a pointer, so that the documents do not pay for it.
///
/// It is a `std::error::Error` if the fetch function's is one, and `?` takes it into `anyhow::Error` or
/// `Box<dyn Error>` then. Those two are none themselves: if the fetch function returns one of them,
/// [`into_fetch_error`](Self::into_fetch_error) gives it back.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use withal::pages::{ErrorKind, Page, by_cursor};
///
/// let mut docs = by_cursor(|_: Option<u8>| async { Err::<Page<u8, u8>, _>("401") });
/// let error = docs.try_next().await.unwrap_err();
/// assert_eq!(error.to_string(), "page 1 at the start could not be fetched (attempt 1)");
/// assert!(matches!(error.kind(), ErrorKind::Fetch { source: "401", .. }));
/// # }
/// ```
#[derive(Debug)]
pub struct Error<E>(Box<Inner<E>>);

#[derive(Debug)]
struct Inner<E> {
    page: u64,
    cursor: String,
    kind: ErrorKind<E>,
}

/// What went wrong with a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind<E> {
    /// The fetch function failed, and the retries allowed were used up.
    #[error("could not be fetched (attempt {attempts})")]
    #[non_exhaustive]
    Fetch {
        /// How often the page was asked for, 1 or more.
        attempts: u32,
        /// What the fetch function returned.
        source: E,
    },
    /// The page, already delivered, leads back to one that was fetched before.
    #[error("leads back to {next_cursor}, a page that was fetched before")]
    #[non_exhaustive]
    CursorCycle {
        /// The cursor that it names as the next.
        next_cursor: String,
    },
    /// The page, already delivered, says that there are more, and has no cursor to them.
    #[error("says that there are more pages, but has no cursor to them")]
    MissingCursor,
    /// The page has fewer items than were yielded of it before: it has shrunk, or the checkpoint is of another walk.
    #[error("holds {len} items, and is to be resumed after {skip}")]
    #[non_exhaustive]
    ResumeOutOfRange {
        /// How many items it holds now.
        len: usize,
        /// How many of it were yielded.
        skip: usize,
    },
    /// The page size is 0, with which no item would ever come.
    #[error("cannot be asked for: the page size is 0")]
    InvalidPageSize,
    /// The runtime on which pages were read ahead was shut down while the stream lived on.
    ///
    /// This stream cannot go on; a new one can, from the checkpoint.
    #[error("was lost: the runtime that fetched it has shut down")]
    RuntimeShutdown,
}

impl<E> Error<E> {
    #[cold]
    pub(super) fn new<C: fmt::Debug>(page: u64, cursor: Option<&C>, kind: ErrorKind<E>) -> Self {
        Self(Box::new(Inner { page, cursor: format_cursor(cursor), kind }))
    }

    /// The position of the page in the walk, from 1, counted across [`resume`](super::AsyncGetDocs::resume).
    #[must_use]
    pub fn page(&self) -> u64 {
        self.0.page
    }

    /// The cursor that the page was asked with, as `Debug` shows it; "the start" if there was none.
    #[must_use]
    pub fn cursor(&self) -> &str {
        &self.0.cursor
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind<E> {
        &self.0.kind
    }

    /// What went wrong, by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind<E> {
        self.0.kind
    }

    /// What the fetch function returned, if that is what failed: also for an `E` that is no `std::error::Error`.
    ///
    /// # Errors
    ///
    /// This error as it is, if anything else failed.
    pub fn into_fetch_error(self) -> Result<E, Self> {
        let Inner { page, cursor, kind } = *self.0;
        match kind {
            ErrorKind::Fetch { source, .. } => Ok(source),
            kind => Err(Self(Box::new(Inner { page, cursor, kind }))),
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { page, cursor, kind } = &*self.0;
        write!(f, "page {page} at {cursor} {kind}")
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.kind)
    }
}

/// A cursor as errors name it.
pub(super) fn format_cursor<C: fmt::Debug>(cursor: Option<&C>) -> String {
    cursor.map_or_else(|| "the start".to_owned(), |cursor| format!("{cursor:?}"))
}

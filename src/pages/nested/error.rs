use std::fmt;

use crate::pages::error::Error;

/// The error that ended a [`Nested`](super::super::Nested) stream, until its
/// [`retry_failed`](super::super::Nested::retry_failed) reopens it.
///
/// The [`source`](std::error::Error::source) is the error of the parents, or of the child.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NestedError<P: fmt::Debug, E: fmt::Debug + 'static> {
    /// The stream of the parents failed. All items of the parents before it were yielded.
    #[error("failed to fetch the parents")]
    Parents(#[source] Error<E>),
    /// The stream of this parent's items failed.
    #[error("failed to fetch the items of parent {parent:?}")]
    #[non_exhaustive]
    Child {
        /// The parent.
        parent: P,
        /// The error of the stream of its items.
        source: Error<E>,
    },
}

impl<P: fmt::Debug, E: fmt::Debug + 'static> NestedError<P, E> {
    /// Returns the parent whose stream failed; `None` if the stream of the parents failed.
    #[must_use]
    pub fn parent(&self) -> Option<&P> {
        match self {
            Self::Parents(_) => None,
            Self::Child { parent, .. } => Some(parent),
        }
    }

    /// Returns the error of the stream that failed.
    #[must_use]
    pub fn into_source(self) -> Error<E> {
        match self {
            Self::Parents(source) | Self::Child { source, .. } => source,
        }
    }
}

use std::error::Error as StdError;
use std::fmt::Debug;

use crate::context::NotEntering;
use crate::pages;

/// The error of a [`Fleet`](super::Fleet), a [`Claim`](super::Claim) or a commit. `E` is the error of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: StdError + 'static> {
    /// The lease is lost: another worker has claimed the partition, or the lease could not be renewed in time. Stop the work.
    /// Another worker continues the partition from the stored checkpoint.
    #[error("the lease of partition {partition:?} is lost: stop the work, another worker continues it")]
    #[non_exhaustive]
    LeaseLost {
        /// The name of the partition.
        partition: String,
    },
    /// The engine has failed repeatedly. If a commit returns this error, nothing was stored.
    #[error("the engine of the fleet failed")]
    Engine(#[source] E),
    /// The engine has not answered for 30 seconds.
    #[error("the engine of the fleet does not answer")]
    NoAnswer,
    /// The commit has the checkpoint of the commit before it, or follows a commit whose checkpoint is done. Commit items
    /// together with the checkpoint after them: after a failure, only the checkpoint shows whether a commit was stored.
    #[error("the checkpoint does not advance: commit items with the checkpoint after them")]
    NotAdvanced,
    /// The stream of [`drive`](super::Work::drive) does not start at the checkpoint of the partition. Pass the stream of
    /// items, which `drive` resumes, or call `resume(work.checkpoint())` before `into_pages`.
    #[error(
        "the pages do not start at the checkpoint of the partition: call `resume(work.checkpoint())` first"
    )]
    NotResumed,
    /// The claim was not entered by a scope: its `aenter` was called directly.
    #[error("a claim must be entered by a scope, as `async_with!` does")]
    NotEntering(#[from] NotEntering),
}

impl<E: StdError + 'static> Error<E> {
    /// Returns `true` if the error is [`LeaseLost`](Self::LeaseLost).
    #[must_use]
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Self::LeaseLost { .. })
    }
}

/// The error of [`Work::drive`](super::Work::drive). `E` is the error of the engine, `X` that of the fetch function.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError<E: StdError + 'static, X: Debug + 'static> {
    /// A page could not be fetched. The pages before it are committed.
    #[error("failed to fetch a page")]
    Pages(#[from] pages::Error<X>),
    /// A page could not be committed.
    #[error("failed to commit a page")]
    Commit(#[from] Error<E>),
}

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::backoff::Backoff;
use super::engine::{Engine, Ownership, Partition};
use super::error::{DriveError, Error};
use super::into_pages::IntoPages;
use super::lease_clock::LeaseClock;
use crate::pages::Checkpoint;

/// The number of attempts of a commit, if the engine answers that it was not stored.
const MAX_COMMITS: u32 = 3;

/// A claimed partition, for the block of a [`Claim`](super::Claim) or the function of [`Fleet::run`](super::Fleet::run).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use withal::fleet::{Engine, Fleet, MemoryEngine};
/// use withal::pages::{PageNumber, by_page_number};
///
/// let engine = MemoryEngine::<u64, PageNumber>::new();
/// engine.add(["a"]).await?;
/// let report = Fleet::new(engine.clone())
///     .run(async |work| {
///         let items = by_page_number(1, |page| async move {
///             Ok::<_, std::io::Error>(if page <= 2 { vec![page * 10, page * 10 + 1] } else { vec![] })
///         });
///         work.drive(items).await
///     })
///     .await?;
/// assert_eq!(report.finished, 1);
/// assert_eq!(engine.items("a"), [10, 11, 20, 21]);
/// # Ok(())
/// # }
/// ```
pub struct Work<E: Engine> {
    engine: Arc<E>,
    partition: String,
    token: E::Token,
    /// The last checkpoint that is known to be stored.
    checkpoint: Checkpoint<E::Cursor>,
    attempt: u32,
    pending: Option<PendingCommit<E>>,
    clock: Arc<LeaseClock>,
}

/// A commit that has not completed: its future may have been dropped.
struct PendingCommit<E: Engine> {
    items: Arc<[E::Item]>,
    checkpoint: Checkpoint<E::Cursor>,
    /// `true` once the commit was sent, until its result is known.
    is_uncertain: bool,
}

impl<E: Engine> Work<E> {
    pub(super) fn new(
        engine: Arc<E>,
        partition: Partition<E::Token, E::Cursor>,
        clock: Arc<LeaseClock>,
    ) -> Self {
        let Partition { name, token, checkpoint, attempt } = partition;
        Self { engine, partition: name, token, checkpoint, attempt, pending: None, clock }
    }

    /// Returns the name of the partition.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Returns the checkpoint of the last commit, from which a stream [resumes](crate::pages::AsyncGetDocs::resume).
    pub fn checkpoint(&self) -> Checkpoint<E::Cursor> {
        self.checkpoint.clone()
    }

    /// Returns the number of this [attempt](Partition::attempt): 1, unless earlier claims have ended at this checkpoint.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the engine, for example to add partitions.
    #[must_use]
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Stores items and the checkpoint after them, both or neither, and renews the lease.
    ///
    /// The items may be a whole page, several pages or a part of a page. The checkpoint is that of the stream after the last
    /// of them; it may be inside a page. A commit without items and with the checkpoint of the last commit does nothing.
    ///
    /// If the engine fails, this method reads the stored checkpoint, and repeats the commit if it was not stored. While the
    /// engine does not answer, this method retries until the lease is lost.
    ///
    /// # Errors
    ///
    /// - [`Error::LeaseLost`]: the commit was not stored, or its result is unknown. Another worker continues from the stored
    ///   checkpoint. Stop the work.
    /// - [`Error::Engine`]: the engine has rejected the commit three times. Nothing was stored.
    /// - [`Error::NotAdvanced`]: the checkpoint is that of the last commit, or the checkpoint of the last commit is done.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after its first poll, the commit may have been stored or not. The next call completes it
    /// first, and so does the exit of a block that succeeds. A call with the same checkpoint only completes it, and ignores
    /// its own items.
    pub async fn commit(
        &mut self,
        items: impl Into<Arc<[E::Item]>>,
        checkpoint: Checkpoint<E::Cursor>,
    ) -> Result<(), Error<E::Error>> {
        if let Some(pending) = &self.pending {
            let is_same = pending.checkpoint == checkpoint;
            self.settle().await?;
            if is_same {
                return Ok(());
            }
        }
        let items = items.into();
        if checkpoint == self.checkpoint && items.is_empty() {
            return Ok(());
        }
        if checkpoint == self.checkpoint || self.checkpoint.is_done() {
            return Err(Error::NotAdvanced);
        }
        self.pending = Some(PendingCommit { items, checkpoint, is_uncertain: false });
        self.settle().await
    }

    /// Commits each page of a stream with the checkpoint after it, and the end of the stream.
    ///
    /// `pages` is the stream of items, which this method resumes from the [`checkpoint`](Self::checkpoint), or a stream of
    /// pages that was resumed from there.
    ///
    /// A page is fetched while the one before it is committed only if the stream
    /// [reads ahead](crate::pages::AsyncGetDocs::read_ahead).
    ///
    /// # Errors
    ///
    /// - [`DriveError::Pages`]: a page could not be fetched. The pages before it are committed.
    /// - [`DriveError::Commit`]: a page could not be committed, see [`commit`](Self::commit), or the stream of pages does not
    ///   start at the checkpoint ([`Error::NotResumed`]).
    ///
    /// # Panics
    ///
    /// Panics if a stream of items was polled before.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the pages that were committed remain, and a commit that was begun may be stored or not. The
    /// stream is dropped with the future. To continue, call `drive` with a new stream.
    pub async fn drive<P, X>(&mut self, pages: P) -> Result<(), DriveError<E::Error, X>>
    where
        P: IntoPages<E::Item, E::Cursor, X>,
        X: fmt::Debug + Send + 'static,
    {
        // The commit of a call that was dropped decides from where to resume.
        self.settle().await?;
        let mut pages = pages.into_pages_from(&self.checkpoint).ok_or(Error::NotResumed)?;
        while let Some(items) = pages.try_next().await? {
            self.commit(items, pages.checkpoint()).await?;
        }
        // A stream of numbered pages detects its end only after its last page.
        Ok(self.commit([], pages.checkpoint()).await?)
    }

    /// Completes the pending commit, if there is one.
    pub(super) async fn settle(&mut self) -> Result<(), Error<E::Error>> {
        let mut pauses = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let mut commits = 0;
        let mut failure = None;
        while let Some(pending) = &mut self.pending {
            if self.clock.lose_if_expired() {
                return Err(self.lose());
            }
            let (asked, deadline) = (Instant::now(), self.clock.deadline());
            // The futures of some clients are large, so they are boxed.
            let failed = if pending.is_uncertain {
                // A commit has failed, was fenced, or was dropped: read the stored checkpoint.
                match timeout_at(deadline, Box::pin(self.engine.read(&mut self.token))).await {
                    Ok(Ok(Some(stored))) if stored == pending.checkpoint => {
                        self.committed();
                        return Ok(());
                    }
                    Ok(Ok(Some(stored))) if stored == self.checkpoint => {
                        pending.is_uncertain = false;
                        if commits < MAX_COMMITS {
                            None
                        } else {
                            // The engine answers, so it is the commit that it does not accept.
                            self.pending = None;
                            return Err(failure.take().map_or_else(|| self.lose(), Error::Engine));
                        }
                    }
                    Ok(Ok(_)) => return Err(self.lose()),
                    Ok(Err(error)) => Some(error),
                    // The deadline may have moved meanwhile.
                    Err(_) => None,
                }
            } else {
                // From here until the result is known, the future may be dropped.
                pending.is_uncertain = true;
                commits += 1;
                let items = Arc::clone(&pending.items);
                let commit = self.engine.commit(&mut self.token, items, &pending.checkpoint);
                match timeout_at(deadline, Box::pin(commit)).await {
                    Ok(Ok(Ownership::Owned)) => {
                        self.clock.renewed(asked);
                        self.committed();
                        return Ok(());
                    }
                    // Fenced by another claim, or by an earlier attempt of this commit.
                    Ok(Ok(Ownership::Fenced)) | Err(_) => None,
                    Ok(Err(error)) => Some(error),
                }
            };
            if let Some(error) = failed {
                failure = Some(error);
                sleep(pauses.next()).await;
            }
        }
        Ok(())
    }

    /// Records that the pending commit is stored.
    fn committed(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.checkpoint = pending.checkpoint;
            self.attempt = 1;
        }
    }

    fn lose(&mut self) -> Error<E::Error> {
        self.pending = None;
        self.clock.lose();
        self.lease_lost()
    }

    pub(super) fn lease_lost(&self) -> Error<E::Error> {
        Error::LeaseLost { partition: self.partition.clone() }
    }

    pub(super) fn token(&self) -> &E::Token {
        &self.token
    }
}

impl<E: Engine> fmt::Debug for Work<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("partition", &self.partition)
            .field("checkpoint", &self.checkpoint)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use futures_util::stream::FuturesUnordered;
use pin_project::pin_project;
use tokio::time::Instant;

use super::instant::saturating_add;
use super::timer::Timer;

/// Returns a stream of the outputs of several futures, in the order in which the futures complete: `as_completed` of
/// asyncio and PEP 3148.
///
/// The futures run concurrently while the stream is polled. Each output comes with the index of its future. To run the
/// futures independently of the stream, or on several threads, make them tasks first.
///
/// Without a timeout, the stream needs no runtime. A thread that runs no tasks can iterate over it with
/// [`block_on_stream`](https://docs.rs/futures/latest/futures/executor/fn.block_on_stream.html) of the `futures` crate.
///
/// If you need neither indices nor a timeout, use
/// [`FuturesUnordered`](https://docs.rs/futures/latest/futures/stream/struct.FuturesUnordered.html) of the `futures`
/// crate, on which this function builds.
///
/// # Cancel safety
///
/// Cancel safe: the futures live in the stream, and no output is lost between two calls of `next`. Dropping the stream
/// drops the futures. If they are handles, their tasks and jobs continue, because dropping a handle does not cancel its
/// work.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), withal::tasks::Elapsed> {
/// use std::time::Duration;
/// use futures::StreamExt;
/// use tokio::time::sleep;
/// use withal::tasks::as_completed;
///
/// let sleeps = [3, 1, 2].map(|n| async move {
///     sleep(Duration::from_millis(n)).await;
///     n
/// });
/// let mut completed = as_completed(sleeps).timeout(Duration::from_secs(60));
/// let mut order = Vec::new();
/// while let Some(next) = completed.next().await {
///     let (index, n) = next?;
///     order.push((index, n));
/// }
/// assert_eq!(order, [(1, 1), (2, 2), (0, 3)]);
/// # Ok(())
/// # }
/// ```
///
/// # Limitations
///
/// The futures are moved. In a debug build, a move copies a future to the stack, so box futures of more than 128 KiB.
#[doc(alias = "FuturesUnordered")]
#[doc(alias = "select_all")]
pub fn as_completed<F: Future>(futures: impl IntoIterator<Item = F>) -> AsCompleted<F> {
    AsCompleted { futures: with_indexes(futures) }
}

/// The stream of `(index, output)` that [`as_completed`] returns.
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<F> {
    futures: FuturesUnordered<Indexed<F>>,
}

impl<F: Future> AsCompleted<F> {
    /// Returns the number of futures whose outputs the stream has not yielded yet.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.futures.len()
    }

    /// Limits the stream to `timeout` from now: Python's `timeout`.
    ///
    /// Outputs that are ready by then are yielded. Then the stream yields one error and ends.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, or on a runtime whose timer is not enabled.
    #[doc(alias = "deadline")]
    pub fn timeout(self, timeout: Duration) -> AsCompletedTimeout<F> {
        self.timeout_at(saturating_add(Instant::now(), timeout))
    }

    /// Limits the stream to `deadline`: see [`timeout`](Self::timeout).
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, or on a runtime whose timer is not enabled.
    pub fn timeout_at(self, deadline: Instant) -> AsCompletedTimeout<F> {
        let total = self.futures.len();
        AsCompletedTimeout { completed: self, deadline: Some(Box::pin(Timer::new(deadline))), total }
    }

    /// Returns the futures that have not completed, with their indices, in their original order.
    pub fn into_unfinished(self) -> impl Iterator<Item = (usize, F)>
    where
        F: Unpin,
    {
        in_order(self.futures)
    }
}

impl<F: Future> Stream for AsCompleted<F> {
    type Item = (usize, F::Output);

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.futures).poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.futures.len(), Some(self.futures.len()))
    }
}

impl<F: Future> FusedStream for AsCompleted<F> {
    fn is_terminated(&self) -> bool {
        self.futures.is_empty()
    }
}

/// The stream of `Result<(index, output), Elapsed>` that [`AsCompleted::timeout`] returns.
#[must_use = "streams do nothing unless polled"]
pub struct AsCompletedTimeout<F> {
    completed: AsCompleted<F>,
    /// `None` once the deadline has passed and the error was yielded.
    deadline: Option<Pin<Box<Timer>>>,
    total: usize,
}

/// The error of [`AsCompleted::timeout`]: not all futures completed in time. Python's `TimeoutError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{unfinished} (of {total}) futures unfinished")]
#[non_exhaustive]
pub struct Elapsed {
    /// The number of futures that did not complete in time.
    pub unfinished: usize,
    /// The number of all futures.
    pub total: usize,
}

impl<F: Future> AsCompletedTimeout<F> {
    /// Returns the futures that have not completed, with their indices, in their original order.
    pub fn into_unfinished(self) -> impl Iterator<Item = (usize, F)>
    where
        F: Unpin,
    {
        self.completed.into_unfinished()
    }
}

impl<F: Future> Stream for AsCompletedTimeout<F> {
    type Item = Result<(usize, F::Output), Elapsed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(deadline) = &mut this.deadline else { return Poll::Ready(None) };
        // Poll the futures before the deadline: an output that is ready at the deadline is in time.
        match Pin::new(&mut this.completed).poll_next(cx) {
            Poll::Ready(next) => Poll::Ready(next.map(Ok)),
            Poll::Pending => {
                ready!(deadline.as_mut().poll_after_work(cx));
                // The deadline has passed, but futures that were not polled yet may be ready.
                if let Poll::Ready(next) = poll_each(&mut this.completed.futures, cx) {
                    return Poll::Ready(next.map(Ok));
                }
                // The error ends the stream.
                this.deadline = None;
                let (unfinished, total) = (this.completed.unfinished(), this.total);
                Poll::Ready(Some(Err(Elapsed { unfinished, total })))
            }
        }
    }
}

impl<F: Future> FusedStream for AsCompletedTimeout<F> {
    fn is_terminated(&self) -> bool {
        self.deadline.is_none() || self.completed.is_terminated()
    }
}

impl<F> fmt::Debug for AsCompleted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("unfinished", &self.futures.len()).finish()
    }
}

impl<F> fmt::Debug for AsCompletedTimeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deadline = self.deadline.as_ref().map(|timer| timer.deadline());
        f.debug_struct("AsCompletedTimeout")
            .field("completed", &self.completed)
            .field("deadline", &deadline)
            .finish_non_exhaustive()
    }
}

/// A future that returns its index with its output.
#[pin_project]
pub(super) struct Indexed<F> {
    index: usize,
    #[pin]
    future: F,
}

impl<F> Indexed<F> {
    pub(super) fn future(&self) -> &F {
        &self.future
    }
}

impl<F: Future> Future for Indexed<F> {
    type Output = (usize, F::Output);

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.future.poll(cx).map(|output| (*this.index, output))
    }
}

/// Collects the futures with their indexes. A loop, because in a debug build each adapter of an iterator copies the futures
/// to the stack.
pub(super) fn with_indexes<F>(futures: impl IntoIterator<Item = F>) -> FuturesUnordered<Indexed<F>> {
    let indexed = FuturesUnordered::new();
    for future in futures {
        indexed.push(Indexed { index: indexed.len(), future });
    }
    indexed
}

/// Returns the remaining futures with their indices, in their original order.
pub(super) fn in_order<F: Unpin>(futures: FuturesUnordered<Indexed<F>>) -> impl Iterator<Item = (usize, F)> {
    let mut remaining: Vec<_> = futures.into_iter().map(|indexed| (indexed.index, indexed.future)).collect();
    remaining.sort_unstable_by_key(|(index, _)| *index);
    remaining.into_iter()
}

/// Returns the next output, for a caller that will not poll again. Returns `Pending` only if each future that was woken
/// has been polled at least once.
///
/// A `FuturesUnordered` yields to the executor as soon as two of its futures have woken themselves, so a single poll
/// may miss ready futures.
pub(super) fn poll_each<F: Future>(
    futures: &mut FuturesUnordered<Indexed<F>>,
    cx: &mut Context<'_>,
) -> Poll<Option<(usize, F::Output)>> {
    for _ in 0..=futures.len() / 2 {
        if let Poll::Ready(next) = Pin::new(&mut *futures).poll_next(cx) {
            return Poll::Ready(next);
        }
    }
    Poll::Pending
}

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, Sleep, sleep_until};

use super::indexed::{Indexed, poll_each};
use super::instant::saturating_add;

/// The outputs of several futures, in the order in which they are ready: `as_completed` of asyncio and PEP 3148.
///
/// The futures run as the stream is polled, all at once; each output comes with the place of its future in what was given.
/// What is to run by itself, and on several threads, is made a task first.
///
/// But for a deadline it needs no runtime: a thread that runs none has it block, by the crate futures'
/// [`block_on_stream`](https://docs.rs/futures/latest/futures/executor/fn.block_on_stream.html).
///
/// It stands on [`FuturesUnordered`](https://docs.rs/futures/latest/futures/stream/struct.FuturesUnordered.html) of the
/// crate futures, which is the better answer where neither places nor a deadline are needed.
///
/// # Cancel safety
///
/// Cancel safe: the futures live in the stream, and an output that is not taken is not lost. Dropping the stream drops the
/// futures; tasks and jobs of an executor go on.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::tasks::Elapsed> {
/// use std::time::Duration;
/// use futures::StreamExt;
/// use tokio::time::sleep;
/// use withal::tasks::as_completed;
///
/// let seconds = [3, 1, 2].map(|n| async move {
///     sleep(Duration::from_millis(n)).await;
///     n
/// });
/// let mut completed = as_completed(seconds).timeout(Duration::from_secs(60));
/// let mut order = Vec::new();
/// while let Some(next) = completed.next().await {
///     let (place, n) = next?;
///     order.push((place, n));
/// }
/// assert_eq!(order, [(1, 1), (2, 2), (0, 3)]);
/// # Ok(())
/// # }
/// ```
pub fn as_completed<F: Future>(futures: impl IntoIterator<Item = F>) -> AsCompleted<F> {
    AsCompleted { futures: futures.into_iter().enumerate().map(Indexed::new).collect() }
}

/// What [`as_completed`] returns: a stream of `(place, output)`.
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<F> {
    futures: FuturesUnordered<Indexed<F>>,
}

impl<F: Future> AsCompleted<F> {
    /// How many are not ready yet, or not taken.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.futures.len()
    }

    /// The same with a deadline, which counts from now: Python's `timeout`.
    ///
    /// What is ready by then is given; then comes one error, and the end.
    ///
    /// # Panics
    ///
    /// On a runtime whose timer is not enabled, and where no runtime is.
    pub fn timeout(self, most: Duration) -> AsCompletedTimeout<F> {
        self.timeout_at(saturating_add(Instant::now(), most))
    }

    /// The same, at an instant.
    ///
    /// # Panics
    ///
    /// As [`within`](Self::timeout).
    pub fn timeout_at(self, deadline: Instant) -> AsCompletedTimeout<F> {
        let total = self.futures.len();
        AsCompletedTimeout { completed: self, deadline: Some(Box::pin(sleep_until(deadline))), total }
    }

    /// Those that are not ready, with their places, in the order in which they were given.
    pub fn into_unfinished(self) -> impl Iterator<Item = (usize, F)>
    where
        F: Unpin,
    {
        super::indexed::in_order(self.futures)
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

/// What [`AsCompleted::timeout`] returns: a stream of `Result<(place, output), Elapsed>`.
#[must_use = "streams do nothing unless polled"]
pub struct AsCompletedTimeout<F> {
    completed: AsCompleted<F>,
    /// None when it has passed and was told.
    deadline: Option<Pin<Box<Sleep>>>,
    total: usize,
}

/// Not all were ready in time: `TimeoutError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{unfinished} (of {total}) futures unfinished")]
#[non_exhaustive]
pub struct Elapsed {
    /// How many were not.
    pub unfinished: usize,
    /// How many there were.
    pub total: usize,
}

impl<F: Future> AsCompletedTimeout<F> {
    /// Those that are not ready, with their places, in the order in which they were given.
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
        // First: what is ready at the deadline is ready in time.
        match Pin::new(&mut this.completed).poll_next(cx) {
            Poll::Ready(next) => Poll::Ready(next.map(Ok)),
            Poll::Pending => {
                ready!(deadline.as_mut().poll(cx));
                if let Poll::Ready(next) = poll_each(&mut this.completed.futures, cx) {
                    return Poll::Ready(next.map(Ok));
                }
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
        let deadline = self.deadline.as_ref().map(|sleep| sleep.deadline());
        f.debug_struct("AsCompletedTimeout")
            .field("completed", &self.completed)
            .field("deadline", &deadline)
            .finish_non_exhaustive()
    }
}

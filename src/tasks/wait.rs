use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Sleep, sleep};

use super::indexed::{Indexed, in_order, poll_each};

/// Waits for several futures, and gives back those that are not over: `wait` of asyncio and PEP 3148.
///
/// By default until all are over. Nothing is cancelled, and nothing is dropped. Given by `iter_mut()`, the futures stay
/// where they are; an async block is pinned first, by `Box::pin`. With none it is ready at once, as in PEP 3148; asyncio's refuses that.
///
/// # Panics
///
/// Given by `&mut` once more, a future that was over panics, as any does that is polled after its end: go on with those in
/// [`WaitResult::pending`].
///
/// # Cancel safety
///
/// Of futures that are given by `&mut`, those which were over when it was dropped have given their outputs away, so it
/// is cancel safe only with [`first_completed`](Wait::first_completed) and without a timeout: then one that is over ends
/// it in the same poll.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use tokio::time::sleep;
/// use withal::tasks::{create_task, wait};
///
/// let tasks = [3, 1].map(|n| {
///     create_task(async move {
///         sleep(Duration::from_millis(n)).await;
///         Ok::<_, Infallible>(n)
///     })
/// });
/// let waited = wait(tasks).first_completed().await;
/// assert_eq!(waited.done, [(1, Ok(1))]);
/// let (place, slower) = waited.pending.into_iter().next().unwrap();
/// assert_eq!((place, slower.await), (0, Ok(3)));
/// # }
/// ```
pub fn wait<F, T, E>(futures: impl IntoIterator<Item = F>) -> Wait<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
{
    Wait {
        futures: futures.into_iter().enumerate().map(Indexed::new).collect(),
        done: Vec::new(),
        when: ReturnWhen::AllCompleted,
        deadline: None,
    }
}

/// What [`wait`] returns: a future, to be told what to wait for.
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<F: Future> {
    futures: FuturesUnordered<Indexed<F>>,
    done: Vec<(usize, F::Output)>,
    when: ReturnWhen,
    deadline: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReturnWhen {
    AllCompleted,
    FirstCompleted,
    FirstException,
}

/// What [`wait`] comes to. Each has its place in what was given.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitResult<F, O> {
    /// The outputs of those that are over, in the order in which they were found so.
    pub done: Vec<(usize, O)>,
    /// Those that are not, in the order in which they were given. Of tokio's own futures some may be that nobody has asked yet,
    /// since the budget of one turn was spent.
    pub pending: Vec<(usize, F)>,
}

impl<F, T, E> Wait<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
{
    /// Until one is over: `FIRST_COMPLETED`. There may be several.
    pub fn first_completed(mut self) -> Self {
        self.when = ReturnWhen::FirstCompleted;
        self
    }

    /// Until one has failed, or all are over: `FIRST_EXCEPTION`.
    pub fn first_exception(mut self) -> Self {
        self.when = ReturnWhen::FirstException;
        self
    }

    pub(super) fn all_completed(mut self) -> Self {
        self.when = ReturnWhen::AllCompleted;
        self
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &F> {
        self.futures.iter().map(Indexed::future)
    }

    /// For as long as `most` at most, from now. Then what is over is over; it is no error.
    ///
    /// # Panics
    ///
    /// On a runtime whose timer is not enabled, and where no runtime is.
    pub fn timeout(mut self, most: Duration) -> Self {
        self.deadline = Some(Box::pin(sleep(most)));
        self
    }

    fn is_enough(&self) -> bool {
        match self.when {
            ReturnWhen::AllCompleted => false,
            ReturnWhen::FirstCompleted => !self.done.is_empty(),
            ReturnWhen::FirstException => self.done.iter().any(|(_, output)| output.is_err()),
        }
    }
}

impl<F, T, E> Future for Wait<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
{
    type Output = WaitResult<F, Result<T, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let is_all = loop {
            match Pin::new(&mut this.futures).poll_next(cx) {
                Poll::Ready(Some(done)) => this.done.push(done),
                Poll::Ready(None) => break true,
                Poll::Pending => break false,
            }
        };
        let is_enough = is_all || this.is_enough();
        let is_late = |sleep: &mut Pin<Box<Sleep>>| sleep.as_mut().poll(cx).is_ready();
        if !is_enough && !this.deadline.as_mut().is_some_and(is_late) {
            return Poll::Pending;
        }
        // All that are over, also when one is enough. Not beyond tokio's budget: a future that lives by it would not end.
        while let Poll::Ready(Some(done)) = poll_each(&mut this.futures, cx) {
            this.done.push(done);
        }
        let (done, futures) = (std::mem::take(&mut this.done), std::mem::take(&mut this.futures));
        Poll::Ready(WaitResult { done, pending: in_order(futures).collect() })
    }
}

/// The futures are pinned by what holds them, and the outputs are not pinned.
impl<F: Future> Unpin for Wait<F> {}

impl<F: Future> fmt::Debug for Wait<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("until", &self.when)
            .field("pending", &self.futures.len())
            .field("done", &self.done.len())
            .finish_non_exhaustive()
    }
}

use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::as_completed::{Indexed, in_order, poll_each, with_indexes};
use super::instant::saturating_add;
use super::timer::Timer;
use crate::cleanup::{CleanupEvent, notify_observers};
use crate::context::OpaqueError;
use crate::error_text::is_failure;

/// Waits for several futures, and returns their outputs and the futures that are still pending: `wait` of asyncio and
/// PEP 3148.
///
/// By default, `wait` waits until all futures have completed. [`first_completed`](Wait::first_completed),
/// [`first_exception`](Wait::first_exception) and [`timeout`](Wait::timeout) make it return earlier. It neither cancels
/// nor drops the futures that have not completed: it returns them.
///
/// To keep the futures, pass them by `iter_mut()`. An async block must be pinned first, by `Box::pin`. Without futures,
/// `wait` returns at once, as in PEP 3148; asyncio raises a `ValueError`.
///
/// # Panics
///
/// Like any future that is polled after completion, a future that has completed may panic if it is passed by `&mut` to
/// another `wait`. Pass only those in [`WaitResult::pending`] again.
///
/// # Cancel safety
///
/// If the futures were passed by value, they are dropped with the `wait`. If they were passed by `&mut`, the outputs of
/// futures that have completed by then are lost. The errors among these outputs are
/// [reported](crate::cleanup#reports) by their `Debug` text, with the location of this call. Their type may have any
/// lifetime, so observers receive an [`OpaqueError`](crate::context::OpaqueError) in place of the error. So `wait` is
/// cancel safe only with `&mut`, with [`first_completed`](Wait::first_completed) and without a timeout: then it returns
/// in the same poll in which the first future completes.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
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
/// let (index, slower) = waited.pending.into_iter().next().unwrap();
/// assert_eq!((index, slower.await), (0, Ok(3)));
/// # }
/// ```
#[doc(alias = "select")]
#[doc(alias = "select_all")]
#[doc(alias = "join_all")]
#[track_caller]
pub fn wait<F, T, E>(futures: impl IntoIterator<Item = F>) -> Wait<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
    E: Debug,
{
    Wait::new(futures, report_lost)
}

/// Reports the error of a future whose output is dropped with the `wait`.
#[cold]
fn report_lost<T, E: Debug>(output: &Result<T, E>, location: &'static Location<'static>) {
    match output {
        Err(error) if is_failure(error) => {
            let name = "future in a wait";
            let debug: Option<&dyn Debug> = Some(error);
            notify_observers(&CleanupEvent::TaskFailed { name, location, error: &OpaqueError, debug });
        }
        _ => {}
    }
}

/// The future that [`wait`] returns. Its methods set the condition that it waits for.
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<F: Future> {
    futures: FuturesUnordered<Indexed<F>>,
    done: Vec<(usize, F::Output)>,
    return_when: ReturnWhen,
    deadline: Option<Pin<Box<Timer>>>,
    /// The call of [`wait`].
    location: &'static Location<'static>,
    /// Reports an output that is dropped: the bounds of [`wait`] as a function pointer, so that `Drop` needs none.
    report: Report<F::Output>,
}

type Report<O> = fn(&O, &'static Location<'static>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReturnWhen {
    AllCompleted,
    FirstCompleted,
    FirstException,
    /// As `FirstException`, but outputs after the error are not collected.
    FirstErrorOnly,
}

/// The output of [`wait`]. Each entry has the index of its future.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitResult<F, O> {
    /// The outputs of the futures that have completed, in the order in which they were polled.
    pub done: Vec<(usize, O)>,
    /// The futures that have not completed, in their original order. A future of tokio may be among them although it is
    /// ready, if the cooperative budget of the task was exhausted.
    pub pending: Vec<(usize, F)>,
}

impl<F, T, E> Wait<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
{
    #[track_caller]
    pub(super) fn new(futures: impl IntoIterator<Item = F>, report: Report<Result<T, E>>) -> Self {
        Self {
            futures: with_indexes(futures),
            done: Vec::new(),
            return_when: ReturnWhen::AllCompleted,
            deadline: None,
            location: Location::caller(),
            report,
        }
    }

    /// Waits until one future has completed: `FIRST_COMPLETED`. If several futures have completed, all their outputs
    /// are returned.
    pub fn first_completed(mut self) -> Self {
        self.return_when = ReturnWhen::FirstCompleted;
        self
    }

    /// Waits until one future has failed or all have completed: `FIRST_EXCEPTION`.
    pub fn first_exception(mut self) -> Self {
        self.return_when = ReturnWhen::FirstException;
        self
    }

    /// Waits until one future has failed or all have completed. In contrast to
    /// [`first_exception`](Self::first_exception), the futures after the one that failed are not polled, and keep their
    /// outputs.
    pub(super) fn first_error_only(mut self) -> Self {
        self.return_when = ReturnWhen::FirstErrorOnly;
        self
    }

    pub(super) fn all_completed(mut self) -> Self {
        self.return_when = ReturnWhen::AllCompleted;
        self
    }

    /// The outputs that were collected. They are not reported.
    pub(super) fn take_done(&mut self) -> Vec<(usize, Result<T, E>)> {
        std::mem::take(&mut self.done)
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &F> {
        self.futures.iter().map(Indexed::future)
    }

    /// Waits for at most `timeout` from now. A timeout is not an error: the futures that have not completed are
    /// returned in [`WaitResult::pending`].
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, or on a runtime whose timer is not enabled.
    #[doc(alias = "deadline")]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        let deadline = saturating_add(Instant::now(), timeout);
        self.deadline = Some(Box::pin(Timer::new(deadline)));
        self
    }

    /// Moves out the outputs and the futures that have not completed.
    fn take_result(&mut self) -> WaitResult<F, Result<T, E>> {
        let (done, futures) = (std::mem::take(&mut self.done), std::mem::take(&mut self.futures));
        WaitResult { done, pending: in_order(futures).collect() }
    }

    fn is_satisfied(&self) -> bool {
        match self.return_when {
            // `poll` finds out when no future is left.
            ReturnWhen::AllCompleted | ReturnWhen::FirstErrorOnly => false,
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
        // Collect the outputs that are ready.
        let are_all_done = loop {
            match Pin::new(&mut this.futures).poll_next(cx) {
                Poll::Ready(Some(done)) => {
                    let ends = this.return_when == ReturnWhen::FirstErrorOnly && done.1.is_err();
                    this.done.push(done);
                    if ends {
                        return Poll::Ready(this.take_result());
                    }
                }
                Poll::Ready(None) => break true,
                Poll::Pending => break false,
            }
        };
        // Return when the condition holds or the time has elapsed.
        let is_satisfied = are_all_done || this.is_satisfied();
        let has_passed = |deadline: &mut Pin<Box<Timer>>| deadline.as_mut().poll_after_work(cx).is_ready();
        if !is_satisfied && !this.deadline.as_mut().is_some_and(has_passed) {
            return Poll::Pending;
        }
        // Collect all other outputs that are ready, even if one output suffices. This does not disable tokio's
        // cooperative budget: a future that is always ready, and relies on the budget to yield, would keep this loop
        // running.
        while let Poll::Ready(Some(done)) = poll_each(&mut this.futures, cx) {
            this.done.push(done);
        }
        Poll::Ready(this.take_result())
    }
}

/// The futures are pinned in the allocations of `FuturesUnordered`, and the outputs are not pinned.
impl<F: Future> Unpin for Wait<F> {}

/// The errors that were collected, but not returned, are reported.
impl<F: Future> Drop for Wait<F> {
    fn drop(&mut self) {
        for (_, output) in &self.done {
            (self.report)(output, self.location);
        }
    }
}

impl<F: Future> fmt::Debug for Wait<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("return_when", &self.return_when)
            .field("pending", &self.futures.len())
            .field("done", &self.done.len())
            .finish_non_exhaustive()
    }
}

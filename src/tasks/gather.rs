use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::error::TaskResult;
use super::task_handle::TaskHandle;
use super::unretrieved::Unretrieved;
use super::wait::Wait;
use crate::cleanup::Cleanup;

/// Waits for several tasks, and returns their values in order or the first error: `asyncio.gather`.
///
/// As soon as one task fails, its error is returned, and the other tasks continue. If one of these fails as well, its
/// error is [reported](crate::cleanup#reports), which asyncio does not do: there, `gather` counts as having retrieved
/// it. If the `gather` is dropped, the tasks are cancelled, as in asyncio. These rules require that the work runs
/// independently of the `gather`, which therefore takes [`TaskHandle`]s: those of tasks and of jobs of an executor.
///
/// # Choosing
///
/// | you have | use |
/// |---|---|
/// | tasks that end together when one fails | [`TaskGroup`](super::TaskGroup) |
/// | plain futures of one type | [`try_join_all`](https://docs.rs/futures/latest/futures/future/fn.try_join_all.html) of the `futures` crate |
/// | a few futures of different types | `tokio::try_join!` or `tokio::join!` |
///
/// # Errors
///
/// Returns the error of the task that failed, panicked or was cancelled first.
///
/// # Cancel safety
///
/// Not cancel safe: dropping the `gather` cancels the tasks that have not finished. A [cleanup](crate::cleanup) of at
/// most 30 seconds waits until these tasks have finished, and the scopes around the `gather` wait for the cleanup. In
/// asyncio, too, a cancelled `gather` ends only when its tasks have ended. A task that gathers itself, directly or
/// through a task that awaits it, waits for the whole 30 seconds when it is cancelled. Errors that were collected by then
/// are [reported](crate::cleanup#reports).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use withal::tasks::{Error, create_task, gather};
///
/// let parse = |text: &'static str| create_task(async move { text.parse::<u8>() });
/// assert_eq!(gather(["1", "2"].map(parse)).await, Ok(vec![1, 2]));
/// assert!(matches!(gather(["1", "x"].map(parse)).await, Err(Error::Raised(_))));
/// let results = gather(["1", "x"].map(parse)).return_exceptions().await;
/// assert!(results[0].is_ok() && results[1].is_err());
/// # }
/// ```
#[doc(alias = "join")]
#[doc(alias = "join_all")]
#[doc(alias = "try_join_all")]
#[track_caller]
pub fn gather<T, E>(futures: impl IntoIterator<Item = TaskHandle<T, E>>) -> Gather<T, E> {
    let location = Location::caller();
    let mut unretrieved = None;
    let futures = futures.into_iter().inspect(|handle| {
        // Handles of one type report in the same way, except those whose group reports their errors.
        unretrieved = unretrieved.or_else(|| handle.unretrieved());
    });
    let wait = Wait::new(futures, |_, _| {}).first_error_only();
    Gather { wait: Some(wait), unretrieved: unretrieved.map(|unretrieved| unretrieved.at(location)) }
}

/// The future that [`gather`] returns.
#[must_use = "dropping a gather cancels its tasks"]
pub struct Gather<T, E> {
    /// `None` once the `gather` has completed: dropping it then cancels nothing.
    wait: Option<Wait<TaskHandle<T, E>>>,
    /// Reports the errors that were collected if the `gather` is dropped. Taken from a handle, so that `gather`
    /// needs no bounds. `None` if a group reports all errors.
    unretrieved: Option<Unretrieved<E>>,
}

/// The future that [`Gather::return_exceptions`] returns.
#[must_use = "dropping a gather cancels its tasks"]
pub struct GatherAll<T, E> {
    gather: Gather<T, E>,
}

impl<T, E> Gather<T, E> {
    /// Waits for all tasks, and returns their results, including the errors: `gather(.., return_exceptions=True)`.
    pub fn return_exceptions(mut self) -> GatherAll<T, E> {
        self.wait = self.wait.take().map(Wait::all_completed);
        GatherAll { gather: self }
    }

    /// Polls for the results that are required, in the order in which the tasks finished.
    fn poll_results(&mut self, cx: &mut Context<'_>) -> Poll<Vec<(usize, TaskResult<T, E>)>> {
        let wait = self.wait.as_mut().expect("`gather` polled after completion");
        let waited = ready!(Pin::new(wait).poll(cx));
        self.wait = None;
        Poll::Ready(waited.done)
    }
}

impl<T, E> Future for Gather<T, E> {
    type Output = TaskResult<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let results = ready!(self.poll_results(cx));
        // The results are in the order of completion, so the error that is returned is the first one.
        let values: Result<Vec<_>, _> =
            results.into_iter().map(|(index, result)| Ok((index, result?))).collect();
        Poll::Ready(values.map(in_order))
    }
}

impl<T, E> Future for GatherAll<T, E> {
    type Output = Vec<TaskResult<T, E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.gather.poll_results(cx).map(in_order)
    }
}

fn in_order<T>(mut indexed: Vec<(usize, T)>) -> Vec<T> {
    indexed.sort_unstable_by_key(|(index, _)| *index);
    indexed.into_iter().map(|(_, value)| value).collect()
}

impl<T, E> Drop for Gather<T, E> {
    fn drop(&mut self) {
        let Some(mut wait) = self.wait.take() else { return };
        let (sender, all_finished) = oneshot::channel();
        let signal = Waker::from(Arc::new(DropSignal(sender)));
        let mut is_any_unfinished = false;
        // Each unfinished task keeps a clone of the signal. The clone of this function is dropped on return.
        for task in wait.pending() {
            // A task that ends between the two calls is not registered, and is not waited for.
            is_any_unfinished |= task.cancel() && task.register_if_unfinished(&signal);
        }
        // Without a runtime, no scope could wait for the tasks. They are cancelled all the same.
        if is_any_unfinished && Handle::try_current().is_ok() {
            let finished = async {
                drop(all_finished.await);
                Ok::<_, Infallible>(())
            };
            Cleanup::new(finished).name("gather").detach();
        }
        // Last, because the destructors of errors are user code, which may panic.
        let done = wait.take_done();
        if let Some(unretrieved) = &self.unretrieved {
            for error in done.iter().filter_map(|(_, result)| result.as_ref().err()) {
                unretrieved.report("task in a gather", error);
            }
        }
    }
}

/// A waker that several tasks share. Each of them drops its clone when it has finished; the last drop closes the
/// channel.
struct DropSignal(#[expect(dead_code, reason = "it signals by its destructor")] oneshot::Sender<Infallible>);

impl Wake for DropSignal {
    fn wake(self: Arc<Self>) {}
}

impl<T, E> fmt::Debug for Gather<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for GatherAll<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherAll").field("wait", &self.gather.wait).finish()
    }
}

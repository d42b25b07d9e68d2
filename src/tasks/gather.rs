use std::convert::Infallible;
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{TaskHandle, TaskResult, Wait, wait};
use crate::cleanup::Cleanup;

/// Waits for all futures, and gives their values in order, or the first error: `asyncio.gather`.
///
/// When one fails, its error comes out at once, and the others go on. When this is dropped, they are cancelled. That is
/// asyncio's rule, and why this is about [`TaskHandle`]s: tasks, and jobs of an executor. Of plain futures, the crate futures
/// has [`try_join_all`](https://docs.rs/futures/latest/futures/future/fn.try_join_all.html); of some that differ in type,
/// tokio has `try_join!` and `join!`; and for work that belongs
/// together, a [`TaskGroup`](super::TaskGroup) is the better answer.
///
/// # Errors
///
/// That of the one which failed, panicked, or was cancelled first.
///
/// # Cancel safety
///
/// Dropped, it cancels those that are not over. To wait for the tasks among them is a [cleanup](crate::cleanup), so that the
/// scopes around wait, too, for 30 seconds at most: asyncio's is cancelled no sooner than they are. A task that gathers
/// itself, or whoever waits for it, waits for so long when it is cancelled.
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
/// let outcomes = gather(["1", "x"].map(parse)).return_exceptions().await;
/// assert!(outcomes[0].is_ok() && outcomes[1].is_err());
/// # }
/// ```
pub fn gather<T, E>(futures: impl IntoIterator<Item = TaskHandle<T, E>>) -> Gather<T, E> {
    Gather { wait: Some(wait(futures).first_exception()) }
}

/// What [`gather`] returns.
#[must_use = "dropped, it cancels what it was to wait for"]
pub struct Gather<T, E> {
    /// None when it is over, and what is left goes on.
    wait: Option<Wait<TaskHandle<T, E>>>,
}

/// What [`return_exceptions`](Gather::return_exceptions) returns.
#[must_use = "dropped, it cancels what it was to wait for"]
pub struct GatherAll<T, E> {
    gather: Gather<T, E>,
}

impl<T, E> Gather<T, E> {
    /// All outcomes, errors among them: `gather(.., return_exceptions=True)`. It fails itself no more.
    pub fn return_exceptions(mut self) -> GatherAll<T, E> {
        self.wait = self.wait.take().map(Wait::all_completed);
        GatherAll { gather: self }
    }

    /// The outcomes in the order in which they came, when there are enough.
    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Vec<(usize, TaskResult<T, E>)>> {
        let wait = self.wait.as_mut().expect("it is polled until it is ready");
        let waited = ready!(Pin::new(wait).poll(cx));
        self.wait = None;
        Poll::Ready(waited.done)
    }
}

impl<T, E> std::future::Future for Gather<T, E> {
    type Output = TaskResult<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = ready!(self.poll_done(cx));
        let values: Result<Vec<_>, _> =
            done.into_iter().map(|(place, outcome)| Ok((place, outcome?))).collect();
        Poll::Ready(values.map(in_order))
    }
}

impl<T, E> std::future::Future for GatherAll<T, E> {
    type Output = Vec<TaskResult<T, E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.gather.poll_done(cx).map(in_order)
    }
}

fn in_order<T>(mut done: Vec<(usize, T)>) -> Vec<T> {
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, value)| value).collect()
}

impl<T, E> Drop for Gather<T, E> {
    fn drop(&mut self) {
        let Some(wait) = self.wait.take() else { return };
        let (held, released) = oneshot::channel();
        let held = Waker::from(Arc::new(Held(held)));
        let mut is_any_left = false;
        for future in wait.pending() {
            is_any_left |= future.cancel() && future.is_task_left(&held);
        }
        // Where no runtime is, nobody waits, and they end all the same.
        if is_any_left && Handle::try_current().is_ok() {
            let ended = async {
                drop(released.await);
                Ok::<_, Infallible>(())
            };
            Cleanup::new(ended).name("gather").detach();
        }
    }
}

/// The waker of several, which are woken once each: when they all were, the channel is closed.
struct Held(#[expect(dead_code, reason = "to be dropped is what it is for")] oneshot::Sender<Infallible>);

impl Wake for Held {
    fn wake(self: Arc<Self>) {}
}

impl<T, E> fmt::Debug for Gather<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("wait", &self.wait).finish()
    }
}

impl<T, E> fmt::Debug for GatherAll<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherAll").field("wait", &self.gather.wait).finish()
    }
}

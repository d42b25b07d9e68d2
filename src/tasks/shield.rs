use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cleanup::Cleanup;

/// Protects a future from being dropped by its caller: `asyncio.shield`.
///
/// If a shield is dropped before it completes, its future continues as a [cleanup](crate::cleanup), on the current
/// runtime, or else on the runtime on which the shield was first polled. The future may continue for the [grace
/// period](Shield::grace_period), and [`drain`](crate::cleanup::drain) waits for it. If the future then fails, its
/// error is reported to the [observers](crate::cleanup::observe). If a shield is dropped before it was polled, its
/// future never starts.
///
/// The handle of a task needs no shield, because dropping it does not cancel the task.
///
/// # Cancel safety
///
/// Dropping a shield does not stop its future, but the output of the future is lost.
///
/// # Panics
///
/// Panics if it is polled after completion, or after a panic of the future.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use tokio::time::{sleep, timeout};
/// use withal::{cleanup, tasks::shield};
///
/// let save = async {
///     sleep(Duration::from_millis(20)).await;
///     println!("saved, all the same");
///     Ok::<_, std::io::Error>(())
/// };
/// assert!(timeout(Duration::from_millis(1), shield(save)).await.is_err());
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "uncancellable")]
pub fn shield<F, T, E>(future: F) -> Shield<F>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: 'static,
    E: fmt::Debug + Send + 'static,
{
    let detach = |future: Pin<Box<F>>, runtime, grace_period| {
        let rest = async move { future.await.map(drop) };
        let mut rest = Cleanup::new(rest).name("shield").fallback_runtime(runtime);
        if let Some(grace_period) = grace_period {
            rest = rest.grace_period(grace_period);
        }
        rest.detach();
    };
    // Boxed from the start, so that `Drop` can move the pinned future into a cleanup.
    Shield { future: Some(Box::pin(future)), has_started: false, runtime: None, grace_period: None, detach }
}

/// The future that [`shield`] returns.
#[must_use = "futures do nothing unless awaited"]
pub struct Shield<F> {
    /// `None` after completion, and during a poll, so that a future that panics is not polled again.
    future: Option<Pin<Box<F>>>,
    has_started: bool,
    /// The runtime of the first poll, if there was one.
    runtime: Option<Handle>,
    grace_period: Option<Duration>,
    /// The bounds of [`shield`] as a function pointer, so that `Drop` needs none.
    detach: fn(Pin<Box<F>>, Option<Handle>, Option<Duration>),
}

impl<F> Shield<F> {
    /// Sets the time for which the future may continue after the shield was dropped, by the wall clock. After that
    /// time, the future is dropped, and the observers are notified. The default is 30 seconds.
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.grace_period = Some(grace_period);
        self
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut future = self.future.take().expect("`shield` polled after completion or a panic");
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.future = Some(future);
            // Only a future that was suspended can be detached, so one that is ready at once does not look up the
            // runtime.
            if !std::mem::replace(&mut self.has_started, true) {
                self.runtime = Handle::try_current().ok();
            }
        }
        polled
    }
}

impl<F> Drop for Shield<F> {
    fn drop(&mut self) {
        // There is no future after completion or a panic.
        if let (true, Some(future)) = (self.has_started, self.future.take()) {
            (self.detach)(future, self.runtime.take(), self.grace_period);
        }
    }
}

impl<F> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("has_started", &self.has_started).finish_non_exhaustive()
    }
}

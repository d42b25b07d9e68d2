use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cleanup::Cleanup;

/// Awaits a future that is to come to its end also where whoever awaits it is dropped: `asyncio.shield`.
///
/// Dropped in the middle, it goes on as a [cleanup](crate::cleanup) of the current runtime, or of the one that it was first
/// polled on: for as long as its [grace](Shield::grace), and [`drain`](crate::cleanup::drain) waits for it. Where it fails
/// then, the observers are told. Dropped before it was polled, it does not begin.
///
/// A [`TaskHandle`](super::TaskHandle) is shielded as it is: dropping the handle does not cancel it.
///
/// # Cancel safety
///
/// That is what it is for.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
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
pub fn shield<F, T, E>(future: F) -> Shield<F>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: 'static,
    E: Send + 'static,
{
    let detach = |future: Pin<Box<F>>, home, grace| {
        let rest = async move { future.await.map(drop) };
        let mut rest = Cleanup::new(rest).name("shield").fallback_runtime(home);
        if let Some(grace) = grace {
            rest = rest.grace_period(grace);
        }
        rest.detach();
    };
    Shield { future: Some(Box::pin(future)), has_begun: false, home: None, grace: None, detach }
}

/// What [`shield`] returns.
#[must_use = "futures do nothing unless awaited"]
pub struct Shield<F> {
    /// None when it is over, and while it is polled: one that panics is not polled again.
    future: Option<Pin<Box<F>>>,
    has_begun: bool,
    /// The runtime that it was first polled on, if that was one.
    home: Option<Handle>,
    grace: Option<Duration>,
    detach: fn(Pin<Box<F>>, Option<Handle>, Option<Duration>),
}

impl<F> Shield<F> {
    /// How long it may take when it is left alone, from then on: 30 seconds by default. Then it is dropped, and the observers
    /// are told. By the wall clock.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut future = self.future.take().expect("it is polled until it is ready, and has not panicked");
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.future = Some(future);
            if !std::mem::replace(&mut self.has_begun, true) {
                self.home = Handle::try_current().ok();
            }
        }
        polled
    }
}

impl<F> Drop for Shield<F> {
    fn drop(&mut self) {
        if let (true, Some(future)) = (self.has_begun, self.future.take()) {
            (self.detach)(future, self.home.take(), self.grace);
        }
    }
}

impl<F> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("has_begun", &self.has_begun).finish_non_exhaustive()
    }
}
